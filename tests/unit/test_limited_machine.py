"""A container with a CPU limit is published as a machine as fast as its limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from leakdrill.alerting.limited_machine import LimitedMachine
from leakdrill.record.events import CgroupDetails, MachineFigures, ProcessDetails

if TYPE_CHECKING:
    from leakdrill.record.event_class import Reading

LABELS = {"job": "node-exporter"}


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def _play(machine: LimitedMachine, clock: Clock, readings: list[Reading], every_s: float = 1.0) -> None:
    for reading in readings:
        machine.note(reading.to_event())
        clock.now += every_s


def _series(machine: LimitedMachine) -> dict[str, float]:
    return {
        " ".join([sample.name, *(sample.labels[k] for k in ("cpu", "mode") if k in sample.labels)]): sample.value
        for family in machine.series(LABELS, stale_after_s=5.0)
        for sample in family.samples
    }


def test_half_of_the_limit_in_use_is_a_machine_half_busy(clock: Clock) -> None:
    machine = LimitedMachine(2.0, clock=clock)
    _play(machine, clock, [CgroupDetails(user_seconds=7 + n, system_seconds=3.0) for n in range(11)])
    series = _series(machine)
    assert series["node_cpu_seconds_total 0 user"] == series["node_cpu_seconds_total 1 user"] == pytest.approx(5.0)
    assert series["node_cpu_seconds_total 0 idle"] == pytest.approx(5.0)
    assert "node_cpu_seconds_total 2 user" not in series


def test_a_limit_below_one_core_is_one_cpu_that_may_be_full(clock: Clock) -> None:
    machine = LimitedMachine(0.5, clock=clock)
    _play(machine, clock, [CgroupDetails(user_seconds=0.5 * n, system_seconds=0.0) for n in range(11)])
    series = _series(machine)
    assert series["node_cpu_seconds_total 0 user"] == pytest.approx(10.0)
    assert series["node_cpu_seconds_total 0 idle"] == pytest.approx(0.0)


def test_a_service_that_is_restarted_does_not_run_backwards(clock: Clock) -> None:
    machine = LimitedMachine(1.0, clock=clock)
    _play(machine, clock, [ProcessDetails(user_seconds=s, system_seconds=0.0) for s in (50.0, 51.0, 0.0, 1.0)])
    assert _series(machine)["node_cpu_seconds_total 0 user"] == pytest.approx(2.0)


def test_time_that_the_machine_waits_or_loses_is_taken_from_what_is_idle(clock: Clock) -> None:
    machine = LimitedMachine(1.0, clock=clock)
    for n in range(3):
        machine.note(MachineFigures(cpus=2.0, iowait_seconds=0.5 * n, steal_seconds=1.0 * n).to_event())
        machine.note(CgroupDetails(user_seconds=0.2 * n, system_seconds=0.0).to_event())
        clock.now += 1.0
    series = _series(machine)
    assert series["node_cpu_seconds_total 0 iowait"] == pytest.approx(2 * 0.25)
    assert series["node_cpu_seconds_total 0 steal"] == pytest.approx(2 * 0.5)
    assert series["node_cpu_seconds_total 0 idle"] == pytest.approx(2 * 0.05)


def test_load_is_averaged_over_production_s_minutes(clock: Clock) -> None:
    """At a time scale of 60 a minute of production is a second: a load of 4 is reached within seconds."""
    for scale, least, most in ((60.0, 3.9, 4.0), (1.0, 0.2, 1.0)):
        machine = LimitedMachine(1.0, time_scale=scale, clock=clock)
        _play(machine, clock, [ProcessDetails(runnable=0.0), *[ProcessDetails(runnable=4.0)] * 6])
        assert least < _series(machine)["node_load1"] <= most
        assert _series(machine)["node_load15"] < _series(machine)["node_load1"]


def test_what_was_not_read_is_not_published(clock: Clock) -> None:
    machine = LimitedMachine(1.0, clock=clock)
    assert _series(machine) == {}
    _play(machine, clock, [ProcessDetails(user_seconds=1.0, system_seconds=0.0)])
    assert "node_load1" not in _series(machine)
    clock.now += 60.0
    assert _series(machine) == {}, "readings of a minute ago"
