"""The load of one build, in slots: paused between them, by time or by whole passes over a recorded corpus."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Final

from leakdrill.errors import BadInput, ComponentDied, EnvironmentProblem
from leakdrill.judging.leak.looks import GENTLE_REQUESTS, slot_length_s
from leakdrill.load.corpus import replay_spec
from leakdrill.load.locust import LocustLoad
from leakdrill.runs.loading import loading

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from leakdrill.record.journal import Journal
    from leakdrill.record.recorder import Recorder
    from leakdrill.scenario.gate import Gate
    from leakdrill.scenario.load import Load
    from leakdrill.scenario.scenario import Scenario

AS_FAST_AS_IT_ANSWERS: Final = 1e6
"""A rate that no service reaches, in requests a second: users then never wait."""

CORPUS_REQUESTS: Final = 500
_RECORDING_TIMEOUT_S: Final = 20.0
_DRAIN_TIMEOUT_S: Final = 5.0
_FIRST_REQUEST_TIMEOUT_S: Final = 20.0
_MOST_RUN_S: Final = 3600.0
_SLOT_TIMEOUT_S: Final = 60.0
_PORTIONS: Final = 8
"""A gentle slot is made of so many short bursts, so that load stays nearly constant."""


class LoadBroken(Exception):  # noqa: N818 - leaves the slots; caught in run.py
    """A load that was under way has ended, or no longer comes to rest."""


class SlotLoad:
    """The load on one build's service.

    Args:
        scenario: how it is loaded.
        folder: gets the load's files and the recorded corpus.
        run_id: marks its processes.
        recorder: gets its counts.
        journal: gets each process before it is started.
        build: `candidate` or `baseline`; on what is recorded of its requests.

    Raises:
        BadInput: when several Locust processes are asked for, which cannot be paused together.
    """

    def __init__(
        self, scenario: Scenario, *, folder: Path, run_id: str, recorder: Recorder, journal: Journal, build: str
    ) -> None:
        self.corpus = ""
        self._build = build
        self._gate: Gate = scenario.gate
        self._spec = scenario.load
        if self._spec.workers != 1:
            raise BadInput("load.workers: the gate pauses its load between slots; expected 1 worker")
        self._folder = folder
        self._run_id = run_id
        self._recorder = recorder
        self._journal = journal
        self._locust: LocustLoad | None = None
        self._began_s = 0.0
        self._pass_requests = 0
        self._rested_s = 0.0
        self._last_rest_s = 0.0

    def start(self, url: str, corpus: str) -> None:
        """Start the load on `url` with `corpus` (`open` or `closed`); a closed one is recorded first.

        Raises:
            LeakdrillError: when the load does not reach the service.
        """
        spec = self._spec.model_copy(update={"rate": self._gate.rate or AS_FAST_AS_IT_ANSWERS})
        if corpus == "closed":
            replay = replay_spec(spec, self._record_corpus(url))
            spec, self._pass_requests = replay.load, replay.pass_requests
        self.corpus = corpus
        self._locust = self._make(spec, url)
        with loading():
            self._locust.start()
        self._locust.wait_first_request(_FIRST_REQUEST_TIMEOUT_S)
        self._began_s = self._recorder.now_s()

    def stop(self) -> None:
        """End the load; the service goes on."""
        if self._locust is not None:
            self._locust.stop()
            self._locust = None

    def alive(self) -> bool:
        """Whether it has begun and still runs."""
        return self._locust is not None and self._locust.alive()

    @property
    def started(self) -> bool:
        """Whether it was started and not stopped."""
        return self._locust is not None

    def completed(self) -> float:
        """Requests completed so far; 0 before the start."""
        return self._locust.completed() if self._locust else 0

    def completed_by_name(self) -> Mapping[str, float]:
        """Requests completed so far, by name."""
        return dict(self._locust.completed_by_name()) if self._locust else {}

    def under_load_s(self) -> float:
        """Seconds since the start."""
        return self._recorder.now_s() - self._began_s

    def slot(self, *, gentle: bool = False) -> None:
        """Load for one slot: its time with an open corpus, the whole passes nearest to that with a closed one.

        A `gentle` one has `GENTLE_REQUESTS` at most, or one pass.
        """
        if self._locust is None:
            return
        length_s = slot_length_s(self._gate.slot, self._last_rest_s)
        if self._pass_requests and self.corpus == "closed":
            with _breaking():
                self._locust.resume(self._passes(length_s, gentle=gentle) * self._pass_requests)
                self._locust.wait_drained(_SLOT_TIMEOUT_S)
        elif gentle:
            for _ in range(_PORTIONS):
                self.let_through(length_s / _PORTIONS, GENTLE_REQUESTS // _PORTIONS)
        else:
            with _breaking():
                self._locust.resume()
            time.sleep(length_s)

    def let_through(self, seconds: float, requests: int) -> None:
        """Load for so long, with so many requests at most."""
        if self._locust is not None:
            with _breaking():
                self._locust.resume(requests)
        time.sleep(seconds)

    def rest(self) -> None:
        """Pause the load and wait until no request is under way."""
        if self._locust is not None:
            with _breaking():
                self._locust.pause()
                self._locust.wait_drained(_DRAIN_TIMEOUT_S)

    def note_rest(self, seconds: float) -> None:
        """Take note that the load has rested for so long."""
        self._last_rest_s = seconds
        self._rested_s += seconds

    def _passes(self, length_s: float, *, gentle: bool) -> int:
        if gentle:
            return max(1, GENTLE_REQUESTS // self._pass_requests)
        rate = self.completed() / max(self.under_load_s() - self._rested_s, 1e-3)
        return max(1, round(rate * length_s / self._pass_requests))

    def _record_corpus(self, url: str) -> Path:
        path = self._folder / "corpus.jsonl"
        recording = self._make(self._spec, url, record_corpus=path)
        with loading():
            recording.start()
        try:
            recording.wait_first_request(_FIRST_REQUEST_TIMEOUT_S)
            deadline = time.monotonic() + _RECORDING_TIMEOUT_S
            while recording.completed() < CORPUS_REQUESTS and time.monotonic() < deadline and recording.alive():
                time.sleep(0.1)
        finally:
            recording.stop()
        return path

    def _make(self, spec: Load, url: str, *, record_corpus: Path | None = None) -> LocustLoad:
        return LocustLoad(
            spec,
            host=url,
            run_dir=self._folder,
            run_id=self._run_id,
            recorder=self._recorder,
            journal=self._journal,
            max_run_s=_MOST_RUN_S,
            record_corpus=record_corpus,
            labels={"build": self._build, "corpus": "recording" if record_corpus else self.corpus},
        )


@contextlib.contextmanager
def _breaking() -> Iterator[None]:
    """Turns the end of a load that was under way into `LoadBroken`."""
    try:
        yield
    except (ComponentDied, EnvironmentProblem) as e:
        raise LoadBroken(str(e)) from e
