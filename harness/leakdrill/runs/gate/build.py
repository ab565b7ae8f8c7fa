"""One build of a service under gate load: it runs, rests at quiet points, and is read there."""

from __future__ import annotations

import secrets
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from leakdrill.errors import BadInput, EnvironmentProblem
from leakdrill.judging.leak.looks import GENTLE_REQUESTS, slot_length_s
from leakdrill.load.corpus import replay_spec
from leakdrill.load.locust import LocustLoad
from leakdrill.meters.process import ProcessTreeMeter, SmapsMeter
from leakdrill.record.journal import JOURNAL_FILE, Journal
from leakdrill.record.ownership import NAME_PREFIX, note_owner
from leakdrill.runs.undo import undo_all
from leakdrill.targets.base.capabilities import AgentHost
from leakdrill.targets.kinds import capability, kind_of, kinds_with

if TYPE_CHECKING:
    from leakdrill.agent.client import AgentClient
    from leakdrill.agent.reading import AgentReading
    from leakdrill.record.recorder import Recorder
    from leakdrill.scenario.gate import Gate
    from leakdrill.scenario.load import Load
    from leakdrill.scenario.scenario import Scenario
    from leakdrill.scenario.target import ProcessTarget

AS_FAST_AS_IT_ANSWERS: Final = 1e6
"""A rate that no service reaches, in requests a second: users then never wait."""

CORPUS_REQUESTS: Final = 500
_RECORDING_TIMEOUT_S: Final = 20.0
_DRAIN_TIMEOUT_S: Final = 5.0
_FIRST_REQUEST_TIMEOUT_S: Final = 20.0
_MOST_RUN_S: Final = 3600.0
_SLOT_TIMEOUT_S: Final = 60.0
_REST_S: Final = 0.03
_SITES: Final = 5
_FRAMES: Final = 3
_MOST_BLOCKS: Final = 500_000
_SLOW_S: Final = 0.4
_STOP_TIMEOUT_S: Final = 2.0
_PORTIONS: Final = 8
"""A gentle slot is made of so many short bursts, so that load stays nearly constant."""


