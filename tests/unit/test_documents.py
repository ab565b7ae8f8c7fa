"""Documents: the user's templates or ours, filled from stored runs; a mistake in one has file and line."""

from __future__ import annotations

import json

import pytest
from histories import complete, drill, plan
from stored_runs import judged_run

from leakdrill.cli.main import exit_code
from leakdrill.cli.runbook_documents import _apart
from leakdrill.errors import BadInput
from leakdrill.judging.analyze import judge_run
from leakdrill.judging.incidents.incident import incident
from leakdrill.judging.incidents.recorded import RecordedRun
from leakdrill.judging.incidents.resolution_times import resolution_times
from leakdrill.machine import limited_child
from leakdrill.record.history import read_history
from leakdrill.record.store import read_run_info
from leakdrill.reports.documents import DocumentTemplates


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return judged_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def one(run):
    return incident(RecordedRun(read_run_info(run), read_history(run.history), judge_run(run).verdicts))


def test_ours_make_every_document_that_a_runbook_asks_for(one):
    made = {d.name: d for d in DocumentTemplates().documents([one], resolution_times([one]))}
    assert list(made) == ["critical.md", "root-cause.md", "warning.md", "time-to-resolve.md"]
    assert made["critical.md"].left_out == "no alert of severity critical fired in this run"
    for field in (
        "Resource",
        "Value",
        "Threshold",
        "Severity",
        "Started",
        "Action",
        "Expected recovery",
        "Next update",
    ):
        assert f"\n- {field}: " in made["warning.md"].text
    for field in ("Date", "Duration", "Root cause", "Data volume", "Fix", "Prevention"):
        assert f"\n- {field}: " in made["root-cause.md"].text
    assert "Prevention: unknown (" in made["root-cause.md"].text
    assert "| gateway/unbounded-cache | process | 1 of 1 | 23 s |" in made["time-to-resolve.md"].text


def test_a_user_s_template_takes_the_place_of_ours_and_may_add_one(tmp_path, one):
    (tmp_path / "warning.txt.j2").write_text("{{ message.severity }} {{ message.value.value | int }}")
    (tmp_path / "ticket.json.j2").write_text('{"service": {{ run.service | tojson }}}')
    (tmp_path / "_part.j2").write_text("not a document")
    made = {d.name: d.text for d in DocumentTemplates(tmp_path).documents([one], [])}
    assert made["warning.txt"] == "warning 193986560"
    assert json.loads(made["ticket.json"]) == {"service": "gateway"}
    assert set(made) == {"critical.md", "root-cause.md", "time-to-resolve.md", "ticket.json", "warning.txt"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "one\ntwo {{ run.nonsense }}\n",
            ":2: 'leakdrill.judging.incidents.incident.Incident object' has no",
        ),
        ("one\n\n{{ nonsense }}\n", ":3: 'nonsense' is undefined"),
        ("one\n{% if %}\n", ":2: Expected an expression"),
        ("{{ run.service + 1 }}", ":1: TypeError: "),
        ("{{ run.service.__class__.__mro__ }}", ":1: access to attribute '__class__'"),
        ("{{ 1 // 0 }}", ":1: ZeroDivisionError"),
        ("\n{% include 'other.md.j2' %}", ":2: other.md.j2"),
        ("{% include '../secret.j2' %}", ":1: ../secret.j2"),
        ("{% include 'root-cause.md.j2' %}", "includes itself without end"),
        (
            "{% for a in range(9999) %}{% for b in range(9999) %}{{ run.title }}{% endfor %}{% endfor %}",
            "makes more than",
        ),
    ],
)
def test_a_mistake_in_a_template_has_file_and_line(tmp_path, run, capsys, text, says):
    template = tmp_path / "root-cause.md.j2"
    template.write_text(text)
    code = exit_code(["runbook", "documents", str(run.path), "--templates", str(tmp_path)])
    printed = capsys.readouterr()
    assert (code, printed.out) == (3, "")
    assert str(template) in printed.err
    assert says in printed.err
    assert "Traceback" not in printed.err


