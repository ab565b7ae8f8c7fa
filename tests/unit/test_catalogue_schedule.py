"""Many drills: which is started next, what each came to, and what they come to together."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from leakdrill.cli.run_many import chosen
from leakdrill.errors import BadInput
from leakdrill.record.verdict import Outcome, Verdict
from leakdrill.reports.junit import junit_of_runs
from leakdrill.runs.catalogue.drill_result import DrillResult, overall
from leakdrill.runs.catalogue.result_table import print_results, summary
from leakdrill.runs.catalogue.schedule import PlannedDrill, default_jobs, in_order, may_start, planned
from leakdrill.scenario.reader import read_scenario

HEALTHY = Path(__file__).parents[2] / "scenarios" / "gateway" / "healthy.yaml"


def drill(name: str, budget_s: float = 60.0, *, exclusive: bool = False) -> PlannedDrill:
    return PlannedDrill(name=name, path=Path(f"{name}.yaml"), budget_s=budget_s, exclusive=exclusive)


def verdict(outcome: Outcome, message: str = "seen") -> Verdict:
    return Verdict(check="memory_returns_to_baseline", outcome=outcome, message=message)


def result(name: str, exit_code: int, *verdicts: Verdict, trouble: str = "") -> DrillResult:
    return DrillResult(
        name=name, exit_code=exit_code, seconds=40.0, budget_s=60.0, folder=None, verdicts=verdicts, trouble=trouble
    )


PASSED = result("a/passed", 0, verdict(Outcome.PASS))
FAILED = result("a/failed", 1, verdict(Outcome.PASS), verdict(Outcome.FAIL, "memory stayed"))
UNSURE = result("a/unsure", 2, verdict(Outcome.UNKNOWN, "nothing was measured"), verdict(Outcome.PASS))
BROKEN = result("a/broken", 4, trouble="ended with exit code 4: Prometheus is not installed")


def test_the_longest_drill_is_started_first_and_what_must_be_alone_last() -> None:
    """A long drill that is started last would keep one slot busy while all others are empty."""
    drills = [drill("short", 30), drill("alone", 90, exclusive=True), drill("long", 80), drill("middle", 50)]
    assert [d.name for d in in_order(drills)] == ["long", "middle", "short", "alone"]


@pytest.mark.parametrize(
    ("next_one", "running", "may"),
    [
        (drill("a"), [], True),
        (drill("a"), [drill("b")], True),
        (drill("a"), [drill("b"), drill("c")], False),
        (drill("a", exclusive=True), [drill("b")], False),
        (drill("a", exclusive=True), [], True),
        (drill("a"), [drill("b", exclusive=True)], False),
    ],
)
def test_a_drill_that_must_be_alone_is_alone(next_one: PlannedDrill, running: list[PlannedDrill], may: bool) -> None:
    """Of two jobs both are used, but nothing runs beside an exclusive drill."""
    assert may_start(next_one, running, jobs=2) is may


@pytest.mark.parametrize(("cores", "jobs"), [(1, 2), (2, 4), (4, 8), (16, 32)])
def test_as_many_drills_as_the_machine_allows(cores: int, jobs: int) -> None:
    """Two for each core."""
    assert default_jobs(cores) == jobs


def test_what_a_drill_may_take_follows_from_its_phases() -> None:
    """The healthy gateway has no step, so the time for steps is not planned; start-up and end are."""
    found, phases = planned(HEALTHY), read_scenario(HEALTHY).phases
    assert (found.name, found.exclusive) == ("gateway/healthy", False)
    assert found.budget_s == phases.warmup + phases.baseline + phases.load + phases.recover + 15


@pytest.mark.parametrize(
    ("results", "outcome"),
    [
        ([], Outcome.UNKNOWN),
        ([PASSED], Outcome.PASS),
        ([PASSED, UNSURE], Outcome.UNKNOWN),
        ([UNSURE, FAILED, PASSED], Outcome.FAIL),
        ([PASSED, BROKEN], Outcome.UNKNOWN),
    ],
)
def test_the_worst_drill_decides(results: list[DrillResult], outcome: Outcome) -> None:
    """FAIL before UNKNOWN before PASS; a drill that broke and a run of none prove nothing."""
    assert overall(results) is outcome


def test_an_exit_code_that_the_verdicts_do_not_bear_out_is_no_pass() -> None:
    """A drill that says PASS and left no verdict, or another one, is UNKNOWN."""
    assert result("a", 0).outcome is Outcome.UNKNOWN
    assert result("a", 0, verdict(Outcome.FAIL)).outcome is Outcome.UNKNOWN


def test_each_drill_is_told_in_the_sentence_of_its_worst_verdict() -> None:
    """A FAIL before an UNKNOWN; a broken drill with its last words; a stopped one as such."""
    assert FAILED.sentence == "memory stayed"
    assert UNSURE.sentence == "nothing was measured"
    assert BROKEN.sentence == "ended with exit code 4: Prometheus is not installed"
    assert result("a", 130, verdict(Outcome.PASS)).sentence == "was stopped before its end"


def test_what_failed_is_first_and_each_pass_is_one_line_before_the_sum() -> None:
    """Whatever order they ended in."""
    console = Console(width=80, record=True, color_system=None)
    print_results([UNSURE, PASSED, FAILED], console, took_s=60.0, missing=2)
    assert console.export_text().splitlines() == [
        "FAIL     a/failed (40 s; at most 60 s)",
        "         memory stayed",
        "UNKNOWN  a/unsure (40 s; at most 60 s)",
        "         nothing was measured",
        "PASS     a/passed (40 s; at most 60 s)",
        "FAIL: 1 of 5 drills pass, 1 failed, 1 could not be shown, 2 were not begun; 1",
        "min, one after the other 2 min (exit 1)",
    ]
    assert summary([UNSURE, PASSED, FAILED], took_s=60.0, missing=2).startswith("FAIL: 1 of 5 drills pass, 1 failed")


def test_one_junit_file_holds_a_suite_for_each_drill() -> None:
    """A drill without verdicts is an error and no empty suite, because that would be green."""
    text = junit_of_runs([(r.name, r.verdicts) for r in (PASSED, FAILED, BROKEN)])
    assert text.count("<testsuite ") == 3
    assert 'failures="1"' in text
    assert "silence proves nothing" in text


def test_names_and_the_whole_catalogue_are_one_or_the_other() -> None:
    """Nothing named is a mistake, and so is a name beside --all."""
    assert chosen(["gateway/healthy"], everything=False, subset=False)[0].name == "healthy.yaml"
    assert len(chosen([], everything=True, subset=False)) > len(chosen([], everything=False, subset=True))
    for names, everything, subset in (([], False, False), (["gateway/healthy"], True, False), ([], True, True)):
        with pytest.raises(BadInput, match="expected scenarios, or one of --all and --subset"):
            chosen(names, everything=everything, subset=subset)


def test_the_whole_catalogue_is_what_runs_on_a_process_and_what_runs_only_where_it_is_asked_for() -> None:
    """Without an engine, `--all` must not fail for want of one; a name is always run."""

    def kinds(on: str | None) -> set[str]:
        paths = chosen([], everything=True, subset=False, on=on)
        return {read_scenario(path).target.platform for path in paths}

    assert kinds(None) == kinds("process") == {"process"}
    assert kinds("docker") == {"process", "docker"}
    assert kinds("kubernetes") == {"process", "kubernetes"}
    assert chosen(["gateway/autoscale"], everything=False, subset=False)[0].name == "autoscale.yaml"
