"""One build of a service under gate load: it runs, rests at quiescent points, and is read there.

At a quiescent point no request is under way; where an agent can be asked, the garbage is collected and freed memory
given back. What is left then is what the service keeps.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from leakdrill.errors import EnvironmentProblem
from leakdrill.record.events import GateEnd, GateRequestsByName, GateServiceCount, GateSlot
from leakdrill.runs.gate.agent_readings import AgentReadings
from leakdrill.runs.gate.service import BuildService
from leakdrill.runs.gate.slot_load import SlotLoad

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from leakdrill.agent.client import AgentClient
    from leakdrill.record.journal import Journal
    from leakdrill.record.recorder import Recorder
    from leakdrill.scenario.scenario import Scenario

_REST_S: Final = 0.03


class Build:
    """A build, from start to gone.

    Args:
        name: `candidate` or `baseline`; on every event of it.
        scenario: what runs and how it is loaded.
        scenario_dir: folder of its file.
        folder: gets its log and its load's files.
        run_id: marks its processes; unique to the build.
        recorder: shared by all builds of a run.
        journal: of this build alone, because a target is stopped by undoing all that its journal holds.
    """

    def __init__(
        self,
        name: str,
        scenario: Scenario,
        *,
        scenario_dir: Path,
        folder: Path,
        run_id: str,
        recorder: Recorder,
        journal: Journal,
    ) -> None:
        self.name = name
        self._recorder = recorder
        self._wants_agent = scenario.gate.agent != "off"
        self._service = BuildService(
            name,
            scenario,
            scenario_dir=scenario_dir,
            folder=folder,
            run_id=run_id,
            recorder=recorder,
            journal=journal,
        )
        self._agent = AgentReadings(name, recorder)
        self.load = SlotLoad(scenario, folder=folder, run_id=run_id, recorder=recorder, journal=journal, build=name)
        self._round = 0

    def up(self) -> None:
        """Start the service and look for its agent; what cannot be had is noted.

        Raises:
            LeakdrillError: when it does not come up.
        """
        client = self._bring_agent() if self._wants_agent else None
        self._service.start()
        if client is not None:
            self._agent.connect(client)

    def down(self) -> None:
        """End the load and the service."""
        self.load.stop()
        self._service.stop()

    def start_load(self, corpus: str) -> None:
        """Start the load with `corpus` (`open` or `closed`).

        Raises:
            LeakdrillError: when the load does not reach the service.
        """
        self.load.start(self._service.url, corpus)

    def alive(self) -> bool:
        """Whether the service and its load still run."""
        return self._service.alive() and self.load.alive()

    def anonymous_bytes(self) -> float | None:
        """The anonymous memory of the service now, under load; None when it is down."""
        reading = self._service.smaps()
        return reading["anon_bytes"] if reading else None

    def quiescent_point(self) -> None:
        """Rest, collect and trim where an agent can be asked, and record what is left as one slot."""
        began = self._recorder.now_s()
        self.load.rest()
        before = self._service.tree() or {}
        figures = self._agent.collect_and_read()
        time.sleep(_REST_S)
        tree, smaps = self._service.tree(), self._service.smaps()
        if tree is None or smaps is None or not self.load.started:
            self._recorder.record(GateSlot(build=self.name, corpus=self.load.corpus, error="the service is down"))
            return
        rest_s = self._recorder.now_s() - began
        self.load.note_rest(rest_s)
        self._record(rest_s, before.get("rss_bytes", tree["rss_bytes"]), {**tree, **smaps}, figures)
        self._round += 1

    def record_end(self) -> None:
        """Record whether the service is still there after the last slot, and still the same processes."""
        members = self._service.members()
        self._recorder.record(GateEnd(float(self._round), members, build=self.name, corpus=self.load.corpus))

    def record_count(self) -> None:
        """Record how many requests the service has counted, where it says; the load must be at rest."""
        counted = self._service.request_count() if self.load.started else None
        if counted is not None:
            completed = float(self.load.completed())
            self._recorder.record(GateServiceCount(counted, completed, build=self.name, corpus=self.load.corpus))

    def record_types(self, moment: str) -> None:
        """Record how many objects of each type there are, `before` the slots and `after` them."""
        if self.load.started:
            self._agent.record_types(moment, corpus=self.load.corpus, requests=self.load.completed())

    def record_sites(self) -> None:
        """Record where the memory came from that one more slot leaves behind."""
        if self.load.started:
            self._agent.record_sites(self._gentle_slot, corpus=self.load.corpus)

    def _bring_agent(self) -> AgentClient | None:
        try:
            return self._service.bring_agent()
        except EnvironmentProblem as e:
            self._agent.note_absence(str(e))
            return None

    def _gentle_slot(self) -> None:
        self.load.slot(gentle=True)
        self.load.rest()

    def _record(
        self, rest_s: float, rss_before_bytes: float, memory: Mapping[str, float], figures: Mapping[str, float]
    ) -> None:
        self._recorder.record(
            GateSlot(
                round=float(self._round),
                load_s=round(self.load.under_load_s(), 4),
                rest_s=round(rest_s, 4),
                requests=float(self.load.completed()),
                rss_before_bytes=rss_before_bytes,
                rss_after_bytes=memory["rss_bytes"],
                threads=memory["threads"],
                fds=memory["fds"],
                processes=memory["processes"],
                pss_bytes=memory["pss_bytes"],
                uss_bytes=memory["uss_bytes"],
                anon_bytes=memory["anon_bytes"],
                shmem_bytes=self._service.shmem_bytes(),
                cpu_seconds=memory["cpu_seconds"],
                members=self._service.members(),
                build=self.name,
                corpus=self.load.corpus,
                others=figures,
            )
        )
        by_name = self.load.completed_by_name()
        self._recorder.record(GateRequestsByName(by_name, build=self.name, corpus=self.load.corpus))