@pytest.mark.parametrize(
    "text",
    [
        '{{ "a" * 10 ** 10 }}',
        "{{ 'a' * 9999999999 }}",
        "{{ [0] * 9999999999 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ '%9999999999d' % 1 }}",
        "{{ '{:9999999999}'.format(1) }}",
        "{{ 'a'.ljust(9999999999) }}",
        "{{ 'a'|center(9999999999) }}",
        "{{ lipsum(999999) }}",
    ],
)
def test_a_template_cannot_fill_the_memory_by_an_expression(tmp_path, run, capsys, text):
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "mine.md.j2").write_text(text)
    assert exit_code(["runbook", "documents", str(run.path), "--templates", str(folder)]) == 3
    assert "mine.md.j2" in capsys.readouterr().err


ENDLESS = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
MEMORY = "{% set n = namespace(x='a') %}{% for a in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor %}"
NUMBER = "{% set n = namespace(x=99) %}{% for a in range(60) %}{% set n.x = n.x * n.x %}{% endfor %}"
NESTED = "{% macro m(n) %}{{ m(n + 1) }}{% endmacro %}{{ m(0) }}"
FORKED = "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"one\n{ENDLESS}", ":2: takes longer than 1 s"),
        (f"one\n{FORKED}", ":2: takes longer than 1 s"),
        (f"one\n{MEMORY}", ":2: takes too much memory"),
        (NUMBER, " takes longer than 1 s"),
        (NESTED, ":1: includes itself without end"),
        ("{{ 10 ** 9 }}", ":1: ** is for numbers alone"),
        ("{{ range(99999)|map('replace', '', 'x')|join(range(99999)|join) }}", ":1: takes too much memory"),
        ("{{ 'a'|replace('a', range(99999)|join)|replace('1', range(99999)|join) }}", ":1: takes too much memory"),
        ("{{ '{:{}}'|format(1, 9) }}", ":1: No filter named 'format'"),
        ("{{ (9 * 10000000) * 100000000 }}{{ ['a'] * 99999999 }}", ":1: * is for numbers alone"),
    ],
)
def test_a_template_is_bounded_in_time_and_memory(tmp_path, one, monkeypatch, text, says):
    monkeypatch.setattr(limited_child, "CPU_S", 1)
    monkeypatch.setattr(limited_child, "TOO_LONG", "takes longer than 1 s")
    (tmp_path / "mine.md.j2").write_text(text)
    with pytest.raises(BadInput) as refused:
        DocumentTemplates(tmp_path, place=_apart).documents([one], [])
    assert refused.value.message.startswith(f"{tmp_path / 'mine.md.j2'}:")
    assert says in refused.value.message
    assert "\n" not in refused.value.message


def test_the_command_bounds_them_so(tmp_path, run, capsys, monkeypatch):
    monkeypatch.setattr(limited_child, "CPU_S", 1)
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "mine.md.j2").write_text(ENDLESS)
    assert exit_code(["runbook", "documents", str(run.path), "--templates", str(folder)]) == 3
    assert capsys.readouterr().err.startswith(f"leakdrill: {folder / 'mine.md.j2'}:1: takes longer than ")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda _: None, "holds no template"),
        (lambda folder: folder.rmdir(), "is no folder"),
        (lambda folder: (folder / "a b.j2").write_text("x"), "expected a name of letters"),
        (lambda folder: (folder / "warning.md.j2").write_bytes(b"\xff\xfe"), "is not valid UTF-8"),
        (lambda folder: (folder / "warning.md.j2").write_bytes(b"x" * 300_000), "is larger than 256 KiB"),
        (lambda folder: (folder / "warning.md.j2").mkdir(), "is a folder"),
    ],
)
def test_a_folder_of_templates_that_cannot_be_used_is_refused(tmp_path, run, capsys, make, says):
    folder = tmp_path / "mine"
    folder.mkdir()
    make(folder)
    assert exit_code(["runbook", "documents", str(run.path), "--templates", str(folder)]) == 3
    assert says in capsys.readouterr().err


