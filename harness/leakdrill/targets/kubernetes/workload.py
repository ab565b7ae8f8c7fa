"""A Deployment under drill: made, changed, followed until a change has arrived in every pod, and put back."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from leakdrill.errors import TargetNotReady
from leakdrill.targets.kubernetes.deployment import GPUS
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from leakdrill.targets.kubernetes.api import Cluster
    from leakdrill.targets.kubernetes.logs import PodLogs
    from leakdrill.targets.kubernetes.pod import Pod
    from leakdrill.targets.kubernetes.pod_watcher import PodWatcher

    BeforeChange = Callable[[str, Mapping[str, Any], Mapping[str, Any], bool], None]

_RESTARTED_AT: Final = "kubectl.kubernetes.io/restartedAt"
_POLL_S: Final = 0.1


class Workload:
    """The Deployment `name` in `namespace`.

    Args:
        cluster: where it is.
        namespace: likewise.
        name: likewise.
        marks: annotations that it gets with the first change, so that others see whose change that was.
        before_change: called before each change, for the journal: with its path, its object, what that will be, and
            whether its replicas will be others' choice from then on. None where the workload is the run's own.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        namespace: str,
        name: str,
        marks: Mapping[str, str] | None = None,
        before_change: BeforeChange | None = None,
    ) -> None:
        self.name = name
        self.path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
        self._cluster = cluster
        self._marks = dict(marks or {})
        self._before_change = before_change

    def __str__(self) -> str:
        return f"deployment {self.name}"

    def get(self) -> dict[str, Any]:
        """The object as it is now. Raises as `Cluster.get` does."""
        return self._cluster.get(self.path)

    def selector(self) -> str:
        """Which pods are its own."""
        labels: Mapping[str, str] = self.get()["spec"]["selector"].get("matchLabels") or {}
        return ",".join(f"{name}={value}" for name, value in labels.items())

    def restart(self) -> None:
        """Have every pod replaced, as `kubectl rollout restart` does."""
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        self._change({"template": {"metadata": {"annotations": {_RESTARTED_AT: now}}}})

    def set_container(self, container: str, changes: Mapping[str, Any]) -> None:
        """Change fields of `container`; every pod is replaced."""
        self._change({"template": {"spec": {"containers": [{"name": container, **changes}]}}})

    def scale(self, replicas: int) -> None:
        """Have so many pods."""
        self._change({"replicas": replicas})

    def announce(self) -> None:
        """Say how it is now, before somebody else is told to change the number of its pods."""
        if self._before_change:
            self._change({}, elastic=True)

    def _change(self, spec: Mapping[str, Any], *, elastic: bool = False) -> None:
        body = {"metadata": {"annotations": self._marks}, "spec": spec}
        if self._before_change:
            found = self.get()
            self._before_change(self.path, found, self._cluster.patch(self.path, body, dry_run=True), elastic)
        self._cluster.patch(self.path, body)


def state_of(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What of a Deployment a drill may change: the number of its pods and their template."""
    return {"replicas": manifest["spec"].get("replicas", 1), "template": manifest["spec"]["template"]}


def rolled_out(manifest: Mapping[str, Any]) -> bool:
    """Whether every pod of a Deployment is as its newest template wants it, and available."""
    spec, status = manifest["spec"], manifest.get("status") or {}
    wanted = int(spec.get("replicas", 1))
    return (
        int(status.get("observedGeneration", 0)) >= int(manifest["metadata"].get("generation", 0))
        and int(status.get("updatedReplicas", 0)) == wanted
        and int(status.get("replicas", 0)) == wanted
        and int(status.get("availableReplicas", 0)) >= wanted
    )


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
        start = time.monotonic()
        while True:
            manifest = self._workload.get()
            pods = self._watcher.look()
            if rolled_out(manifest):
                return
            waited_s = time.monotonic() - start
            hopeless = [pod for pod in pods if pod.hopeless and not pod.leaving]
            if hopeless or waited_s > self._timeout_s:
                raise self._not_ready(manifest, pods, waited_s)
            time.sleep(_POLL_S)

    def _not_ready(self, manifest: Mapping[str, Any], pods: tuple[Pod, ...], waited_s: float) -> TargetNotReady:
        wanted = int(manifest["spec"].get("replicas", 1))
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
            hint=_hint(troubled),
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
