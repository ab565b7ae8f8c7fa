"""What kube-state-metrics says of a container: its limits and requests, that it runs, how it ended, its restarts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from leakdrill.alerting.container_series import counter, gauge
from leakdrill.record.events import TargetExited, TargetReady, TargetRestart, TargetStart

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prometheus_client.core import Metric

    from leakdrill.alerting.family_labels import MoreLabels
    from leakdrill.record.history import Event

_REASONS: Final = ("Evicted", "NodeAffinity", "NodeLost", "Shutdown", "UnexpectedAdmissionError")
_PHASES: Final = ("Pending", "Running", "Succeeded", "Failed", "Unknown")


def declared_series(labels: Mapping[str, str], *, limit_bytes: float | None, cpus: float | None) -> Iterator[Metric]:
    """The declared limits, and the requests, which Kubernetes sets to the limits where nobody says otherwise.

    Args:
        labels: of the container.
        limit_bytes: of memory; None where there is none.
        cpus: in cores; None where there is none.
    """
    limits = {("memory", "byte"): limit_bytes, ("cpu", "core"): cpus}
    for kind in ("limits", "requests"):
        for (resource, unit), limit in limits.items():
            if limit is not None:
                told = {**labels, "resource": resource, "unit": unit}
                yield gauge(f"kube_pod_container_resource_{kind}", "What was declared.", limit, told)


def capacity_series(more: MoreLabels, *, limit_bytes: float | None, cpus: float | None) -> Iterator[Metric]:
    """The machine that is as large as the declared limits, as the kubelet and kube-state-metrics have it.

    Args:
        more: of the families.
        limit_bytes: of memory; None where there is none.
        cpus: in cores; None where there is none.
    """
    limits = {("memory", "byte"): limit_bytes, ("cpu", "core"): cpus}
    node = {key: value for key, value in (more.declared or {}).items() if key not in ("namespace", "pod", "container")}
    for kind in ("capacity", "allocatable"):
        for (resource, unit), limit in limits.items():
            if limit is not None:
                told = {**node, "resource": resource, "unit": unit}
                yield gauge(f"kube_node_status_{kind}", "What a machine as large as the limits has.", limit, told)
    for name, limit in (("machine_memory_bytes", limit_bytes), ("machine_cpu_cores", cpus)):
        if limit is not None:
            whole = float(math.ceil(limit))
            yield gauge(name, "What a machine as large as the limits has.", whole, more.of_node or {})


def running_series(labels: Mapping[str, str], *, started_at: float, ready: bool | None) -> Iterator[Metric]:
    """The series of a pod whose container was just read, so that it runs.

    Args:
        labels: of the container, with its pod.
        started_at: in Unix time.
        ready: whether it has answered since it was started; None where nobody asked.
    """
    pod = {key: value for key, value in labels.items() if key != "container"}
    yield gauge("kube_pod_info", "A pod.", 1.0, pod)
    own = {key: value for key, value in pod.items() if key != "node"}
    for phase in _PHASES:
        running = float(phase == "Running")
        yield gauge("kube_pod_status_phase", "The phase of a pod.", running, {**own, "phase": phase})
    of_container = {key: value for key, value in labels.items() if key != "node"}
    yield gauge("kube_pod_container_status_running", "Whether it runs.", 1.0, of_container)
    for other in ("waiting", "terminated"):
        yield gauge(f"kube_pod_container_status_{other}", f"Whether it is {other}.", 0.0, of_container)
    yield gauge("kube_pod_start_time", "When it was started, in Unix time.", started_at, own)
    yield gauge("kube_pod_owner", "Who keeps it.", 1.0, {**own, **_owner(own)})
    for reason in _REASONS:
        yield gauge("kube_pod_status_reason", "Why it was stopped.", 0.0, {**own, "reason": reason})
    if ready is not None:
        yield gauge("kube_pod_container_status_ready", "Whether it serves.", float(ready), of_container)
        for condition, holds in (("true", ready), ("false", not ready), ("unknown", False)):
            yield gauge("kube_pod_status_ready", "Whether it serves.", float(holds), {**own, "condition": condition})


def _owner(labels: Mapping[str, str]) -> dict[str, str]:
    """A pod's name is its owner's and a number, as a StatefulSet's are."""
    return {
        "owner_kind": "StatefulSet",
        "owner_name": labels.get("pod", "").rpartition("-")[0],
        "owner_is_controller": "true",
    }


@dataclass(slots=True)
class Ends:
    """How often the container ended without being asked to, and why it did the last time.

    Attributes:
        restarts: so far.
        reason: of the last end; empty before.
        ended: whether it is down.
        ready: whether it has answered since it was started; None where nobody asked.

    Somebody's restart of the service is a new pod in a cluster, and no restart of its container.
    """

    restarts: int = 0
    reason: str = ""
    ended: bool = False
    ready: bool | None = None

    def note(self, event: Event) -> None:
        """Hear of everything that is recorded."""
        exited = TargetExited.read(event)
        if exited is not None:
            self.ended, self.ready = True, False
            self.reason = "OOMKilled" if exited.oom_kill == "true" else "Error" if exited.exit_code else "Completed"
        elif TargetStart.matches(event) or TargetRestart.matches(event):
            self._note_start(event.kind)
        elif TargetReady.matches(event):
            self.ready = True

    def _note_start(self, kind: str) -> None:
        """A start ends after the service was found ready: it is not ready from when the start began."""
        if kind == "begin" or self.ready is None:
            self.ready = False
        if kind == "ok":
            self.restarts += self.ended
            self.ended = False

    def series(self, labels: Mapping[str, str]) -> Iterator[Metric]:
        """Its series; `labels` are of the container."""
        own = {key: value for key, value in labels.items() if key != "node"}
        yield counter("kube_pod_container_status_restarts_total", "Restarts.", self.restarts, own)
        if self.reason:
            told = {**own, "reason": self.reason}
            yield gauge("kube_pod_container_status_last_terminated_reason", "Why it last ended.", 1.0, told)
