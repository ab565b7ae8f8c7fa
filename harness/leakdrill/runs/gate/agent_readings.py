"""The readings of the agent inside a build's Pythons, where there is one, and the reason where there is none."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from leakdrill.errors import EnvironmentProblem
from leakdrill.record.events import GateAgent, GateSite, GateTypes, Notice

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakdrill.agent.client import AgentClient
    from leakdrill.agent.reading import AgentReading
    from leakdrill.record.recorder import Recorder

_SITES: Final = 5
_FRAMES: Final = 3
_MOST_BLOCKS: Final = 500_000
_SLOW_S: Final = 0.4


class AgentReadings:
    """The readings of one build's agent; without an agent every reading is empty."""

    def __init__(self, build: str, recorder: Recorder) -> None:
        self._build = build
        self._recorder = recorder
        self._client: AgentClient | None = None
        self._slowest_s = 0.0
        self._count_all = False

    def note_absence(self, reason: str) -> None:
        """Record why there is no agent."""
        notice = f"{reason}; memory is read from outside only, so the gate's resolution is lower"
        self._recorder.record(Notice(notice, build=self._build))

    def connect(self, client: AgentClient) -> None:
        """Ask through `client` from now on, if the service's Pythons answer; note why where they do not."""
        reason = client.available()
        if reason is not None:
            self.note_absence(reason)
            return
        self._client = client
        python = client.ping()[0]
        allocator = f"{python['allocator']} on {python['malloc']}"
        self._recorder.record(GateAgent(1.0, build=self._build, python=str(python["python"]), allocator=allocator))

    def collect_and_read(self) -> dict[str, float]:
        """Collect and trim, and return what is left; empty when nobody answers."""
        if self._client is None:
            return {}
        began = time.monotonic()
        try:
            reading = self._client.quiet() if self._slowest_s < _SLOW_S else self._quick_reading(self._client)
        except EnvironmentProblem as e:
            self._recorder.record(GateAgent(build=self._build, error=str(e)))
            return {}
        if reading.silent:
            self._recorder.record(GateAgent(build=self._build, error="; ".join(reading.silent)))
        self._slowest_s = max(self._slowest_s, time.monotonic() - began)
        return {name: value for name, value in reading.as_values().items() if name != "threads"}

    @staticmethod
    def _quick_reading(client: AgentClient) -> AgentReading:
        """One collection instead of two, and no list of all objects: for heaps of millions."""
        client.collect(1)
        client.trim()
        return client.reading(objects=False)

    def record_types(self, moment: str, *, corpus: str, requests: float) -> None:
        """Record how many objects of each type there are, `before` the slots and `after` them."""
        if self._client is None:
            return
        try:
            if moment == "before":  # both counts must be of the same kind, and a large heap takes long to walk
                self._count_all = (self._client.reading(objects=False).blocks or 0) < _MOST_BLOCKS
            counts = self._client.types(untracked=self._count_all).counts
        except EnvironmentProblem:
            return
        numbers = {name: float(count) for name, count in counts.items()}
        self._recorder.record(GateTypes(requests, counts=numbers, build=self._build, corpus=corpus, moment=moment))

    def record_sites(self, slot: Callable[[], None], *, corpus: str) -> None:
        """Trace one more `slot`, and record where the memory came from that it left behind.

        Called after the slots that are judged, because tracing takes memory of its own.
        """
        if self._client is None:
            return
        try:
            self._client.tracemalloc_start(_FRAMES)
            self._client.tracemalloc_mark()
            slot()
            sites = self._client.tracemalloc_diff(_SITES)
            self._client.tracemalloc_stop()
        except EnvironmentProblem as e:
            self._recorder.record(GateSite(build=self._build, corpus=corpus, error=str(e)))
            return
        for site in sites:
            self._recorder.record(
                GateSite(
                    float(site.size_diff_bytes),
                    float(site.count_diff),
                    build=self._build,
                    corpus=corpus,
                    site=" < ".join(reversed(site.frames)),
                )
            )
