"""A record that is not as its run wrote it proves nothing: every verdict is UNKNOWN, and names file and line."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from histories import drill, plan
from stored_runs import judged_run

from leakdrill.cli.main import exit_code
from leakdrill.errors import BadInput
from leakdrill.judging.analyze import DISPUTED, RECORD_IS_INTACT, analyze, judge_run
from leakdrill.judging.drill import judge
from leakdrill.record.chain import chained, unchained
from leakdrill.record.history import read_history
from leakdrill.record.recorder import Recorder
from leakdrill.record.reseal import reseal
from leakdrill.record.seal import check_seal
from leakdrill.record.store import RunFolder
from leakdrill.record.verdict import Outcome, worst

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Lines = list[bytes]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return judged_run(tmp_path_factory.mktemp("original"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return judged_run(tmp_path_factory.mktemp("other"))


@pytest.fixture
def run(original: RunFolder, tmp_path: Path) -> RunFolder:
    return RunFolder(shutil.copytree(original.path, tmp_path / "shop-cart" / original.path.name))


def edit(run: RunFolder, change: Callable[[Lines], Lines]) -> None:
    run.history.write_bytes(b"".join(change(run.history.read_bytes().splitlines(keepends=True))))


def in_line(number: int, old: bytes, new: bytes) -> Callable[[Lines], Lines]:
    def change(lines: Lines) -> Lines:
        spoilt = lines[number - 1].replace(old, new)
        assert spoilt != lines[number - 1]
        return [*lines[: number - 1], spoilt, *lines[number:]]

    return change


def strip(lines: Lines) -> Lines:
    return [unchained(line.rstrip(b"\n"))[0] + b"\n" for line in lines]


def relinked(number: int) -> Callable[[Lines], Lines]:
    """Change one line and give it the chain that then follows from the line before it, and no other line."""

    def change(lines: Lines) -> Lines:
        _, before = unchained(lines[number - 2].rstrip(b"\n"))
        body, _ = unchained(lines[number - 1].rstrip(b"\n"))
        spoilt, _ = chained(body.replace(b'"t":', b'"t":1') + b"\n", before)
        return [*lines[: number - 1], spoilt, *lines[number:]]

    return change


EDITS: dict[str, tuple[Callable[[Lines], Lines], int]] = {
    "a value changed": (in_line(38, b'"up":1.0', b'"up":0.0'), 38),
    "a label changed": (in_line(3, b'"act":"8"', b'"act":"7"'), 3),
    "a line removed": (lambda lines: [*lines[:50], *lines[51:]], 51),
    "the first line removed": (lambda lines: lines[1:], 1),
    "the second line removed": (lambda lines: [lines[0], *lines[2:]], 2),
    "a line doubled": (lambda lines: [*lines[:60], lines[59], *lines[60:]], 61),
    "a line moved": (lambda lines: [*lines[:60], lines[61], lines[60], *lines[62:]], 61),
    "a line added": (lambda lines: [*lines[:60], lines[10], *lines[60:]], 61),
    "a blank line added": (lambda lines: [*lines[:60], b"\n", *lines[60:]], 61),
    "a blank line at the end": (lambda lines: [*lines, b"\n"], 0),
    "a line after the end": (lambda lines: [*lines, lines[7]], 0),
    "the end twice": (lambda lines: [*lines, lines[-1]], 0),
    "half a line after the end": (lambda lines: [*lines, lines[7][:20]], 0),
    "a key added after the chain": (in_line(20, b'"}\n', b'","t":1}\n'), 20),
    "a space added": (in_line(20, b'"index":', b'"index": '), 20),
    "lines of another system": (lambda lines: [line.replace(b"\n", b"\r\n") for line in lines], 1),
    "a link removed": (lambda lines: [*lines[:20], *strip(lines[20:21]), *lines[21:]], 21),
    "every link removed": (strip, 1),
    "one line linked anew": (relinked(90), 91),
    "no line": (lambda _: [], 0),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edited_history_has_a_fault_that_names_the_line(run: RunFolder, name: str) -> None:
    change, line = EDITS[name]
    before = len(run.history.read_bytes().splitlines())
    edit(run, change)
    fault = check_seal(run).fault
    if name == "no line":
        assert "ends at line 0 without its end" in fault
    else:
        assert f"history.jsonl:{line or before + 1}: " in fault


def test_every_verdict_on_an_edited_record_is_unknown_and_says_why(run: RunFolder) -> None:
    edit(run, EDITS["a line removed"][0])
    first, *claims = analyze(run)
    assert first.check == RECORD_IS_INTACT
    assert {v.check for v in claims} == {v.check for v in judge(drill().history(), plan())}
    assert {v.outcome for v in (first, *claims)} == {Outcome.UNKNOWN}
    assert all("history.jsonl:51: " in v.message for v in (first, *claims))


def test_a_record_as_its_run_wrote_it_passes_again_and_again(run: RunFolder) -> None:
    for _ in range(2):
        judged = judge_run(run)
        assert worst(judged.verdicts) is Outcome.PASS
        assert judged.seal.fault == ""
        assert judged.seal.is_sealed


@pytest.mark.parametrize("keep", [0, 1, 2, 100, -2, -1])
def test_a_tail_that_was_cut_shows(run: RunFolder, keep: int) -> None:
    edit(run, lambda lines: lines[:keep])
    left = len(run.history.read_bytes().splitlines())
    assert f"the record ends at line {left} without its end" in check_seal(run).fault


def test_a_line_torn_by_a_crash_is_not_called_an_edit(run: RunFolder) -> None:
    edit(run, lambda lines: [*lines[:100], lines[100][:30]])
    seal = check_seal(run)
    assert "the record ends at line 100 without its end" in seal.fault
    assert "after its start, in the phase `" in seal.fault
    assert "the run was killed" in seal.fault
    assert "`leakdrill clean` undoes" in seal.hint


def test_an_edit_of_a_run_that_was_killed_is_told_as_an_edit(run: RunFolder) -> None:
    edit(run, lambda lines: lines[:100])
    run.run_json.write_text(run.run_json.read_text() + "\n")
    seal = check_seal(run)
    assert "was changed after the run began" in seal.fault
    assert "killed" not in seal.fault


def test_verdicts_that_do_not_follow_from_the_record_are_kept(run: RunFolder) -> None:
    analyze(run)
    edited = run.verdicts.read_text().replace('"PASS"', '"FAIL"')
    run.verdicts.write_text(edited)
    judged = judge_run(run)
    assert (run.path / DISPUTED).read_text() == edited
    assert DISPUTED in judged.seal.hint
    judge_run(run)
    assert (run.path / DISPUTED).read_text() == edited


@pytest.mark.parametrize("number", [1, 2, 9, -1])
def test_an_edited_run_json_has_a_fault_that_names_the_line(run: RunFolder, number: int) -> None:
    lines = run.run_json.read_text().splitlines(keepends=True)
    lines[number] = lines[number].replace("\n", " \n")
    run.run_json.write_text("".join(lines))
    assert f"run.json:{number % len(lines) + 1}: was changed" in check_seal(run).fault


def test_a_limit_raised_in_the_scenario_as_run_is_unknown(run: RunFolder) -> None:
    scenario = json.loads(run.run_json.read_text())
    scenario["scenario"]["phases"]["load"] = 1.0
    run.run_json.write_text(json.dumps(scenario, indent=2) + "\n")
    assert {v.outcome for v in analyze(run)} == {Outcome.UNKNOWN}


def test_the_run_json_of_another_run_is_a_fault(run: RunFolder, other: RunFolder) -> None:
    run.run_json.write_bytes(other.run_json.read_bytes())
    assert "run.json:" in check_seal(run).fault


def test_the_history_of_another_run_is_a_fault(run: RunFolder, other: RunFolder) -> None:
    run.history.write_bytes(other.history.read_bytes())
    assert "run.json:" in check_seal(run).fault


def test_a_run_json_that_is_no_scenario_any_more_is_unknown(run: RunFolder) -> None:
    run.run_json.write_text("{}")
    (verdict,) = analyze(run)
    assert verdict.outcome is Outcome.UNKNOWN


def test_a_baseline_that_was_added_is_unknown(run: RunFolder) -> None:
    (run.path / "baseline.json").write_text("{}")
    assert "baseline.json: was added" in check_seal(run).fault


def test_edited_verdicts_are_not_rendered(run: RunFolder) -> None:
    text = run.verdicts.read_text()
    run.verdicts.write_text(text.replace("leak", "lack", 1))
    for _ in range(2):  # and the file that takes their place does not heal it
        assert exit_code(["report", str(run.path)]) == 2
    assert json.loads((run.path / "report.json").read_text())["outcome"] == "UNKNOWN"
    assert json.loads(run.verdicts.read_text())["outcome"] == "UNKNOWN"
    run.verdicts.unlink()
    assert exit_code(["analyze", str(run.path)]) == 0


def test_the_verdicts_of_another_run_are_a_fault(run: RunFolder, other: RunFolder) -> None:
    run.verdicts.write_bytes(other.verdicts.read_bytes())
    assert "does not follow from this record" in check_seal(run).fault


def old_record(run: RunFolder) -> None:
    """Make of `run` what the version before the chain would have written."""
    run.run_json.write_text(run.run_json.read_text().replace('"schema_version": 2', '"schema_version": 1'))
    edit(run, lambda lines: strip(lines[1:-1]))
    run.verdicts.unlink()


def test_an_unsealed_record_is_unknown_unless_the_person_says_so(
    run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    old_record(run)
    assert exit_code(["analyze", str(run.path)]) == 2
    assert "--unsealed" in capsys.readouterr().out
    assert exit_code(["analyze", str(run.path), "--unsealed"]) == 0
    assert "the record is unsealed" in capsys.readouterr().out
    assert exit_code(["report", str(run.path), "--unsealed"]) == 0
    for name in ("report.xml", "report.md", "metrics.txt"):
        assert "unsealed" in (run.path / name).read_text()
    assert json.loads((run.path / "report.json").read_text())["record_is_sealed"] is False


@pytest.mark.parametrize("version", ['"schema_version": 1', ""])
def test_a_chain_that_was_stripped_does_not_make_an_old_record(run: RunFolder, version: str) -> None:
    edit(run, strip)
    text = run.run_json.read_text()
    run.run_json.write_text(text.replace('"schema_version": 2', version) if version else text)
    assert check_seal(run, unsealed=True).fault


def test_verdicts_of_a_sealed_record_give_a_stripped_one_away(run: RunFolder) -> None:
    kept = run.verdicts.read_bytes()
    old_record(run)
    run.verdicts.write_bytes(kept)
    assert "verdicts.json:" in check_seal(run, unsealed=True).fault


@pytest.mark.parametrize("version", ["3", "99", "0", "-1", '"2"', "2.0", "true", "null", "[2]", "1e9"])
def test_a_version_that_nobody_knows_is_refused_with_file_and_line(run: RunFolder, version: str) -> None:
    text = run.run_json.read_text()
    run.run_json.write_text(text.replace('"schema_version": 2', f'"schema_version": {version}'))
    with pytest.raises(BadInput, match=r"run\.json:\d+: schema_version .*; expected 1 to 2"):
        check_seal(run)


def test_what_was_edited_and_sealed_again_is_judged_on_its_content(run: RunFolder) -> None:
    edit(run, lambda lines: [line for line in lines if b'"source":"cgroup"' not in line])
    reseal(run)
    assert check_seal(run).fault == ""
    verdicts = analyze(run)
    assert verdicts[0].check != RECORD_IS_INTACT
    assert worst(verdicts) is not Outcome.PASS


def test_sealing_again_what_was_not_edited_changes_nothing(run: RunFolder) -> None:
    before = run.history.read_bytes()
    reseal(run)
    assert run.history.read_bytes() == before


def test_what_the_recorder_writes_holds_together_and_ends(run: RunFolder, tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "history.jsonl")
    with recorder.in_phase("load"):
        pass
    recorder.close()
    *_, last = read_history(tmp_path / "history.jsonl")
    assert (last.source, last.name, last.value) == ("record", "end", None)
    run.history.write_bytes((tmp_path / "history.jsonl").read_bytes())
    assert check_seal(run).fault.endswith("history.jsonl:1: the record does not say which run.json it belongs to")


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        (b'"t":', b'"t":0.5,"t":', "given twice"),
        (b'"labels":{', b'"labels":{"act":"7","act":"8",', "given twice"),
        (b'"at":null', b'"at":"1.5"', "valid number"),
        (b'"at":null', b'"at":true', "valid number"),
    ],
)
def test_a_line_that_readers_could_take_differently_is_bad_input(
    run: RunFolder, old: bytes, new: bytes, word: str
) -> None:
    edit(run, strip)
    lines = run.history.read_bytes().splitlines(keepends=True)
    spoilt = lines[1].replace(old, new, 1)
    assert spoilt != lines[1]
    reseal(run, [lines[0], spoilt, *lines[2:]])
    with pytest.raises(BadInput, match=f":2: .*{word}"):
        analyze(run)


@pytest.mark.parametrize("version", [b'"schema_version": 1', b'"schema": 2'])
def test_a_sealed_record_does_not_pass_for_one_of_before(run: RunFolder, version: bytes) -> None:
    run.run_json.write_bytes(run.run_json.read_bytes().replace(b'"schema_version": 2', version))
    reseal(run)
    assert "schema version" in check_seal(run).fault
    assert {str(verdict.outcome) for verdict in analyze(run)} == {"UNKNOWN"}
