"""Two runs of one scenario: what differs beyond its noise is better or worse; what is missing is never better."""

from __future__ import annotations

import io
import json
import re
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import pytest
from histories import MIB, complete, drill, flat, leaking, plan
from stored_runs import store_run

from leakdrill.cli.main import exit_code
from leakdrill.errors import BadInput
from leakdrill.judging.compare.comparison import compare
from leakdrill.judging.compare.difference import Figure, Word, difference
from leakdrill.judging.compare.numbers import claim_changes, number_differences
from leakdrill.judging.compare.plan_changes import plain_plan, plan_changes
from leakdrill.judging.compare.shares import share_interval
from leakdrill.judging.compare.stored_run import StoredRun, read_stored_run
from leakdrill.record.events import StepAct
from leakdrill.record.verdict import Outcome, Verdict
from leakdrill.reports.comparison import comparison_json, comparison_markdown, print_comparison
from leakdrill.reports.console import SafeConsole

if TYPE_CHECKING:
    from pathlib import Path

    from histories import Record

    from leakdrill.record.store import RunFolder

UNCLEAR = Word.NOT_DISTINGUISHABLE


def claim(check: str, outcome: Outcome = Outcome.PASS, **numbers: float) -> Verdict:
    return Verdict(check=check, outcome=outcome, message="m", numbers=numbers)


def figure(value: float, low: float | None = None, high: float | None = None, **more: object) -> Figure:
    return Figure(value=value, low=low, high=high, **more)  # type: ignore[arg-type]


def stored(folder: Path, record: Record | None = None, **changes: object) -> RunFolder:
    folder.mkdir()
    return store_run(folder, complete(record or drill()), plan(**changes))


def pair(tmp_path: Path, after: Record | None = None, **changes: object) -> tuple[StoredRun, StoredRun]:
    return (
        read_stored_run(stored(tmp_path / "a")),
        read_stored_run(stored(tmp_path / "b", after, **changes)),
    )


def uncured(t: float) -> float:
    """Memory that the step does not free."""
    return leaking(min(t, 55.4)) if t >= 15 else leaking(t)


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [
        (figure(10, 9, 11), figure(20, 19, 21), Word.WORSE),
        (figure(20, 19, 21), figure(10, 9, 11), Word.BETTER),
        (figure(10, 5, 15), figure(12, 7, 17), UNCLEAR),
        (figure(10), figure(20), UNCLEAR),
        (figure(10, 9, 11), figure(20), UNCLEAR),
        (None, figure(1, 0.9, 1.1), UNCLEAR),
        (figure(100, 99, 101), None, UNCLEAR),
        (figure(100, 99, 101), figure(1, 0.9, 1.1, doubt="load_is_as_asked is UNKNOWN"), UNCLEAR),
    ],
)
def test_only_what_lies_outside_the_noise_of_both_is_better_or_worse(
    before: Figure | None, after: Figure | None, word: Word
) -> None:
    row = difference("x", "seconds", before, after, wanted="lower")
    assert row.word is word
    assert bool(row.reason) == (word is UNCLEAR)


def test_a_number_without_an_interval_and_a_missing_one_are_said_to_be_so() -> None:
    assert "without an interval" in difference("x", "seconds", figure(1), figure(2), wanted="lower").reason
    assert difference("x", "seconds", None, figure(2), wanted="lower").reason == "missing in the first run"
    assert difference("x", "seconds", None, None, wanted="lower").reason == "missing in both runs"


def test_bounds_that_meet_tell_nothing_where_intervals_of_that_width_would() -> None:
    bounds = [figure(10, 9, 10, is_bounded=True), figure(10.9, 9.9, 10.9, is_bounded=True)]
    assert difference("x", "seconds", bounds[0], bounds[1], wanted="lower").word is UNCLEAR
    far = figure(12, 11, 12, is_bounded=True)
    assert difference("x", "seconds", bounds[0], far, wanted="lower").word is Word.WORSE


