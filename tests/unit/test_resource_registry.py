"""Every registered resource: its claims, its readings, its gauges and its keys, from the registry alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, get_args

import numpy as np
import pytest
from histories import MIB, Record, drill, flat, plan, requests_at, twin, twin_plan

from leakdrill.alerting.container_series import container_series
from leakdrill.judging.drill import judge_claims
from leakdrill.record.event_class import Reading
from leakdrill.record.events import EVENTS
from leakdrill.resources import RESOURCES, Resource
from leakdrill.scenario.expectations import MARGINS, Expect
from leakdrill.scenario.quantities import ResourceName

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakdrill.record.verdict import Verdict
    from leakdrill.scenario.scenario import Scenario

each = pytest.mark.parametrize("resource", RESOURCES.values(), ids=list(RESOURCES))
READINGS = {(event.source, event.event_name): event for event in EVENTS if issubclass(event, Reading)}
LEVELS = {"bytes": 60.0 * MIB, "count": 20.0, "cores": 0.2}


def level(resource: Resource, *, grown: float = 0.0) -> Callable[[float], float]:
    """What is read of a resource that stays where it is, or `grown` times higher from 15 s on."""
    base = LEVELS[resource.unit]
    if resource.is_rate:
        return lambda t: base * t + grown * base * max(0.0, t - 15)
    return lambda t: base * (1 + grown * (t >= 15))


def read(record: Record, resource: Resource, value: Callable[[float], float]) -> Record:
    reading = resource.readings[0]
    if (reading.source, reading.name) == ("cgroup", "resources"):
        record.drop("cgroup")
    for t in np.arange(2, 71.001, 0.1).round(4).tolist():
        fields = {reading.field: value(t), "size_bytes": 64.0 * MIB, "requests": requests_at(t)}
        record.sample(t, READINGS[reading.source, reading.name].of(fields))
    return record


def verdict(claim: str, record: Record, scenario: Scenario) -> Verdict:
    (found,) = [v for v in judge_claims(record.history(), scenario) if v.check == claim]
    return found


@each
def test_a_twin_must_not_grow(resource: Resource) -> None:
    scenario = twin_plan(expect={resource.name: {}})
    assert verdict(resource.stays, read(twin(), resource, level(resource)), scenario).outcome == "PASS"
    assert verdict(resource.stays, read(twin(), resource, level(resource, grown=3)), scenario).outcome == "FAIL"
    unread = twin().drop(resource.readings[0].source)
    assert verdict(resource.stays, unread, scenario).outcome == "UNKNOWN"


@each
def test_after_the_steps_it_must_be_back(resource: Resource) -> None:
    scenario = plan(leaks=[], alerts={"rules": ["rules.yml"]}, expect={resource.name: {}})
    assert verdict(resource.returns, read(drill(flat), resource, level(resource)), scenario).outcome == "PASS"
    assert verdict(resource.returns, read(drill(flat), resource, level(resource, grown=3)), scenario).outcome == "FAIL"
    unread = drill(flat).drop(resource.readings[0].source)
    assert verdict(resource.returns, unread, scenario).outcome == "UNKNOWN"


@each
def test_its_readings_are_fields_of_events_that_are_recorded(resource: Resource) -> None:
    for reading in resource.readings:
        assert READINGS[reading.source, reading.name].entry_of(reading.field)


@each
def test_it_is_a_key_of_a_scenario_with_a_margin(resource: Resource) -> None:
    assert resource.name in get_args(ResourceName)
    assert resource.name in Expect.model_fields
    assert resource.name in MARGINS


@each
def test_what_it_publishes_comes_out_of_the_exporter(resource: Resource) -> None:
    for reading in resource.readings:
        if reading.published is not None:
            event = READINGS[reading.source, reading.name]
            published = container_series({event: event.of({reading.field: 7.0})}, {"container": "shop"}, now_s=0.0)
            assert 7.0 in [s.value for family in published for s in family.samples if s.name == reading.published[0]]


@each
def test_a_page_explains_it(resource: Resource) -> None:
    pages = Path(__file__).parents[2].joinpath("docs").rglob("*.md")
    assert any(f"`{resource.name}`" in page.read_text(encoding="utf-8") for page in pages), resource.name
