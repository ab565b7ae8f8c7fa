"""What is published of a container's readiness and restarts, in the order in which a record has the events."""

from __future__ import annotations

import pytest

from leakdrill.alerting.state_series import Ends
from leakdrill.record.event import Event
from leakdrill.record.events import TargetExited, TargetReady, TargetRestart, TargetStart


def act(kind: str, event_class: type[TargetStart | TargetRestart] = TargetStart) -> Event:
    event = event_class().to_event()
    return Event(
        index=0, t=0.0, phase="setup", source=event.source, kind=kind, name=event.name, value=None, labels={}, at=None
    )


READY, EXITED = TargetReady().to_event(), TargetExited(oom_kill="true").to_event()


@pytest.mark.parametrize(
    ("events", "ready", "restarts"),
    [
        ([], None, 0),
        ([READY], True, 0),
        ([act("begin")], False, 0),
        ([act("begin"), READY, act("ok")], True, 0),
        ([act("begin"), act("ok"), READY], True, 0),
        ([act("begin"), READY, act("ok"), EXITED], False, 0),
        ([act("begin"), READY, act("ok"), EXITED, act("begin"), READY, act("ok")], True, 1),
        ([act("begin"), READY, act("ok"), act("begin", TargetRestart)], False, 0),
        ([act("begin"), READY, act("ok"), act("begin", TargetRestart), READY, act("ok", TargetRestart)], True, 0),
    ],
)
def test_a_service_is_ready_from_when_it_answers_until_it_ends_or_is_started_again(
    events: list[Event], ready: bool | None, restarts: int
) -> None:
    ends = Ends()
    for event in events:
        ends.note(event)
    assert (ends.ready, ends.restarts) == (ready, restarts)
