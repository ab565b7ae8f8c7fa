"""The cure matrix: what a step did is read from the record, and a cell that is not as declared is a FAIL."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from histories import MIB, PER_REQUEST, drill, plan
from rich.console import Console

from leakdrill.errors import BadInput
from leakdrill.judging.matrix_cell import Finding, judge_cell
from leakdrill.record.events import StepAct, TargetExited
from leakdrill.record.verdict import Outcome
from leakdrill.runs.catalogue.catalogue import catalogue_root
from leakdrill.runs.catalogue.drill_result import DrillResult
from leakdrill.runs.catalogue.matrix_plan import Cell, read_matrix
from leakdrill.runs.catalogue.matrix_result import CellResult, cell_result, overall
from leakdrill.runs.catalogue.matrix_table import print_matrix, sentence, summary
from leakdrill.scenario.reader import read_scenario

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakdrill.record.history import Event

MATRICES = sorted(catalogue_root().glob("*/matrix.yaml"))
PER_SECOND = 100 * PER_REQUEST
STEP_S = 55.5
CLEAR = plan()


def memory(after: Callable[[float], float]) -> Callable[[float], float]:
    """A leak from 15 s on, and from the step on whatever `after` says, in MiB, of the seconds since."""

    def level(t: float) -> float:
        if t < STEP_S:
            return 60 * MIB + PER_SECOND * max(0.0, t - 15)
        return after(t - STEP_S) * MIB

    return level


GROWN = memory(lambda _s: 0)(STEP_S - 0.001) / MIB
SPEED = PER_SECOND / MIB


def seen(after: Callable[[float], float]) -> Finding:
    return judge_cell(drill(memory(after)).history(), CLEAR)


@pytest.mark.parametrize(
    ("after", "effect", "goes_on"),
    [
        (lambda s: 60 + SPEED * s, "cured", True),
        (lambda _s: 62, "cured", False),
        (lambda s: 60 + (GROWN - 60) / 2 + SPEED * s, "partly", True),
        (lambda s: GROWN + SPEED * s, "not", True),
        (lambda _s: GROWN, "not", False),
        (lambda s: GROWN + 3 * SPEED * s, "worse", True),
    ],
    ids=["frees and goes on", "frees for good", "frees half", "changes nothing", "stops the growth", "grows faster"],
)
def test_a_step_has_the_effect_that_the_record_shows(
    after: Callable[[float], float], effect: str, goes_on: bool
) -> None:
    """The growth that is gone decides; whether the leak goes on is told apart."""
    finding = seen(after)
    assert (finding.effect, finding.goes_on) == (effect, goes_on), finding


def test_a_cell_tells_how_long_it_took_and_what_failed() -> None:
    """From the step's beginning until most of the growth had gone; requests count until three seconds after."""

    def fail(event: Event) -> Any:
        return {**event.value, "failures": 40.0 if event.t >= 57 else 0.0}  # type: ignore[dict-item]

    record = drill(memory(lambda s: GROWN - 200 * s if s < 1 else 60)).change("load", "requests", fail)
    finding = judge_cell(record.history(), CLEAR)
    assert finding.took_s == pytest.approx(1.2, abs=0.2)
    assert finding.failed == 40
    assert finding.effect == "cured"


def test_a_service_that_stops_serving_is_worse_whatever_its_memory_does() -> None:
    """Freeing memory by not serving is no cure; nor is ending."""

    def fail(event: Event) -> Any:
        return {**event.value, "failures": max(0.0, event.t - STEP_S) * 100}  # type: ignore[dict-item]

    failing = drill(memory(lambda _s: 60)).change("load", "requests", fail)
    assert judge_cell(failing.history(), CLEAR).effect == "worse"
    ended = drill(memory(lambda _s: 60)).sample(57.0, TargetExited(-9.0))
    finding = judge_cell(ended.history(), CLEAR)
    assert (finding.effect, finding.reason) == ("worse", "the service ended on its own")


def test_a_peak_is_judged_by_where_it_stands_while_the_leak_is_on() -> None:
    """It falls back between requests, so its height counts and not its lowest moment."""
    scenario = plan(leaks=[{"name": "cache", "peak": "100MiB"}])

    def peaks(after: float) -> Finding:
        def level(t: float) -> float:
            if t < 15 or round(t * 10) % 3 == 0:
                return 60.0 * MIB
            return (160.0 if t < STEP_S else after) * MIB

        return judge_cell(drill(level).history(), scenario)

    assert (peaks(70).effect, peaks(70).goes_on) == ("cured", False)
    assert (peaks(110).effect, peaks(158).effect) == ("partly", "not")
    assert peaks(158).goes_on is True
    assert peaks(300).effect == "worse"


