"""An alert's transitions are told from evaluation samples, however late and however often they are handed over."""

from __future__ import annotations

import pytest

from leakdrill.alerting.durations import divide_ms, parse_ms, show_ms
from leakdrill.alerting.timeline import Timeline, Transition

PENDING = [(1.0, "pending"), (2.0, "pending")]
FIRING = [(3.0, "firing"), (4.0, "firing")]


def _add(timeline: Timeline, samples: list, *, gone: bool = True) -> list[Transition]:  # type: ignore[type-arg]
    return timeline.add(samples, interval_s=1.0, was_gone=lambda _: gone)


def test_pending_then_firing_then_resolved() -> None:
    """Each transition has the time of the evaluation that found it; resolved is one interval after the last sample."""
    timeline = Timeline()
    assert _add(timeline, PENDING + FIRING) == [Transition("pending", 1.0), Transition("firing", 3.0)]
    assert timeline.end(1.0) == Transition("resolved", 5.0)
    assert not timeline.active


def test_samples_are_counted_once() -> None:
    """What was handed over before changes nothing."""
    timeline = Timeline()
    _add(timeline, PENDING)
    assert _add(timeline, PENDING + FIRING) == [Transition("firing", 3.0)]
    assert _add(timeline, FIRING) == []


def test_a_pending_alert_that_goes_away_was_never_resolved() -> None:
    """It becomes inactive."""
    timeline = Timeline()
    _add(timeline, PENDING)
    assert timeline.end(1.0) == Transition("inactive", 3.0)


def test_a_gap_in_which_it_was_gone_is_an_end() -> None:
    """Firing, gone, firing again is three transitions, even when one late poll sees them all."""
    timeline = Timeline()
    found = _add(timeline, [*FIRING, (8.0, "firing")])
    assert found == [Transition("firing", 3.0), Transition("resolved", 5.0), Transition("firing", 8.0)]


def test_a_gap_without_an_end_is_a_missed_evaluation() -> None:
    """When Prometheus only skipped evaluations, the alert went on firing."""
    timeline = Timeline()
    assert _add(timeline, [*FIRING, (8.0, "firing")], gone=False) == [Transition("firing", 3.0)]


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("5m", 300_000), ("1h30m", 5_400_000), ("1s500ms", 1500), ("0s", 0), ("1d1ms", 86_400_001)],
)
def test_durations_are_read_and_shown_alike(text: str, milliseconds: int) -> None:
    """A duration as Prometheus writes it is read and shown as the same text."""
    assert (parse_ms(text), show_ms(milliseconds)) == (milliseconds, text)


def test_dividing_keeps_zero_and_the_floor() -> None:
    """Zero stays zero; anything else does not fall below the floor."""
    assert [divide_ms(0, 60, floor_ms=100), divide_ms(60, 60, floor_ms=100), divide_ms(90_000, 60)] == [0, 100, 1500]
