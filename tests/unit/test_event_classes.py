"""Every event has a class; a line and its typed form say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from leakdrill.record.events import (
    EVENTS,
    CgroupResources,
    GpuDevices,
    LoadErrors,
    Notification,
    ProcessMember,
    ProcessTree,
    StepAct,
    TargetExited,
    TorchHolders,
    WorkerLost,
)
from leakdrill.record.history import Event, History, read_history
from leakdrill.record.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from leakdrill.record.event_class import EventClass

WRITTEN = [
    CgroupResources.of({"anon_bytes": 5.0, "requests": 3.0, "of_a_later_version": 1.0}),
    ProcessTree(error="OSError: no such process"),
    ProcessMember(number=7, parent=1, pid="7", program="ld", command="ld -o x", phase="link"),
    GpuDevices.of({"used_bytes": 1.0, "gpu0.used_bytes": 1.0}),
    TorchHolders({}, moment="recover"),
    TorchHolders(moment="recover", error="it does not answer"),
    LoadErrors(3.0, error="ConnectionRefusedError", method="GET", request="/"),
    Notification("firing", receiver="pager", labels={"alertname": "High", "at": "home"}, at=2.5),
    TargetExited(-9.0, signal="SIGKILL", oom_kill="", pid="4121"),
    WorkerLost(1, wanted="2"),
]


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    made = Recorder(tmp_path / "history.jsonl")
    yield made
    made.close()


@pytest.mark.parametrize("event", WRITTEN, ids=lambda event: type(event).__name__)
def test_what_is_written_is_read_again(event: EventClass, recorder: Recorder, tmp_path: Path) -> None:
    line = recorder.record(event)
    (again,) = read_history(tmp_path / "history.jsonl").of(type(event))
    assert (again.line_name(), again.line_value(), again.line_labels(), again.at) == (
        line.name,
        line.value,
        line.labels,
        event.at,
    )
    assert [part for part in again.parts() if getattr(again, part) != getattr(event, part)] == []


def test_a_reading_that_failed_has_no_value_but_a_reason(recorder: Recorder) -> None:
    line = recorder.record(ProcessTree(error="gone"))
    assert (line.value, dict(line.labels)) == (None, {"error": "gone"})


def test_an_act_has_its_labels_its_end_and_what_was_found(recorder: Recorder) -> None:
    with recorder.act(StepAct("clear", action="http")) as note:
        note.labels["status"] = "200"
    (act,) = recorder.history().acts(StepAct)
    assert act.end is not None
    assert (act.name, act.begin.action, act.end.kind, dict(act.end.more)) == ("clear", "http", "ok", {"status": "200"})


def test_a_failed_act_says_why(recorder: Recorder) -> None:
    with pytest.raises(OSError, match="full"), recorder.act(StepAct("clear", action="http")):
        raise OSError("full")
    (act,) = recorder.history().acts(StepAct)
    assert (act.succeeded, act.reason) == (False, "full")


@pytest.mark.parametrize("value", [None, "a word", 3.0, {"x": 1.0}], ids=["none", "text", "number", "entries"])
@pytest.mark.parametrize("event_class", EVENTS, ids=lambda event_class: event_class.__name__)
def test_an_odd_value_never_raises(event_class: type[EventClass], value: object) -> None:
    kind = "begin" if event_class.is_act else "sample"
    line = Event(
        index=0,
        t=1.0,
        phase="load",
        source=event_class.source,
        kind=kind,
        name=event_class.event_name,
        value=value,  # type: ignore[arg-type]
    )
    (typed,) = History([line]).of(event_class)
    assert (typed.index, typed.t) == (0, 1.0)


def test_a_series_is_asked_for_by_the_field() -> None:
    line = Event(index=0, t=1.0, phase="load", source="gpu", kind="sample", name="devices", value={"gpu0.xid": 3.0})
    assert History([line]).series(GpuDevices, "gpu0.xid").values.tolist() == [3.0]


def test_a_series_of_a_field_that_the_class_lacks_is_a_mistake() -> None:
    with pytest.raises(KeyError, match="ProcessTree has no entry rss_byte"):
        History([]).series(ProcessTree, "rss_byte")


def test_the_catalogue_has_each_event_once() -> None:
    triples = [(event.source, event.event_name, event.is_act) for event in EVENTS]
    assert len(set(triples)) == len(triples)
