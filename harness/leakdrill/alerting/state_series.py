"""What kube-state-metrics says of a container: its limits and requests, that it runs, how it ended, its restarts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from leakdrill.alerting.container_series import counter, gauge
from leakdrill.record.events import TargetExited, TargetRestart, TargetStart

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prometheus_client.core import Metric

    from leakdrill.record.history import Event

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


def running_series(labels: Mapping[str, str]) -> Iterator[Metric]:
    """The series of a pod whose container was just read, so that it runs.

    Args:
        labels: of the container, with its pod.
    """
    pod = {key: value for key, value in labels.items() if key != "container"}
    yield gauge("kube_pod_info", "A pod.", 1.0, pod)
    own = {key: value for key, value in pod.items() if key != "node"}
    for phase in _PHASES:
        running = float(phase == "Running")
        yield gauge("kube_pod_status_phase", "The phase of a pod.", running, {**own, "phase": phase})
    of_container = {key: value for key, value in labels.items() if key != "node"}
    yield gauge("kube_pod_container_status_running", "Whether it runs.", 1.0, of_container)


@dataclass(slots=True)
class Ends:
    """How often the container ended without being asked to, and why it did the last time.

    Somebody's restart of the service is a new pod in a cluster, and no restart of its container.
    """

    restarts: int = 0
    reason: str = ""
    _ended: bool = False

    def note(self, event: Event) -> None:
        """Hear of everything that is recorded."""
        exited = TargetExited.read(event)
        if exited is not None:
            self._ended = True
            self.reason = "OOMKilled" if exited.oom_kill == "true" else "Error" if exited.exit_code else "Completed"
        elif event.kind == "ok" and (TargetStart.matches(event) or TargetRestart.matches(event)):
            self.restarts += self._ended
            self._ended = False

    def series(self, labels: Mapping[str, str]) -> Iterator[Metric]:
        """Its series; `labels` are of the container."""
        own = {key: value for key, value in labels.items() if key != "node"}
        yield counter("kube_pod_container_status_restarts_total", "Restarts.", self.restarts, own)
        if self.reason:
            told = {**own, "reason": self.reason}
            yield gauge("kube_pod_container_status_last_terminated_reason", "Why it last ended.", 1.0, told)
