"""The workload of a target once it is in its cluster: followed, changed, and waited for until a change has arrived."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from leakdrill.errors import EnvironmentProblem
from leakdrill.record.events import TargetReady, TargetRestart
from leakdrill.targets.base.readiness import Readiness
from leakdrill.targets.kubernetes.follower import WorkloadFollower

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from leakdrill.machine.http_access import Access
    from leakdrill.record.recorder import Recorder
    from leakdrill.scenario.target import ProcessTarget
    from leakdrill.targets.kubernetes.api import Cluster
    from leakdrill.targets.kubernetes.placement import Placement
    from leakdrill.targets.kubernetes.pod import Pod


class DeployedWorkload:
    """What the placement of `spec` made or found, which all parts of a target change and read.

    Args:
        cluster: where it runs.
        spec: its name and how its readiness is asked for.
        place: its namespace, its disk and what its placeholders mean.
        ports: of this machine, and of the pods.
        base_url: where it answers on this machine.
        access: how requests to it are made.
        recorder: gets changes, and what nobody asked for.
        log: gets what the pods write.
        first_pid: its first process on this machine, for the record.
    """

    def __init__(  # noqa: PLR0913 - each is named where it is made
        self,
        cluster: Cluster,
        spec: ProcessTarget,
        *,
        place: Placement,
        ports: tuple[int, int],
        base_url: str,
        access: Access,
        recorder: Recorder,
        log: Path,
        first_pid: Callable[[], int | None],
    ) -> None:
        self.cluster = cluster
        self.place = place
        self.recorder = recorder
        self.name = spec.name
        self.ready = spec.ready
        self.access = access
        self._ports = ports
        self.base_url = base_url
        self._log = log
        self._first_pid = first_pid
        self._follower: WorkloadFollower | None = None

    @property
    def follower(self) -> WorkloadFollower:
        """What follows it. Raises EnvironmentProblem before `follow`."""
        if self._follower is None:
            raise EnvironmentProblem(f"target '{self.name}' is in no cluster yet; expected it to be started")
        return self._follower

    @property
    def pods(self) -> tuple[Pod, ...]:
        """Its pods as they were a moment ago; none before `follow`."""
        return self._follower.watcher.pods if self._follower else ()

    @property
    def lost(self) -> str | None:
        """Why nothing can be known of it any more; None while it can."""
        return self._follower.watcher.lost if self._follower else None

    def follow(self) -> None:
        """Make it or find it, and follow it from now on. Raises as `Placement.make` and `WorkloadFollower.start` do."""
        workload = self.place.make()
        self._follower = WorkloadFollower(
            self.cluster,
            workload,
            namespace=self.place.namespace,
            container=self.place.container(workload),
            ports=self._ports,
            recorder=self.recorder,
            log=self._log,
        )
        self._follower.start()

    def unfollow(self) -> None:
        """End following; may be called again, or before `follow`."""
        if self._follower:
            self._follower.stop()

    def roll_out(self) -> None:
        """Return when every pod is as the workload wants it; raises as `Rollout.wait` does."""
        self.follower.wait_until_rolled_out(subject=f"target '{self.name}'", timeout_s=self.ready.timeout)

    def wait_until_ready(self) -> None:
        """Return when every pod is ready and one of them answers from here, and record how long that took.

        Raises:
            TargetNotReady: when it does not come to that in time.
        """
        start = time.monotonic()
        with self.follower.expecting_changes():
            self.roll_out()
        Readiness(
            subject=f"target '{self.name}' ({self.follower.workload})",
            url=self.base_url + self.ready.path,
            timeout_s=self.ready.timeout,
            exit_status=lambda: None,
            log=self._log,
            access=self.access,
        ).wait()
        took_s = time.monotonic() - start
        self.recorder.record(TargetReady(process=float(self._first_pid() or 0), took_s=round(took_s, 3)))

    def restart(self) -> None:
        """Have every pod replaced by a new one; raises as `wait_until_ready` does."""
        with self.recorder.act(TargetRestart()):
            self.follower.workload.restart()
            self.wait_until_ready()

    def change_container(self, changes: Mapping[str, object]) -> None:
        """Roll out `changes` of the service's container; raises as `wait_until_ready` does."""
        with self.recorder.act(TargetRestart()):
            self.follower.workload.set_container(self.follower.container, changes)
            self.wait_until_ready()