class Build:
    """A build, from start to gone.

    Args:
        name: `candidate` or `baseline`; on every event of it.
        scenario: what runs and how it is loaded.
        scenario_dir: folder of its file.
        folder: its log, its journal and its load's files.
        run_id: marks its processes; unique to the build.
        recorder: shared by all builds of a run.
    """

    def __init__(
        self, name: str, scenario: Scenario, *, scenario_dir: Path, folder: Path, run_id: str, recorder: Recorder
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        note_owner(folder)
        self.name = name
        self.corpus = ""
        self._gate: Gate = scenario.gate
        self._load_spec = scenario.load
        self._folder = folder
        self._run_id = run_id
        self._recorder = recorder
        self._journal = Journal(folder / JOURNAL_FILE)
        self._private = Path(tempfile.gettempdir()) / f"{NAME_PREFIX}{run_id}-agent"
        # Nothing is in flight when a gate stops its target: a long farewell would only make everybody wait.
        stop_s = min(scenario.target.stop_timeout, _STOP_TIMEOUT_S)
        self._target = _make_target(
            scenario.target.model_copy(update={"stop_timeout": stop_s}),
            scenario_dir=scenario_dir,
            run_dir=folder,
            run_id=run_id,
            recorder=recorder,
            journal=self._journal,
            token=secrets.token_urlsafe(16),
        )
        self._agent: AgentClient | None = None
        self._load: LocustLoad | None = None
        self._began_s = 0.0
        self._round = 0
        self._pass_requests = 0
        self._rested_s = 0.0
        self._last_rest_s = 0.0
        self._asking_s = 0.0
        self._count_all = False

    def _bring_agent(self) -> AgentClient | None:
        """Who asks the service's Pythons; None where there is to be none, or cannot be one, which is noted."""
        if self._gate.agent == "off":
            return None
        entry = self._journal.plan("folder", path=str(self._private))
        try:
            client = self._target.bring_agent(self._private)
        except EnvironmentProblem as e:
            self._note_absence(str(e))
            return None
        self._journal.done(entry)
        return client

    def _note_absence(self, why: str) -> None:
        notice = f"{why}; memory is read from outside only, so the gate's resolution is lower"
        self._recorder.sample("drill", "notice", notice, build=self.name)

    def up(self) -> None:
        """Start the service and look for its agent; what cannot be had is noted.

        Raises:
            LeakdrillError: when it does not come up.
        """
        client = self._bring_agent()
        self._target.start()
        if not self._target.pids():
            raise EnvironmentProblem(
                f"target '{self._target.name}' runs where its processes cannot be seen, and the gate reads their pages",
                hint="expected a process, or an engine on this machine; leakdrill may run on the engine's machine too",
            )
        for notice in self._target.notices():
            self._recorder.sample("drill", "notice", notice, build=self.name)
        self._tree, self._smaps = ProcessTreeMeter(self._target.pids), SmapsMeter(self._target.pids)
        if client is not None:
            self._meet(client)

    def _meet(self, client: AgentClient) -> None:
        why = client.available()
        if why is None:
            self._agent = client
            told = client.ping()[0]
            labels = {
                "build": self.name,
                "python": str(told["python"]),
                "allocator": f"{told['allocator']} on {told['malloc']}",
            }
            self._recorder.sample("gate", "agent", 1.0, at=None, **labels)
        else:
            self._note_absence(why)

    def start_load(self, corpus: str) -> None:
        """Start the load with `corpus` (`open` or `closed`); a closed one is recorded first.

        Raises:
            LeakdrillError: when the load does not reach the service.
        """
        spec = self._load_spec.model_copy(update={"rate": self._gate.rate or AS_FAST_AS_IT_ANSWERS})
        if corpus == "closed":
            replay = replay_spec(spec, self._record_corpus())
            spec, self._pass_requests = replay.load, replay.pass_requests
        self.corpus = corpus
        self._load = self._locust(spec)
        self._load.start()
        self._load.wait_first_request(_FIRST_REQUEST_TIMEOUT_S, any_status=True)
        self._began_s = self._recorder.now_s()

    def _record_corpus(self) -> Path:
        path = self._folder / "corpus.jsonl"
        recording = self._locust(self._load_spec, record_corpus=path)
        recording.start()
        try:
            recording.wait_first_request(_FIRST_REQUEST_TIMEOUT_S, any_status=True)
            deadline = time.monotonic() + _RECORDING_TIMEOUT_S
            while recording.completed() < CORPUS_REQUESTS and time.monotonic() < deadline and recording.alive():
                time.sleep(0.1)
        finally:
            recording.stop()
        return path

    def _locust(self, spec: Load, *, record_corpus: Path | None = None) -> LocustLoad:
        if spec.workers != 1:
            raise BadInput("load.workers: the gate pauses its load between slots; expected 1 worker")
        return LocustLoad(
            spec,
            host=self._target.base_url,
            run_dir=self._folder,
            run_id=self._run_id,
            recorder=self._recorder,
            journal=self._journal,
            max_run_s=_MOST_RUN_S,
            record_corpus=record_corpus,
        )

    def slot(self, *, gentle: bool = False) -> None:
        """Load for one slot: its time with an open corpus, the whole passes nearest to that with a closed one.

        A `gentle` one has `GENTLE_REQUESTS` at most, or one pass.
        """
        if self._load is None:
            return
        length_s = slot_length_s(self._gate.slot, self._last_rest_s)
        if self._pass_requests and self.corpus == "closed":
            self._load.resume(self._passes(length_s, gentle=gentle) * self._pass_requests)
            self._load.wait_drained(_SLOT_TIMEOUT_S)
        elif gentle:
            for _ in range(_PORTIONS):
                self.let_through(length_s / _PORTIONS, GENTLE_REQUESTS // _PORTIONS)
        else:
            self._load.resume()
            time.sleep(length_s)

    def let_through(self, seconds: float, requests: int) -> None:
        """Load for so long, with so many requests at most."""
        if self._load is not None:
            self._load.resume(requests)
        time.sleep(seconds)

    def _passes(self, length_s: float, *, gentle: bool) -> int:
        if gentle or self._load is None:
            return max(1, GENTLE_REQUESTS // self._pass_requests)
        rate = self._load.completed() / max(self._recorder.now_s() - self._began_s - self._rested_s, 1e-3)
        return max(1, round(rate * length_s / self._pass_requests))

    def rest(self) -> None:
        """Pause the load and wait until no request is under way."""
        if self._load is not None:
            self._load.pause()
            self._load.wait_drained(_DRAIN_TIMEOUT_S)

    def anonymous_bytes(self) -> float | None:
        """What the service holds now, under load; None when it is down."""
        reading = self._smaps.read()
        return reading["anon_bytes"] if reading else None

    def quiet_point(self) -> None:
        """Rest, collect and trim where an agent can be asked, and record what is left as one slot."""
        began = self._recorder.now_s()
        self.rest()
        under_load = self._tree.read() or {}
        counted = self._ask_agent()
        time.sleep(_REST_S)
        tree, smaps = self._tree.read(), self._smaps.read()
        if tree is None or smaps is None or self._load is None:
            self._recorder.sample(
                "gate", "slot", None, build=self.name, corpus=self.corpus, error="the service is down"
            )
            return
        now_s = self._recorder.now_s()
        self._last_rest_s = now_s - began
        self._rested_s += self._last_rest_s
        self._recorder.sample(
            "gate",
            "slot",
            {
                "round": float(self._round),
                "load_s": round(now_s - self._began_s, 4),
                "rest_s": round(now_s - began, 4),
                "requests": float(self._load.completed()),
                "rss_before_bytes": under_load.get("rss_bytes", tree["rss_bytes"]),
                "rss_after_bytes": tree["rss_bytes"],
                "threads": tree["threads"],
                "fds": tree["fds"],
                "processes": tree["processes"],
                **{name: smaps[name] for name in ("pss_bytes", "uss_bytes", "anon_bytes")},
                **counted,
            },
            build=self.name,
            corpus=self.corpus,
        )
        names = self._load.completed_by_name()
        self._recorder.sample("gate", "requests_by_name", dict(names), build=self.name, corpus=self.corpus)
        self._round += 1

    def _ask_agent(self) -> dict[str, float]:
        if self._agent is None:
            return {}
        began = time.monotonic()
        try:
            reading = self._agent.quiet() if self._asking_s < _SLOW_S else self._quick_reading(self._agent)
        except EnvironmentProblem as e:
            self._recorder.sample("gate", "agent", None, build=self.name, error=str(e))
            return {}
        if reading.silent:
            self._recorder.sample("gate", "agent", None, build=self.name, error="; ".join(reading.silent))
        self._asking_s = max(self._asking_s, time.monotonic() - began)
        return {name: value for name, value in reading.as_values().items() if name != "threads"}

    @staticmethod
    def _quick_reading(agent: AgentClient) -> AgentReading:
        """One collection instead of two, and no list of all objects: for heaps of millions."""
        agent.collect(1)
        agent.trim()
        return agent.reading(objects=False)

    def note_types(self, moment: str) -> None:
        """Record how many objects of each type there are, `before` the slots and `after` them."""
        if self._agent is None or self._load is None:
            return
        try:
            if moment == "before":  # both counts must be of the same kind, and a large heap takes long to walk
                self._count_all = (self._agent.reading(objects=False).blocks or 0) < _MOST_BLOCKS
            counts = self._agent.types(untracked=self._count_all).counts
        except EnvironmentProblem:
            return
        requests = {"requests": float(self._load.completed())}
        labels = {"build": self.name, "corpus": self.corpus, "moment": moment}
        numbers = {name: float(count) for name, count in counts.items()}
        self._recorder.sample("gate", "types", {**numbers, **requests}, at=None, **labels)

    def note_sites(self) -> None:
        """One more slot, with tracemalloc on, and where the memory came from that it left behind.

        Run after the slots that are judged, because tracing takes memory of its own.
        """
        if self._agent is None or self._load is None:
            return
        try:
            self._agent.tracemalloc_start(_FRAMES)
            self._agent.tracemalloc_mark()
            self.slot(gentle=True)
            self.rest()
            sites = self._agent.tracemalloc_diff(_SITES)
            self._agent.tracemalloc_stop()
        except EnvironmentProblem as e:
            self._recorder.sample("gate", "site", None, build=self.name, corpus=self.corpus, error=str(e))
            return
        for site in sites:
            labels = {"build": self.name, "corpus": self.corpus, "site": " < ".join(reversed(site.frames))}
            value = {"size_bytes": float(site.size_diff_bytes), "count": float(site.count_diff)}
            self._recorder.sample("gate", "site", value, at=None, **labels)

    def alive(self) -> bool:
        """Whether the service and its load still run."""
        return bool(self._target.pids()) and self._load is not None and self._load.alive()

    def stop_load(self) -> None:
        """End the load; the service goes on."""
        if self._load is not None:
            self._load.stop()
            self._load = None

    def down(self) -> list[str]:
        """End everything and undo it; returns why, for each thing that would not go."""
        self.stop_load()
        self._target.stop()
        reasons = undo_all(self._journal)
        self._journal.close()
        shutil.rmtree(self._private, ignore_errors=True)
        return reasons


def _make_target(spec: ProcessTarget, **run: Any) -> AgentHost:
    """The target, whose pages and agent the gate can reach."""
    kind = kind_of(spec)
    if not kind.has(AgentHost):
        raise BadInput(
            f"target: the gate cannot read the pages of a {kind.name} target; expected {kinds_with(AgentHost)}"
        )
    return capability(kind.single()(spec, **run), AgentHost, step="gate")
