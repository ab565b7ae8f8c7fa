"""The harness does not leak: what it records does not stay in its memory, by its own verdict."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from leakdrill.judging.leak.gate import verdict_so_far
from leakdrill.record.events import AlertTransition, GateSlot, Notification, ProcessTree, RecordCovers
from leakdrill.record.recorder import Recorder
from leakdrill.remember import is_new, remember
from leakdrill.runs.drill.alert_states import AlertStates
from leakdrill.scenario.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.record.event import Event

SOAK = Path(__file__).parents[2] / "benchmarks" / "soak.py"

SCENARIO = Scenario.model_validate(
    {
        "name": "long",
        "target": {"name": "long", "command": ["x"], "limits": {"memory": "400MiB"}},
        "load": {"locustfile": "l.py"},
        "leaks": [{"name": "cache", "per_request": "64KiB"}],
        "alerts": {
            "rules": ["rules.yml"],
            "expect": [{"alert": "High", "labels": {"severity": "page"}, "fires_within": "30s", "receiver": "pager"}],
        },
        "steps": [{"name": "restart", "on": "Late", "restart": {}}],
    }
)


def soak(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(SOAK), *options], capture_output=True, text=True, check=False)


@pytest.mark.integration
@pytest.mark.long
def test_three_hundred_thousand_samples_leave_nothing_behind() -> None:
    done = soak("--samples", "300000", "--budget", "8")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "CLEAN" in done.stdout


@pytest.mark.integration
@pytest.mark.long
def test_a_recorder_that_keeps_its_events_is_called_a_leak() -> None:
    done = soak("--samples", "30000", "--budget", "8", "--keep")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "LEAK" in done.stdout


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    made = Recorder(tmp_path / "history.jsonl")
    yield made
    made.close()


def held_after(recorder: Recorder, samples: int) -> int:
    """Bytes that are held after so many samples more than before them."""
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for number in range(samples):
        recorder.record(ProcessTree(rss_bytes=float(number)))
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return after - before


def test_the_recorder_keeps_no_event(recorder: Recorder) -> None:
    held_after(recorder, 10)
    assert held_after(recorder, 3000) < 10_000


def test_what_was_recorded_long_ago_is_still_in_the_history(recorder: Recorder) -> None:
    recorder.record(RecordCovers("first", "0", "0"))
    for number in range(3000):
        recorder.record(ProcessTree(rss_bytes=float(number)))
    history = recorder.history()
    assert len(history) == 3001
    assert history.of(RecordCovers)[0].file == "first"
    assert history.of(ProcessTree)[-1].rss_bytes == 2999.0


def test_whoever_subscribes_hears_of_everything(recorder: Recorder) -> None:
    heard: list[Event] = []
    recorder.subscribe(heard.append)
    for number in range(500):
        recorder.record(ProcessTree(rss_bytes=float(number)))
    assert [event.index for event in heard] == list(range(500))


def test_the_gate_sees_its_first_slot_behind_thousands_of_other_events(recorder: Recorder) -> None:
    for number in range(12):
        recorder.record(
            GateSlot(
                round=float(number), load_s=1.0, rest_s=0.1, requests=100.0 * number, processes=1.0,
                rss_after_bytes=5e7, anon_bytes=4e7, build="candidate", corpus="open",
            )
        )  # fmt: skip
        for _ in range(200):
            recorder.record(ProcessTree(rss_bytes=5e7))
    assert verdict_so_far(recorder.history(), SCENARIO, "open").judged_points + 1 >= 8


def test_an_alert_that_fired_long_ago_is_still_known_and_others_take_no_room(recorder: Recorder) -> None:
    states = AlertStates(SCENARIO)
    recorder.subscribe(states.note)
    wanted = {"alertname": "High", "severity": "page", "pod": "a"}
    recorder.record(AlertTransition("firing", labels=wanted))
    recorder.record(Notification("firing", receiver="pager", labels=wanted))
    recorder.record(AlertTransition("firing", labels={"alertname": "Late"}))
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for number in range(2000):
        labels = {"alertname": "High", "severity": "page", "pod": f"pod-{number}"}
        recorder.record(AlertTransition("firing", labels=labels))
        recorder.record(Notification("firing", receiver=f"team-{number}", labels=labels))
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    (expected,), step = SCENARIO.alerts.expect, SCENARIO.steps[0].on
    assert step is not None
    assert states.has_fired(expected)
    assert states.has_fired(step)
    assert states.delivered(expected)
    assert after - before < 10_000


def test_a_notification_to_another_receiver_is_no_delivery() -> None:
    states = AlertStates(SCENARIO)
    labels = {"alertname": "High", "severity": "page"}
    states.note(Notification("firing", receiver="nobody", labels=labels).to_event())
    assert not states.delivered(SCENARIO.alerts.expect[0])


def test_what_was_seen_longest_ago_is_forgotten_first() -> None:
    seen: dict[str, int] = {}
    for name in ("a", "b", "a", "c"):
        remember(seen, name, 1, most=2)
    assert list(seen) == ["a", "c"]
    noticed: dict[str, None] = {}
    assert [is_new(noticed, name, most=2) for name in ("a", "a", "b", "a", "c", "b")] == [
        True, False, True, False, True, True,
    ]  # fmt: skip
