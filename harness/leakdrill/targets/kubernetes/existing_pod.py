"""A pod that runs already as the target: found by its own name, watched and loaded, and left as it was.

Whatever put it there may put another in its place, which is another service to a drill: then nothing more is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from leakdrill.record.events import TargetLeave
from leakdrill.targets.base.recorded import PART
from leakdrill.targets.kubernetes.cluster_target import ClusterTarget
from leakdrill.targets.kubernetes.pod_leaks import PodLeaks
from leakdrill.targets.kubernetes.processes import PodProcesses
from leakdrill.targets.kubernetes.shell import PodShell

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from leakdrill.scenario.target import ProcessTarget


class ExistingPod(ClusterTarget):
    """The pod that `kubernetes.existing.pod` names; the arguments are those of every target.

    Attributes:
        leaks: those that the drill has switched on in it.

    Raises:
        BadInput: when there is no such pod, or no such container in it.
        EnvironmentProblem: when no API server answers.
    """

    part_types: ClassVar[Sequence[type]] = (PodShell, PodProcesses, PodLeaks)

    def __init__(self, spec: ProcessTarget, **run: Any) -> None:
        super().__init__(spec, **run)
        self._left = False
        self.leaks = PodLeaks(
            self._cluster,
            spec.http,
            access=self.access,
            folder=self._scenario_dir,
            journal=self._journal,
            part=PART,
            identity=self._identity,
        )

    @property
    def parts(self) -> Sequence[object]:
        """What steps read of it, and the leaks that the drill has switched on."""
        return (self.shell, self.inside, self.leaks)

    def stop(self) -> None:
        """Switch off what leaks, and leave it; does nothing when that is done."""
        if self._left:
            return
        self._left = True
        with self._recorder.act(TargetLeave()) as note:
            reasons = self.leaks.end()
            if reasons:
                note.value, note.unknown = "; ".join(reasons), True
        self._log_keeper.stop()
        self._leave()

    def _identity(self) -> Mapping[str, Any]:
        follower = self._deployed.follower
        (pod,) = follower.watcher.look()
        path = follower.workload.path
        return {
            "path": path,
            "uid": pod.uid,
            "container": follower.container,
            "container_id": pod.container_id,
            "port": self.form.port,
        }
