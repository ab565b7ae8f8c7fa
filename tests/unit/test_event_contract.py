"""Every event that is read is written, and what is written is read, or says that only people read it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from event_users import PACKAGE, contract_problems, event_users

from leakdrill.record.event_class import EventClass, Reading, Sample
from leakdrill.record.events import EVENTS, METERS
from leakdrill.record.history_schema import history_schema
from leakdrill.resources import RESOURCES

if TYPE_CHECKING:
    from pathlib import Path

IMPORT = "from leakdrill.record.events import Rained\n"


@dataclass(frozen=True)
class Rained(Sample, source="sky", name="rained", written_by=("part",), read_by=("part",)):
    """It rained."""


@dataclass(frozen=True)
class Thundered(Sample, source="sky", name="thundered", written_by=("part",), for_people="only people look up"):
    """It thundered."""


def problems(folder: Path, code: str, event: type[EventClass] = Rained) -> list[str]:
    (folder / "part.py").write_text(IMPORT + code)
    return contract_problems([event], event_users(folder, {"Rained", "Thundered"}))


def test_our_own_events_keep_the_contract() -> None:
    assert contract_problems(EVENTS, event_users(PACKAGE, {event.__name__ for event in EVENTS})) == []


def test_what_is_written_and_read_keeps_it(tmp_path: Path) -> None:
    assert problems(tmp_path, "recorder.record(Rained())\nhistory.of(Rained)\n") == []


def test_what_is_read_and_never_written_breaks_it(tmp_path: Path) -> None:
    assert problems(tmp_path, "history.of(Rained)\n") == ["Rained is never written"]


def test_what_is_written_and_never_read_breaks_it(tmp_path: Path) -> None:
    assert problems(tmp_path, "recorder.record(Rained())\n") == [
        "Rained is never read, and does not say that only people read it"
    ]


def test_what_only_people_read_needs_no_reader(tmp_path: Path) -> None:
    assert problems(tmp_path, "recorder.record(Thundered())\n", Thundered) == []


def test_what_says_so_and_has_a_reader_breaks_it(tmp_path: Path) -> None:
    assert problems(tmp_path, "recorder.record(Thundered())\nhistory.of(Thundered)\n", Thundered) == [
        "Thundered says that only people read it, and part does",
        "Thundered is read by ('part',), and says by ()",
    ]


def test_a_writer_that_the_class_does_not_name_breaks_it(tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text(IMPORT + "recorder.record(Rained())\n")
    assert problems(tmp_path, "recorder.record(Rained())\nhistory.of(Rained)\n") == [
        "Rained is written by ('other', 'part'), and says by ('part',)"
    ]


def test_an_annotation_is_no_reader(tmp_path: Path) -> None:
    code = "def note(event: Rained) -> Rained: ...\nrecorder.record(Rained())\n"
    assert problems(tmp_path, code) == ["Rained is never read, and does not say that only people read it"]


def test_a_meter_writes_what_its_readings_become(tmp_path: Path) -> None:
    (tmp_path / "part.py").write_text(IMPORT + "class Gauge:\n    event = Rained\n")
    assert event_users(tmp_path, {"Rained"})["Rained"].writers == {"part"}


def test_the_catalogue_holds_every_class() -> None:
    def below(event: type[EventClass]) -> set[type[EventClass]]:
        return {event}.union(*(below(one) for one in event.__subclasses__()))

    ours = {event for event in below(EventClass) if event.source and event.__module__.startswith("leakdrill.")}
    assert ours == set(EVENTS)


def test_every_part_of_an_event_says_what_it_means() -> None:
    unnamed = {"others", "more"}
    assert [
        (event.__name__, name)
        for event in EVENTS
        for name, part in event.parts().items()
        if not part.meaning and name not in unnamed
    ] == []


def test_a_resource_is_read_from_a_field_of_a_meter() -> None:
    meters: dict[tuple[str, str], type[Reading]] = {(meter.source, meter.event_name): meter for meter in METERS}
    for resource in RESOURCES.values():
        for reading in resource.readings:
            assert meters[reading.source, reading.name].entry_of(reading.field)


def test_the_schema_names_each_event_with_its_fields_writers_and_readers() -> None:
    schema = json.loads(json.dumps(history_schema()))
    exited = schema["$defs"]["AlertmanagerExited"]
    assert exited["properties"]["source"] == {"const": "alertmanager"}
    assert exited["x-writers"] == ["alerting"]
    assert "judging" in exited["x-readers"]
    memory = schema["$defs"]["CgroupResources"]["properties"]["value"]["properties"]["anon_bytes"]
    assert memory == {"type": "number", "description": "anonymous memory", "x-unit": "bytes"}
    assert len(schema["anyOf"]) == len(EVENTS)