def test_what_was_not_measured_is_unknown_with_the_reason() -> None:
    """A leak that did not leak, a step that failed or never began, and a gap after it."""
    flat = judge_cell(drill(lambda _t: 60.0 * MIB).history(), CLEAR)
    assert flat.effect is None
    assert "the leak did not leak" in flat.reason
    failed = drill(memory(lambda s: GROWN + SPEED * s)).drop("step")
    failed.act(StepAct("clear the cache"), 55.2, 55.7, "failed", error="answered 404")
    assert judge_cell(failed.history(), CLEAR).reason == "clear the cache could not be carried out: answered 404"
    never = drill(memory(lambda s: GROWN + SPEED * s)).drop("step")
    assert "was never begun" in judge_cell(never.history(), CLEAR).reason
    gap = drill(memory(lambda _s: 60)).drop("cgroup", after=55.3)
    assert judge_cell(gap.history(), CLEAR).reason == "nobody measured memory after the step"


def cell(declared: Any = "cured", *, step: str = "clear-cache") -> Cell:
    return Cell(
        service="gateway", leak="cache", step=step, declared=declared, scenario=CLEAR, folder=Path("scenarios/gateway")
    )


def result(declared: str, effect: Any) -> CellResult:
    return CellResult(cell(declared), Finding(effect=effect, reason="40 % of the growth was gone", gone=0.4), None)


@pytest.mark.parametrize(
    ("declared", "effect", "outcome"),
    [
        ("cured", "cured", Outcome.PASS),
        ("not", "not", Outcome.PASS),
        ("not", "cured", Outcome.FAIL),
        ("cured", "partly", Outcome.FAIL),
        ("not", "worse", Outcome.FAIL),
        ("not", None, Outcome.UNKNOWN),
    ],
)
def test_a_cell_that_surprises_fails(declared: str, effect: str | None, outcome: Outcome) -> None:
    """Also one that is better than declared: the catalogue says something untrue."""
    assert result(declared, effect).outcome is outcome


def test_a_drill_that_broke_or_was_not_begun_is_unknown() -> None:
    """Whatever it left behind."""
    broken = DrillResult(
        name="x",
        exit_code=4,
        seconds=1,
        budget_s=1,
        folder=None,
        verdicts=(),
        trouble="ended with exit code 4: no room",
    )
    assert cell_result(cell(), broken).finding.reason == "ended with exit code 4: no room"
    assert cell_result(cell(), None).outcome is Outcome.UNKNOWN
    assert overall([]) is Outcome.UNKNOWN


def test_the_table_has_a_line_for_each_cell_and_names_each_surprise() -> None:
    """Effect, share, time, failures, what happens afterwards, and the verdict."""
    good = CellResult(
        cell(),
        Finding(effect="cured", reason="all", gone=1.2, took_s=0.31, failed=7, goes_on=True),
        None,
    )
    surprise = result("not", "partly")
    console = Console(width=140, record=True, color_system=None)
    print_matrix([good, surprise], console, took_s=60.0)
    text = console.export_text()
    assert "gateway/cache clear-cache cured 100% 0.3 s 7 comes back PASS" in " ".join(text.split())
    assert "FAIL gateway/cache, clear-cache: partly, declared: not at all: 40 % of the growth was gone" in text
    assert text.rstrip().endswith("FAIL: 1 of 2 cells are as declared, 1 surprise; 1 min (exit 1)")
    assert sentence(surprise) in text
    assert summary([good], took_s=60.0) == "PASS: 1 of 1 cells are as declared; 1 min (exit 0)"


@pytest.mark.parametrize("path", MATRICES, ids=lambda path: path.parent.name)
def test_every_matrix_of_the_catalogue_can_be_run(path: Path, tmp_path: Path) -> None:
    """Each cell is a scenario file of its own that reads back as it was, wherever it lies."""
    cells = read_matrix(path)
    assert len({one.scenario.name for one in cells}) == len(cells)
    for one in cells:
        file = tmp_path / "cell.yaml"
        file.write_text(one.as_yaml())
        again = read_scenario(file)
        assert (again.name, again.leaks, again.phases) == (one.scenario.name, one.scenario.leaks, one.scenario.phases)
        assert "{scenario_dir}" not in file.read_text()