def test_the_interval_of_a_difference_follows_from_both() -> None:
    row = difference("x", "seconds", figure(10, 7, 13), figure(20, 16, 24), wanted="lower")
    assert (row.change, row.low, row.high) == (10, 5, 15)


def test_a_claim_is_better_or_worse_only_between_pass_and_fail() -> None:
    before = [claim("a"), claim("b", Outcome.FAIL), claim("c"), claim("d", Outcome.FAIL), claim("e")]
    after = [claim("a", Outcome.FAIL), claim("b"), claim("c", Outcome.UNKNOWN), claim("d", Outcome.UNKNOWN)]
    rows = {row.check: row for row in claim_changes(before, [*after, claim("f")])}
    assert {name: row.word for name, row in rows.items()} == {
        "a": Word.WORSE,
        "b": Word.BETTER,
        "c": UNCLEAR,
        "d": UNCLEAR,
        "e": UNCLEAR,
        "f": UNCLEAR,
    }
    assert rows["d"].reason == "UNKNOWN in the second run"
    assert (rows["e"].reason, rows["f"].reason) == ("missing in the second run", "missing in the first run")


def test_a_number_of_an_unknown_claim_is_not_better() -> None:
    before = [claim("alert_fires_in_time", fired_after_s=30, budget_s=38, floor_s=1)]
    after = [claim("alert_fires_in_time", Outcome.UNKNOWN, fired_after_s=3, budget_s=38, floor_s=1)]
    (row,) = number_differences(before, after)
    assert (row.word, row.reason) == (UNCLEAR, "alert_fires_in_time is UNKNOWN")


def test_what_is_within_the_margin_in_both_runs_does_not_differ() -> None:
    def level(bytes_: float) -> Verdict:
        ends = {"difference_low_bytes": bytes_ - 1, "difference_high_bytes": bytes_ + 1}
        return claim("memory_returns_to_baseline", difference_bytes=bytes_, level_margin_bytes=100, **ends)

    (within,) = number_differences([level(10)], [level(90)])
    (beyond,) = number_differences([level(10)], [level(190)])
    assert (within.word, beyond.word) == (UNCLEAR, Word.WORSE)


def spared(spare: float, low: float, high: float) -> list[Verdict]:
    fires = Verdict(
        check="alert_fires_in_time",
        subject="A",
        outcome=Outcome.PASS,
        message="m",
        numbers={"fired_after_s": 10.0, "floor_s": 2.0},
    )
    numbers = {"spare_s": spare, "spare_low_s": low, "spare_high_s": high}
    before = Verdict(
        check="alert_fires_before_oom_kill", subject="A", outcome=Outcome.PASS, message="m", numbers=numbers
    )
    return [fires, before]


@pytest.mark.parametrize(("after", "word"), [(30, Word.WORSE), (37, UNCLEAR), (36, Word.WORSE), (44, Word.BETTER)])
def test_time_to_spare_differs_beyond_the_growth_and_the_clock_of_the_evaluations(after: float, word: Word) -> None:
    rows = number_differences(spared(40, 39, 41), spared(after, after - 0.5, after + 0.5))
    assert {row.what: row.word for row in rows}["A: to spare before the damage"] is word


def test_failed_requests_have_the_interval_of_a_share() -> None:
    low, high = share_interval(0, 2837)
    assert (low, high) == pytest.approx((0, 0.00135), abs=1e-5)
    rates = [claim("requests_keep_error_rate", failures=failed, requests=2000.0) for failed in (2, 5, 90)]
    assert [row.word for row in number_differences(rates[:1], rates[1:2])] == [UNCLEAR]
    assert [row.word for row in number_differences(rates[:1], rates[2:])] == [Word.WORSE]


