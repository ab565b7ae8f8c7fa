"""The part of the catalogue that CI runs touches everything once."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from leakdrill.runs.catalogue.catalogue import catalogue, catalogue_root
from leakdrill.runs.catalogue.matrix_plan import FILE_NAME, read_matrix
from leakdrill.scenario.reader import read_scenario

if TYPE_CHECKING:
    from leakdrill.runs.catalogue.matrix_plan import Cell
    from leakdrill.scenario.scenario import Scenario
    from leakdrill.scenario.steps import Step


@cache
def drills() -> tuple[Scenario, ...]:
    """Those that run on a process: CI runs its subset without an engine."""
    every = (read_scenario(entry.path) for entry in catalogue())
    return tuple(scenario for scenario in every if scenario.target.platform == "process")


@cache
def cells() -> tuple[Cell, ...]:
    return tuple(cell for path in sorted(catalogue_root().glob(f"*/{FILE_NAME}")) for cell in read_matrix(path))


def touched(scenarios: tuple[Scenario, ...]) -> set[tuple[str, str]]:
    """Services, alerts that must fire, kinds of steps, and drills without a leak."""
    found = {("service", scenario.name.partition("/")[0]) for scenario in scenarios}
    found |= {("alert", alert.alert) for scenario in scenarios for alert in scenario.alerts.expect}
    found |= {("step", step.action_name) for scenario in scenarios for step in scenario.steps}
    return found | {("twin", "") for scenario in scenarios if not scenario.leaks}


def test_the_subset_touches_each_service_each_alert_and_each_step() -> None:
    assert touched(drills()) - touched(tuple(scenario for scenario in drills() if scenario.subset)) == set()


def test_the_catalogue_has_the_leaks_and_the_drills_that_it_claims() -> None:
    leaks = {(s.name.partition("/")[0], leak.name) for s in drills() for leak in s.leaks}
    assert len(leaks) >= 24
    assert len(drills()) >= 40


def test_each_kind_of_step_cures_in_one_drill_and_must_not_in_another() -> None:
    """But for a copy, which only looks, and for higher limits and more replicas, which relieve and cure nothing."""
    cures = {step.action_name for s in drills() for step in s.steps if not _must_not_cure(step) and not _looks(step)}
    must_not = {step.action_name for s in drills() for step in s.steps if _must_not_cure(step)}
    must_not |= {cell.scenario.steps[0].action_name for cell in cells() if cell.declared == "not"}
    every = {step.action_name for s in drills() for step in s.steps} - {"copy_out"}
    assert must_not == every
    assert cures == every - {"set_limits", "scale"}


def _must_not_cure(step: Step) -> bool:
    return step.seen is not None and step.seen.stays_within is not None


def _looks(step: Step) -> bool:
    return step.seen is not None and bool(step.seen.nothing)