@pytest.mark.parametrize("path", MATRICES, ids=lambda path: path.parent.name)
def test_every_leak_of_a_matrix_has_a_step_that_cures_it_and_one_that_does_not(path: Path) -> None:
    """A matrix in which a row says the same everywhere tells nothing."""
    cells = read_matrix(path)
    for leak in {one.leak for one in cells}:
        declared = {one.declared for one in cells if one.leak == leak}
        assert declared & {"cured", "partly"}, leak
        assert "not" in declared, leak


MATRIX = """\
leaks: {unbounded-cache: SCENARIO}
steps:
  restart: {restart: {}}
  gc: {gc: {}}
cures:
  unbounded-cache: {restart: cured}
"""


def test_a_step_with_only_is_tried_on_the_leaks_it_names_alone(tmp_path: Path) -> None:
    """The other leaks have no cell with it, and keep their cells with every other step."""
    two = MATRIX.replace("leaks: {", "leaks: {log-flood: FLOOD, ") + "only: {gc: [log-flood]}\n"
    for name, file in (("SCENARIO", "unbounded-cache"), ("FLOOD", "log-flood")):
        two = two.replace(name, str(catalogue_root() / f"gateway/{file}.yaml"))
    path = tmp_path / "matrix.yaml"
    path.write_text(two)
    tried = [(cell.leak, cell.step) for cell in read_matrix(path)]
    assert tried == [("log-flood", "restart"), ("log-flood", "gc"), ("unbounded-cache", "restart")]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("cures:\n  unbounded", "cures:\n  bounded"), ":6: cures.bounded-cache: is no leak here; expected one of"),
        (("{restart: cured}", "{resart: cured}"), ":6: cures.unbounded-cache.resart: is no step here; expected one"),
        (("restart: cured", "restart: healed"), ":6: cures.unbounded-cache.restart: Input should be"),
        (("gc: {gc: {}}", "gc: {gcc: {}}"), ":4: steps.gc: "),
        (("leaks: {unbounded-cache", "leaks: {log-flood"), ":6: cures.unbounded-cache: is no leak here"),
        (("cures:", "phases: {laod: 20s}\ncures:"), ":5: phases.laod"),
        (("cures:", "phases_of: {x: {}}\ncures:"), ":5: phases_of.x: is no leak here; expected one of unbounded-cache"),
        (("cures:", "only: {gcc: []}\ncures:"), ":5: only.gcc: is no step here; expected one of restart, gc"),
        (("cures:", "only: {gc: [x]}\ncures:"), ":5: only.gc[0]: is no leak here; expected one of unbounded-cache"),
        (("cures:", "only: {restart: []}\ncures:"), ":7: cures.unbounded-cache.restart: is never tried"),
    ],
)
def test_mistakes_in_a_matrix_are_named_with_their_line(tmp_path: Path, change: tuple[str, str], says: str) -> None:
    """A file that cannot be used is refused with file, line and place."""
    path = tmp_path / "matrix.yaml"
    path.write_text(MATRIX.replace("SCENARIO", str(catalogue_root() / "gateway/unbounded-cache.yaml")).replace(*change))
    with pytest.raises(BadInput) as caught:
        read_matrix(path)
    assert str(caught.value).startswith(f"{path}{says}")


def test_a_service_that_is_slow_gets_longer_phases_and_more_memory(tmp_path: Path) -> None:
    """What is not named is as everywhere."""
    path = tmp_path / "matrix.yaml"
    scenario = str(catalogue_root() / "gateway/unbounded-cache.yaml")
    path.write_text(MATRIX.replace("SCENARIO", scenario) + "phases: {load: 20s}\nmemory: 1GiB\n")
    cell = read_matrix(path)[0].scenario
    assert (cell.phases.load, cell.phases.baseline) == (20.0, 4.0)
    assert cell.target.limits.memory == 1 << 30
    assert cell.target.limits.cpus == read_scenario(Path(scenario)).target.limits.cpus


def test_a_leak_that_its_drill_does_not_have_is_refused(tmp_path: Path) -> None:
    """The drill is where leak, target and load are taken from."""
    scenario = catalogue_root() / "gateway/unbounded-cache.yaml"
    path = tmp_path / "matrix.yaml"
    path.write_text(f"leaks: {{log-flood: {scenario}}}\nsteps: {{gc: {{gc: {{}}}}}}\n")
    with pytest.raises(BadInput, match="has no such leak; it has unbounded-cache"):
        read_matrix(path)
