"""The record: written as it happens, read back the same."""

import itertools
import os
import threading

import pytest

from leakdrill.errors import BadInput
from leakdrill.record.events import AlertTransition, CgroupResources, LoadRequests, ProcessTree, StepAct
from leakdrill.record.history import Event, History, event_line, read_history
from leakdrill.record.recorder import Recorder


@pytest.fixture
def recorder(tmp_path):
    recorder = Recorder(tmp_path / "history.jsonl")
    yield recorder
    if not recorder._file.closed:
        recorder.close()


def test_what_is_recorded_is_read_back(recorder, tmp_path):
    recorder.record(ProcessTree(rss_bytes=1.5, requests=3.0))
    with recorder.in_phase("baseline"), recorder.act(StepAct("gc", action="gc")) as note:
        note.labels["status"] = "200"
    recorder.record(AlertTransition("firing", at=12.25, labels={"alertname": "High"}))
    recorder.close()
    assert read_history(tmp_path / "history.jsonl").events == recorder.history().events


def test_an_act_that_fails_is_recorded_as_failed_and_the_error_goes_on(recorder):
    with pytest.raises(OSError, match="no space"), recorder.act(StepAct("rotate")):
        raise OSError("no space left")
    (act,) = recorder.history().acts(StepAct)
    assert not act.succeeded
    assert act.end.kind == "failed"
    assert act.reason == "no space left"


def test_an_error_that_one_file_raises_and_catches_is_recorded_without_its_name(recorder):
    class _Ended(Exception):  # noqa: N818
        pass

    with pytest.raises(_Ended), recorder.act(StepAct("rotate")):
        raise _Ended("Prometheus ended")
    (act,) = recorder.history().acts(StepAct)
    assert act.reason == "Prometheus ended"


def test_begin_is_on_disk_before_the_act(recorder, tmp_path):
    with recorder.act(StepAct("restart")):
        history = read_history(tmp_path / "history.jsonl")
    assert [e.kind for e in history] == ["begin"]
    assert history.acts(StepAct)[0].end is None


def test_a_torn_last_line_is_left_out(recorder, tmp_path):
    recorder.record(LoadRequests(requests=1.0))
    recorder.close()
    path = tmp_path / "history.jsonl"
    path.write_bytes(path.read_bytes() + b'{"index":1,"t":0.2,"pha')
    assert [event.name for event in read_history(path)] == ["requests", "end"]


def test_a_broken_line_in_the_middle_is_named(tmp_path):
    path = tmp_path / "history.jsonl"
    path.write_bytes(b'{"index": 0}\n')
    with pytest.raises(BadInput, match=r"history.jsonl:1: t: Field required"):
        read_history(path)


def test_threads_share_one_order(recorder, tmp_path):
    def write():
        for _ in range(200):
            recorder.record(ProcessTree(rss_bytes=1.0))

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    recorder.close()
    events = read_history(tmp_path / "history.jsonl").events
    assert [e.index for e in events] == list(range(801))
    assert all(a.t <= b.t for a, b in itertools.pairwise(events))


def sample(index, t, value, **labels):
    return Event(
        index=index, t=t, phase="load", source="cgroup", kind="sample", name="resources", value=value, labels=labels
    )


def test_a_series_takes_the_samples_that_have_the_field():
    history = History(
        [
            sample(0, 1.0, {"anon_bytes": 1.0, "requests": 5.0}),
            sample(1, 2.0, None),
            sample(2, 3.0, {"anon_bytes": 2.0}),
        ]
    )
    series = history.series(CgroupResources, "anon_bytes")
    assert series.t.tolist() == [1.0, 3.0]
    assert series.values.tolist() == [1.0, 2.0]
    assert series.requests[0] == 5.0
    assert series.indices == (0, 2)
    assert series.between(2.5, 4).indices == (2,)


def test_a_series_of_nothing_is_empty():
    assert len(History([]).series(CgroupResources, "anon_bytes")) == 0
    assert History([]).phase("load") is None


def test_the_line_is_json_with_the_fields_of_the_schema():
    line = event_line(sample(0, 1.0, {"a": 1.0}))
    assert line.startswith(b'{"index":0,"t":1.0,"phase":"load","source":"cgroup","kind":"sample"')
    assert line.endswith(b"\n")


def test_a_line_without_end_is_refused_and_not_held_in_memory(tmp_path):
    path = tmp_path / "history.jsonl"
    path.touch()
    os.truncate(path, 2**34)
    with pytest.raises(BadInput, match=r"history.jsonl:1: is longer than 16 MiB; expected one event"):
        read_history(path)
