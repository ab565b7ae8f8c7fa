"""Waits until a change of a workload has arrived in its pods, and says what keeps it from that."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from leakdrill.errors import TargetNotReady
from leakdrill.targets.kubernetes.deployment import GPUS
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leakdrill.targets.kubernetes.logs import PodLogs
    from leakdrill.targets.kubernetes.pod import Pod
    from leakdrill.targets.kubernetes.pod_watcher import PodWatcher
    from leakdrill.targets.kubernetes.workload import Workload

_POLL_S: Final = 0.1
_GOES_WITHIN_S: Final = 120.0
"""Of one pod: the 30 s that it is given by default, and what a kubelet takes to clear up, which may be a minute."""
_NO_NODE: Final = "no node takes its pods: look at its nodeSelector and its tolerations"


class Rollout:
    """Waits until a change of `workload` has arrived.

    Args:
        workload: what was changed.
        watcher: sees its pods.
        logs: knows their last words.
        subject: whom a message is about, such as `target 'gateway'`.
        timeout_s: for how long it waits.
    """

    def __init__(
        self, workload: Workload, watcher: PodWatcher, logs: PodLogs, *, subject: str, timeout_s: float
    ) -> None:
        self._workload = workload
        self._watcher = watcher
        self._logs = logs
        self._subject = subject
        self._timeout_s = timeout_s

    def wait(self) -> None:
        """Return when every pod is new and ready; old ones may still be on their way out, and serve nobody.

        Raises:
            TargetNotReady: when it did not come to that in time, or cannot; says what keeps the pods from it.
            ClusterGone: when the API server does not answer.
        """
        start, last, going_s = time.monotonic(), time.monotonic(), 0.0
        while True:
            manifest = self._workload.get()
            pods = self._watcher.look()
            # The counts of a workload lag behind its pods: one that was deleted a moment ago is in them still.
            serving = sum(pod.ready for pod in pods) >= self._workload.kind.wanted_pods(manifest)
            if serving and self._workload.kind.rolled_out(manifest):
                return
            now = time.monotonic()
            if self._workload.kind.one_by_one and any(pod.leaving for pod in pods):
                going_s += now - last
            last = now
            hopeless = [pod for pod in pods if pod.hopeless and not pod.leaving]
            if hopeless or now - start > self._timeout_s + min(going_s, self._longest_s(manifest)):
                raise self._not_ready(manifest, pods, now - start)
            time.sleep(_POLL_S)

    def _longest_s(self, manifest: Mapping[str, Any]) -> float:
        """For how long pods may be on their way out in all: their successors are not made before they are gone."""
        return _GOES_WITHIN_S * max(self._workload.kind.wanted_pods(manifest), 1)

    def _not_ready(self, manifest: Mapping[str, Any], pods: tuple[Pod, ...], waited_s: float) -> TargetNotReady:
        wanted = self._workload.kind.wanted_pods(manifest)
        troubled = [pod for pod in pods if pod.trouble and not pod.leaving]
        why = "; ".join(f"pod {pod.name} {_state_of(pod)}" for pod in troubled[:2])
        ended = [pod for pod in pods if pod.end and not pod.leaving]
        if not why:
            why = "; ".join(f"pod {pod.name}: its container ended last: {pod.end}" for pod in ended[:2])
        ready = sum(pod.ready for pod in pods)
        log_lines = [line for pod in (troubled or ended or list(pods))[:1] for line in self._logs.last_lines(pod)]
        return TargetNotReady(
            f"{self._subject} ({self._workload}) was not ready after {show_duration(waited_s)}: "
            f"{ready} of {wanted} pods are ready{'; ' + why if why else ''}"
            + (f".\nLast log lines:{''.join(f'{chr(10)}  {line}' for line in log_lines)}" if log_lines else "."),
            hint=_hint(troubled) if wanted or self._workload.kind.scalable else _NO_NODE,
        )


def _state_of(pod: Pod) -> str:
    trouble = pod.trouble or ""
    return trouble if trouble.startswith("cannot") else f"is in {trouble}"


def _hint(troubled: list[Pod]) -> str:
    troubles = " ".join(pod.trouble or "" for pod in troubled)
    if GPUS in troubles:
        return (
            "a node with a free card and NVIDIA's device plugin is needed; target.gpu: {required: false} asks for none"
        )
    if "cannot be scheduled" in troubles:
        return "lower target.limits or target.kubernetes.requests, or give the cluster a larger node"
    if "Image" in troubles:
        return "the image must be on the node, or in a registry it reaches: see `leakdrill docs kubernetes`, Images"
    return "if it only starts slowly, raise target.ready.timeout"
