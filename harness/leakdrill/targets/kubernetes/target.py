"""A Kubernetes workload as the target: in a namespace of the run's own, or in staging where the scenario names it.

What the cluster does is left to the cluster: it schedules, limits, kills and restarts. The target asks for changes,
waits until they have arrived in every pod, and records everything that nobody asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from leakdrill.errors import BadInput
from leakdrill.targets.kubernetes.cluster_target import ClusterTarget
from leakdrill.targets.kubernetes.processes import PodProcesses
from leakdrill.targets.kubernetes.scaling import PodScaling
from leakdrill.targets.kubernetes.settings import PodSettings
from leakdrill.targets.kubernetes.shell import PodShell
from leakdrill.targets.kubernetes.step_check import impossible_steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakdrill.scenario.steps import Step
    from leakdrill.scenario.target import ProcessTarget


class KubernetesTarget(ClusterTarget):
    """A workload that a drill changes. What steps change and read of it are its parts.

    The arguments are those of every target.

    Attributes:
        restarting_steps: actions after which its pods are new ones, and have forgotten which leaks were on.
        scaling: how many pods it has.
        settings: its environment and its limits.

    Raises:
        BadInput: when `spec` has no form for a cluster, or names a context or a manifest that is not there.
        EnvironmentProblem: when no API server answers.
    """

    part_types: ClassVar[Sequence[type]] = (PodScaling, PodSettings, PodShell, PodProcesses)
    restarting_steps: Final = frozenset({"set_limits", "scale", "autoscale", "delete_pod"})

    def __init__(self, spec: ProcessTarget, **run: Any) -> None:
        super().__init__(spec, **run)
        self.scaling = PodScaling(self._deployed, readings=self._readings)
        self.settings = PodSettings(self._deployed, note_limits=self._now_limited)

    @property
    def parts(self) -> Sequence[object]:
        """What steps change and read of it."""
        return (self.scaling, self.settings, self.shell, self.inside)

    def restart(self) -> None:
        """Have every pod replaced by a new one: same address, same limits.

        Raises:
            EnvironmentProblem: when the API server refuses.
            TargetNotReady: when the new pods do not come up.
        """
        self._deployed.restart()

    def check_steps(self, steps: Sequence[Step]) -> None:
        """Refuse steps that the workload, as it is now, cannot do.

        Raises:
            BadInput: names each such step, and why.
            EnvironmentProblem: when the API server does not answer.
        """
        (kind, name), manifest = self._place.workload, self._place.manifest()
        wrong = [
            f"steps[{index}].{action}: {kind.name} {name}: {why}"
            for index, action, why in impossible_steps(steps, kind, manifest, existing=self._place.existing)
        ]
        if wrong:
            raise BadInput("\n".join(wrong))
