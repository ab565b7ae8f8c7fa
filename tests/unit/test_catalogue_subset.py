"""The part of the catalogue that CI runs touches everything once."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from harness.catalogue import catalogue
from harness.scenario_file import read_scenario

if TYPE_CHECKING:
    from harness.scenario import Scenario


@cache
def drills() -> tuple[Scenario, ...]:
    return tuple(read_scenario(entry.path) for entry in catalogue())


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
