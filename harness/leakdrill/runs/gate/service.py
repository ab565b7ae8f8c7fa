"""The service of one build: started for the gate, and its memory as it is seen from outside."""

from __future__ import annotations

import secrets
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from leakdrill.errors import BadInput, EnvironmentProblem
from leakdrill.judging.evidence.service_count import service_count
from leakdrill.meters.cgroup import CgroupMeter
from leakdrill.meters.cgroup_after_restart import CgroupAfterRestart
from leakdrill.meters.files_in_memory import FilesInMemory
from leakdrill.meters.process import ProcessTreeMeter, SmapsMeter
from leakdrill.meters.service import ServiceMeter
from leakdrill.record.events import Notice
from leakdrill.targets.docker.existing import ExistingContainer
from leakdrill.targets.docker.target import DockerTarget
from leakdrill.targets.process.target import LocalProcess

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leakdrill.agent.client import AgentClient
    from leakdrill.record.journal import Journal
    from leakdrill.record.recorder import Recorder
    from leakdrill.scenario.scenario import Scenario
    from leakdrill.scenario.target import ProcessTarget

_STOP_TIMEOUT_S: Final = 2.0


class BuildService:
    """A target whose pages the gate can read.

    Args:
        build: `candidate` or `baseline`.
        scenario: what runs.
        scenario_dir: folder of its file.
        folder: gets its log.
        run_id: marks its processes; unique to the build.
        recorder: shared by all builds of a run.
        journal: of this build alone.

    Raises:
        BadInput: for a target whose pages cannot be read.
    """

    def __init__(
        self,
        build: str,
        scenario: Scenario,
        *,
        scenario_dir: Path,
        folder: Path,
        run_id: str,
        recorder: Recorder,
        journal: Journal,
    ) -> None:
        self._build = build
        self._metrics_path = scenario.target.metrics or "/metrics"
        self._recorder = recorder
        self._journal = journal
        self._agent_folder = Path(tempfile.gettempdir()).resolve() / journal.header.own_name(f"{run_id}-agent")
        # Nothing is in flight when a gate stops its target: a long stop would only make everybody wait.
        stop_s = min(scenario.target.stop_timeout, _STOP_TIMEOUT_S)
        self._target = _target_type(scenario.target)(
            scenario.target.model_copy(update={"stop_timeout": stop_s}),
            scenario_dir=scenario_dir,
            run_dir=folder,
            run_id=run_id,
            recorder=recorder,
            journal=journal,
            token=secrets.token_urlsafe(16),
        )
        self._tree, self._smaps = ProcessTreeMeter(self._target.pids), SmapsMeter(self._target.pids)
        self._group, self._files = CgroupAfterRestart(self._group_meter), FilesInMemory()

    @property
    def url(self) -> str:
        """The address at which it answers, once it is up."""
        return self._target.base_url

    def bring_agent(self) -> AgentClient:
        """Put the agent where the service's Pythons will find it when they start.

        Raises:
            EnvironmentProblem: when it cannot be brought there.
        """
        entry = self._journal.plan("folder", path=str(self._agent_folder))
        client = self._target.bring_agent(self._agent_folder)
        self._journal.done(entry)
        return client

    def start(self) -> None:
        """Start it and wait until it is ready.

        Raises:
            LeakdrillError: when it does not come up, or runs where its processes cannot be seen.
        """
        self._target.start()
        if not self._target.pids():
            raise EnvironmentProblem(
                f"target '{self._target.name}' runs where its processes cannot be seen, and the gate reads their pages",
                hint="expected a process, or an engine on this machine; leakdrill may run on the engine's machine too",
            )
        for notice in self._target.notices():
            self._recorder.record(Notice(notice, build=self._build))

    def stop(self) -> None:
        """End it."""
        self._group.close()
        self._target.stop()

    def alive(self) -> bool:
        """Whether it has processes."""
        return bool(self._target.pids())

    def request_count(self) -> float | None:
        """Returns the requests that it says it has answered; None where its metrics do not say, or it is down."""
        meter = ServiceMeter(self._target.base_url + self._metrics_path, access=self._target.access)
        try:
            return service_count(meter.read() or {})
        except OSError:
            return None
        finally:
            meter.close()

    def members(self) -> str:
        """Returns its processes, each by its number and the moment of its start; empty when it is down.

        A worker that was replaced has given back whatever it leaked, and nothing of what is read says so.
        """
        return ",".join(_named(pid) for pid in sorted(self._target.pids()))

    def tree(self) -> Mapping[str, float] | None:
        """Returns the sums over its processes; None when it is down."""
        return self._tree.read()

    def smaps(self) -> Mapping[str, float] | None:
        """Returns its memory with shared pages divided; None when it is down."""
        return self._smaps.read()

    def shmem_bytes(self) -> float | None:
        """Returns the files in memory that it keeps, open, mapped or left behind, and what of it is swapped out.

        Without a control group, those that its processes hold open.
        """
        if self._target.cgroup is None:
            return float(sum(self._files.opened(self._target.pids()).values()))
        group = self._group.read() or {}
        known = {"memory_bytes", "anon_bytes"} <= group.keys()
        return max(group["memory_bytes"] - group["anon_bytes"], 0.0) if known else None

    def _group_meter(self) -> CgroupMeter | None:
        return CgroupMeter(self._target.cgroup) if self._target.cgroup else None


def _named(pid: int) -> str:
    try:
        return f"{pid}@{psutil.Process(pid).create_time():.2f}"
    except psutil.Error:
        return f"{pid}@gone"


def _target_type(spec: ProcessTarget) -> type[LocalProcess | DockerTarget | ExistingContainer]:
    """The type of a target whose pages and agent the gate can reach."""
    if spec.kind == "docker" and spec.container is not None and spec.container.existing is not None:
        return ExistingContainer
    kinds: dict[str, type[LocalProcess | DockerTarget]] = {"process": LocalProcess, "docker": DockerTarget}
    if spec.kind not in kinds:
        raise BadInput(f"target: the gate needs a process or docker target, whose pages it can read; found {spec.kind}")
    return kinds[spec.kind]