def test_the_documents_are_written_where_out_says_and_a_run_counts_once(tmp_path, run, capsys):
    out = tmp_path / "out"
    assert exit_code(["runbook", "documents", str(run.path), str(run.path.parent / "."), "--out", str(out)]) == 3
    assert exit_code(["runbook", "documents", str(run.path), f"{run.path}/", "--out", str(out)]) == 0
    (folder,) = [path for path in out.iterdir() if path.is_dir()]
    assert sorted(path.name for path in folder.iterdir()) == ["root-cause.md", "warning.md"]
    assert "1 of 1" in (out / "time-to-resolve.md").read_text()
    assert "critical.md: not made: no alert of severity critical fired" in capsys.readouterr().out


def test_the_same_facts_are_there_as_json(run, capsys):
    assert exit_code(["runbook", "documents", str(run.path), "--json", "--update-every", "5m"]) == 0
    told = json.loads(capsys.readouterr().out)
    message = told["runs"][0]["messages"]["warning"]
    assert message["value"]["value"] == 185 * 2**20
    assert message["next_update"]["unknown"] is None
    assert told["runs"][0]["root_cause"]["prevention"]["text"] is None
    assert told["time_to_resolve"][0]["mean"]["value"] == 23


def test_a_record_that_was_changed_fills_no_document(tmp_path, capsys):
    run = judged_run(tmp_path, complete(drill()), plan())
    run.history.write_text(run.history.read_text().replace('"firing"', '"pending"', 1))
    assert exit_code(["runbook", "documents", str(run.path)]) == 3
    assert "not as the run wrote it" in capsys.readouterr().err


def test_our_templates_are_written_to_begin_with_and_never_over_others(tmp_path, run, capsys):
    mine = tmp_path / "mine"
    assert exit_code(["runbook", "documents", "--write-templates", str(mine)]) == 0
    assert exit_code(["runbook", "documents", str(run.path), "--templates", str(mine)]) == 0
    assert "# Root-cause analysis" in capsys.readouterr().out
    assert exit_code(["runbook", "documents", "--write-templates", str(mine)]) == 3
    assert "is there already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "no RUN is given"),
        (["{run}", "--update-every", "5"], "--update-every: "),
        (["/nowhere"], "no history.jsonl"),
    ],
)
def test_what_is_wrong_on_the_command_line_is_named(run, capsys, arguments, says):
    words = [word.replace("{run}", str(run.path)) for word in arguments]
    assert exit_code(["runbook", "documents", *words]) == 3
    assert says in capsys.readouterr().err


def test_a_template_that_is_a_symbolic_link_is_not_followed(tmp_path, run, capsys):
    secret = tmp_path / "secret"
    secret.write_text("the secret")
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "root-cause.md.j2").symlink_to(secret)
    assert exit_code(["runbook", "documents", str(run.path), "--templates", str(folder)]) == 3
    printed = capsys.readouterr()
    assert "the secret" not in printed.out + printed.err


@pytest.mark.parametrize("run_id", ["../../escaped", "/escaped/elsewhere", "..", "a\nb"])
def test_a_record_whose_name_leads_elsewhere_is_refused(tmp_path, run, capsys, run_id):
    info = json.loads(run.run_json.read_text())
    run.run_json.write_text(json.dumps({**info, "run_id": run_id}))
    out = tmp_path / "deep" / "er" / "out"
    assert exit_code(["runbook", "documents", str(run.path), "--out", str(out)]) == 3
    assert "run_id" in capsys.readouterr().err
    assert not list(tmp_path.glob("**/escaped*"))
