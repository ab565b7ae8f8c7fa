"""The settings of a workload that a step may change: the environment and the limits of its container."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.targets.base.placeholders import fill
from leakdrill.targets.base.recorded import given_limits
from leakdrill.targets.kubernetes.deployment import env_list, resources

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from leakdrill.targets.kubernetes.deployed import DeployedWorkload


class PodSettings:
    """The environment and the limits of the pods of `deployed`.

    Args:
        deployed: the workload.
        note_limits: called with the limits that hold from now on.
    """

    def __init__(self, deployed: DeployedWorkload, *, note_limits: Callable[[Mapping[str, float]], None]) -> None:
        self._deployed = deployed
        self._note_limits = note_limits

    def set_env(self, variables: Mapping[str, str]) -> None:
        """Roll out `variables`, added to its environment.

        Raises:
            BadInput: for a placeholder that is not there; it goes on running as it was.
            EnvironmentProblem: when the API server refuses.
            TargetNotReady: when the new pods do not come up.
        """
        values = self._deployed.place.values()
        added = {name: fill(text, values, place=f"target.env.{name}") for name, text in variables.items()}
        self._deployed.change_container({"env": env_list(added)})

    def set_limits(self, *, memory_bytes: int | None, cpus: float | None) -> Sequence[str]:
        """Roll out other limits, and requests that go with them: every pod is replaced.

        Raises:
            EnvironmentProblem: when the API server refuses.
            TargetNotReady: when the new pods do not come up, such as for a limit that no node can give.
        """
        self._deployed.change_container({"resources": resources(memory_bytes=memory_bytes, cpus=cpus)})
        self._note_limits(given_limits(memory_bytes, cpus))
        return ()