def test_two_runs_of_the_same_differ_in_nothing(tmp_path: Path) -> None:
    comparison = compare(*pair(tmp_path))
    assert comparison.word is UNCLEAR
    assert comparison.exit_code == 0
    assert [row for row in comparison.phases if row.word is not UNCLEAR] == []
    assert not comparison.plan
    assert [one.name for one in comparison.aligned][:4] == ["setup", "warmup", "baseline", "load"]


def test_a_step_that_no_longer_cures_is_worse_in_its_claim_its_number_and_its_phase(tmp_path: Path) -> None:
    comparison = compare(*pair(tmp_path, drill(uncured)))
    worse = {row.check for row in comparison.claims if row.word is Word.WORSE}
    assert {"step_works", "memory_returns_to_baseline"} <= worse
    assert [row.what for row in comparison.numbers if row.word is Word.WORSE] == ["memory: above its baseline"]
    assert ("memory", "recover") in {(row.what, row.phase) for row in comparison.phases if row.word is Word.WORSE}
    assert comparison.exit_code == 1


def test_a_phase_that_one_run_never_reached_is_missing_and_never_better(tmp_path: Path) -> None:
    cut = drill(lambda t: flat(t) + 200 * MIB if t < 5 else leaking(t)).cut(50)
    comparison = compare(*pair(tmp_path, cut))
    recover = [row for row in comparison.phases if row.phase == "recover"]
    assert {row.word for row in recover} == {UNCLEAR}
    assert {row.reason for row in recover} <= {"missing in the second run", "missing in both runs"}
    assert "recover" not in [one.name for one in comparison.aligned]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "gateway/other"}, "expected two runs of one scenario"),
        ({"alerts": {"rules": ["r.yaml"], "time_scale": 30, "expect": []}}, "time scales are"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_the_reason(
    tmp_path: Path, changes: dict[str, object], words: str
) -> None:
    before, after = pair(tmp_path, **changes)
    with pytest.raises(BadInput, match=words):
        compare(before, after)


def test_a_run_is_not_compared_with_itself_nor_with_a_record_that_was_changed(tmp_path: Path) -> None:
    run = stored(tmp_path / "a")
    read = read_stored_run(run)
    with pytest.raises(BadInput, match="named twice"):
        compare(read, read)
    lines = run.history.read_text().splitlines(keepends=True)
    run.history.write_text("".join([*lines[:20], *lines[21:]]))
    with pytest.raises(BadInput, match="it cannot be compared"):
        read_stored_run(run)


def test_reading_a_run_writes_nothing(tmp_path: Path) -> None:
    run = stored(tmp_path / "a")
    before = {path: path.stat().st_mtime_ns for path in run.path.rglob("*")}
    read_stored_run(run)
    assert {path: path.stat().st_mtime_ns for path in run.path.rglob("*")} == before


def test_what_was_changed_in_the_plan_is_named_and_where_files_lay_is_not() -> None:
    before = {"limits": {"memory": "160MiB"}, "steps": [{"name": "a"}], "cwd": PurePath("/home/a/shop")}
    after = {"limits": {"memory": "320MiB"}, "steps": [{"name": "a"}, {"name": "b"}], "cwd": PurePath("/srv/shop")}
    assert [(one.key, one.before, one.after) for one in plan_changes(before, after)] == [
        ("limits.memory", '"160MiB"', '"320MiB"'),
        ("steps.1.name", "not there", '"b"'),
    ]


def test_a_text_that_only_looks_like_a_path_is_told_whole_and_a_step_by_its_name(tmp_path: Path) -> None:
    """Two endpoints with one last part differ, and two folders of one rule file do not."""

    def asked(path: str, folder: str) -> dict[str, Any]:
        step = {"name": "clear the cache", "http": {"path": path}}
        alerts = {"rules": [f"{folder}/rules.yml"], "expect": []}
        return plain_plan(plan(steps=[{"name": "look", "gc": {}}, step], alerts=alerts))

    (change,) = plan_changes(asked("/admin/cache", "/home/a"), asked("/public/cache", "/srv"))
    assert (change.key, change.before, change.after) == (
        'steps."clear the cache".http.path',
        '"/admin/cache"',
        '"/public/cache"',
    )
    assert plan_changes({"steps": [{"name": "a", "s": 1}]}, {"steps": [{"name": "b", "s": 2}]})[1].key == "steps.0.s"
    assert plan_changes({}, {"limit": None})[0].before == "not there"
    run = stored(tmp_path / "a")
    assert read_stored_run(run).asked["scenario"]["steps"][0]["name"] == "clear the cache"


def test_what_is_the_same_in_both_runs_is_said_to_be_so_and_what_nobody_knows_is_not(tmp_path: Path) -> None:
    comparison = compare(*pair(tmp_path))
    rows = claim_changes([claim("a"), claim("b", Outcome.UNKNOWN)], [claim("a"), claim("b", Outcome.UNKNOWN)])
    object.__setattr__(comparison, "claims", tuple(rows))
    console = SafeConsole(file=io.StringIO(), width=80, color_system=None)
    print_comparison(comparison, console, verbose=True)
    text = re.sub(r" +", " ", console.file.getvalue())  # type: ignore[attr-defined]
    assert "SAME a\n PASS in both" in text
    assert "UNCLEAR b\n UNKNOWN in both" in text
    assert "| same | a | PASS in both |" in comparison_markdown(comparison)


def test_the_terminal_the_markdown_and_the_json_tell_the_same(tmp_path: Path) -> None:
    comparison = compare(*pair(tmp_path, drill(uncured)))
    console = SafeConsole(file=io.StringIO(), width=80, color_system=None)
    print_comparison(comparison, console)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert lines[1].startswith("WORSE    ")
    assert lines[-1].endswith("(exit 1)")
    assert max(map(len, lines)) <= 80
    text = comparison_markdown(comparison)
    assert "| worse | step_works: clear the cache | PASS before, FAIL after |" in text
    assert "<details><summary>Not distinguishable (" in text
    data = json.loads(comparison_json(comparison))
    assert (data["word"], data["exit_code"]) == ("worse", 1)
    assert {row["word"] for row in data["numbers"]} <= {"better", "worse", "not distinguishable"}


def test_a_name_from_outside_is_harmless_in_a_comparison(tmp_path: Path) -> None:
    nasty = "a|b<script>\x1b[2J"
    before, after = pair(tmp_path, drill().act(StepAct("x", action="gc"), 55.8, 55.9))
    rows = claim_changes([claim(nasty)], [claim(nasty, Outcome.FAIL)])
    comparison = compare(before, after)
    object.__setattr__(comparison, "claims", tuple(rows))
    assert "<script>" not in comparison_markdown(comparison)
    assert "\x1b" not in comparison_markdown(comparison)


def test_the_command_and_the_report_write_the_comparison_and_exit_by_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, after = stored(tmp_path / "a"), stored(tmp_path / "b", drill(uncured))
    assert exit_code(["compare", str(before.path), str(after.path), "--markdown", str(tmp_path / "c.md")]) == 1
    told = capsys.readouterr().out
    assert "WORSE    step_works: clear the cache" in told
    assert f"Markdown: {tmp_path / 'c.md'}" in told
    assert exit_code(["compare", str(before.path), str(after.path), "--page", str(tmp_path)]) == 1
    assert "page:" not in capsys.readouterr().out
    assert "| worse | step_works" in (tmp_path / "c.md").read_text()
    assert exit_code(["compare", str(before.path), str(after.path), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["word"] == "worse"
    out = tmp_path / "out"
    assert exit_code(["report", str(after.path), "--against", str(before.path), "--out", str(out)]) == 1
    assert {"comparison.md", "comparison.json", "report.html"} <= {path.name for path in out.iterdir()}
    assert exit_code(["compare", str(before.path), str(before.path)]) == 3
    assert "named twice" in capsys.readouterr().err
