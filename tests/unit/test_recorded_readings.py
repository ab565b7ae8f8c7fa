"""What a meter read is recorded as the line that its event's class describes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from leakdrill.record.event import Event
from leakdrill.record.event_class import Reading
from leakdrill.record.events import EVENTS
from leakdrill.record.parts import Entry
from leakdrill.record.recorder import Recorder

if TYPE_CHECKING:
    from pathlib import Path

READINGS = [event_class for event_class in EVENTS if issubclass(event_class, Reading)]


@pytest.mark.parametrize("event_class", READINGS, ids=lambda event_class: event_class.__name__)
def test_a_reading_is_the_line_of_its_class(event_class: type[Reading], tmp_path: Path) -> None:
    """The values come in another order than the line's, with one that the class does not name and one it misses."""
    named = [part.key for part in event_class.parts().values() if isinstance(part, Entry)]
    values: dict[str, float] = {"of_no_field": 7.0}
    values |= {key: float(place) for place, key in enumerate(reversed(named[1:]), start=1)}
    recorder, heard = Recorder(tmp_path / "history.jsonl"), list[Event]()
    recorder.record(event_class.of(values))
    recorder.record_reading(event_class, values)
    recorder.subscribe(heard.append)
    recorder.record_reading(event_class, values)
    recorder.close()
    typed, plain, told = recorder.history().events[:3]
    assert told == heard[0]
    assert isinstance(typed.value, dict)
    assert isinstance(plain.value, dict)
    assert isinstance(told.value, dict)
    assert list(plain.value.items()) == list(typed.value.items()) == list(told.value.items())
    assert replace(plain, index=0, t=0.0) == replace(typed, index=0, t=0.0) == replace(told, index=0, t=0.0)


def test_a_reading_of_nothing_has_no_value(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "history.jsonl")
    recorder.record_reading(READINGS[0], {})
    recorder.close()
    assert recorder.history().events[0].value is None
