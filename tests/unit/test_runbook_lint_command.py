"""`leakdrill runbook lint`: what it prints, its exit codes, and its SARIF."""

import json
import os

import pytest

from leakdrill.cli.main import exit_code
from leakdrill.reports.sarif import SarifResult, SarifRule, sarif

GOOD = "# A\n\n```bash\nkubectl get pods -n <namespace>\ndocker restart orders\ndocker stats --no-stream orders\n```\n"
BAD = "# A\n\n[x](x.md)\n\n```bash\nkill -9 <PID>\n```\n"


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "good.md").write_text(GOOD)
    (tmp_path / "bad.md").write_text(BAD)
    return tmp_path


def lint(capsys, *arguments):
    code = exit_code(["runbook", "lint", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_good_file_ends_with_0_and_says_what_each_command_is(capsys):
    code, out, err = lint(capsys, "good.md")
    assert (code, err) == (0, "")
    assert "look" in out
    assert "change" in out
    assert "fill in <namespace>" in out
    assert out.splitlines()[-1] == "1 file: 0 errors, 0 warnings, 0 notes, 0 silenced (exit 0)"


def test_findings_end_with_1_and_have_file_line_level_and_rule(capsys):
    code, out, _ = lint(capsys, "good.md", "bad.md")
    assert code == 1
    assert "bad.md:3: error: links to x.md, and there is no such file [broken-link]" in out
    assert "2 files:" in out.splitlines()[-1]


def test_a_note_alone_ends_with_0(files, capsys):
    (files / "note.md").write_text("# A\n\nAlert name: OrdersMemoryHigh\n")
    code, out, _ = lint(capsys, "note.md")
    assert code == 0
    assert "note" in out


def test_json_has_the_same_facts(capsys):
    code, out, _ = lint(capsys, "bad.md", "--json")
    data = json.loads(out)
    assert code == data["exit_code"] == 1
    (file,) = data["files"]
    assert [one["kind"] for one in file["fragments"]] == ["destructive"]
    assert file["fragments"][0]["placeholders"] == [{"text": "<PID>", "name": "PID"}]
    assert {one["rule"] for one in file["findings"]} >= {"broken-link", "pid-unresolved"}


def test_rules_are_looked_into(files, capsys):
    (files / "note.md").write_text("# A\n\nAlert name: OrdersMemoryHigh\n")
    (files / "rules.yaml").write_text("groups: [{name: a, rules: [{alert: Other, expr: up == 0}]}]")
    assert lint(capsys, "note.md", "--rules", "rules.yaml")[0] == 1
    (files / "rules.yaml").write_text("groups: [{name: a, rules: [{alert: OrdersMemoryHigh, expr: up == 0}]}]")
    assert lint(capsys, "note.md", "--rules", "rules.yaml")[0] == 0


@pytest.mark.parametrize("name", ["none.md", ".", "pipe", "binary.md"])
def test_what_cannot_be_read_ends_with_3_and_hides_no_other_file(files, capsys, name):
    os.mkfifo(files / "pipe")
    (files / "binary.md").write_bytes(b"\x7fELF\x00\x01")
    code, out, err = lint(capsys, name, "bad.md")
    assert code == 3
    assert "broken-link" in out
    assert name in err
    assert "Traceback" not in err


def test_without_a_file_it_is_bad_input(capsys):
    assert lint(capsys)[0] == 3


def test_what_a_file_says_moves_no_cursor(files, capsys):
    (files / "evil.md").write_text("# A \x1b[2J\n\n```bash\necho '\x1b]0;x\x07' > <PID>\n```\n[x](\x1b.md)\n")
    _, out, _ = lint(capsys, "evil.md")
    assert "\x1b" not in out


def test_sarif_has_each_finding_with_its_place(files, capsys):
    code, _, _ = lint(capsys, "bad.md", "--sarif", "out.sarif")
    assert code == 1
    log = json.loads((files / "out.sarif").read_text())
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        (location,) = result["locations"]
        assert location["physicalLocation"]["artifactLocation"]["uri"] == "bad.md"
        assert location["physicalLocation"]["region"]["startLine"] >= 1
    assert {result["ruleId"] for result in run["results"]} >= {"broken-link", "pid-unresolved"}


def test_what_a_comment_silences_is_suppressed_in_sarif(files, capsys):
    (files / "bad.md").write_text("# A\n\n<!-- leakdrill: allow broken-link because it comes later -->\n[x](x.md)\n")
    code, out, _ = lint(capsys, "bad.md", "--sarif", "out.sarif")
    assert code == 0
    assert "silenced: links to x.md" in out
    (result,) = json.loads((files / "out.sarif").read_text())["runs"][0]["results"]
    assert result["suppressions"] == [{"kind": "inSource", "justification": "it comes later"}]


def test_a_name_of_a_file_is_a_uri():
    log = json.loads(sarif([SarifRule("a", "b")], [SarifResult("a", "note", "my runbook#1.md", 1, "text")]))
    place = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "my%20runbook%231.md"


def test_a_place_where_no_file_can_be_is_bad_input(capsys):
    assert lint(capsys, "good.md", "--sarif", "no/such/folder/x.sarif")[0] in (3, 4)
