"""One pod as the API server describes it: whether it serves, how its container ended, and what keeps it from running.

What `kubectl describe` spreads over conditions, states and reasons is put into one sentence. Source: the API reference
of v1 Pod, PodStatus and ContainerStatus.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from leakdrill.errors import EnvironmentProblem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SIGKILL_STATUS: Final = 137
_HOPELESS: Final = frozenset(
    {
        "CrashLoopBackOff",
        "CreateContainerConfigError",
        "CreateContainerError",
        "ErrImageNeverPull",
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "RunContainerError",
    }
)
"""Reasons of a waiting container that do not go away by waiting."""


@dataclass(frozen=True, slots=True)
class End:
    """How a container ended: its exit code, Kubernetes' word for it, and when, in Unix seconds by the node's clock."""

    exit_code: int
    reason: str
    finished_at: float | None

    @property
    def oom_killed(self) -> bool:
        """Whether the kernel ended it for its memory."""
        return self.reason == "OOMKilled"

    @property
    def signal(self) -> str:
        """The signal it ended by; empty when by none that is named here."""
        return {_SIGKILL_STATUS: "SIGKILL", 143: "SIGTERM"}.get(self.exit_code, "")

    def __str__(self) -> str:
        return "OOM-killed" if self.oom_killed else f"exit status {self.exit_code}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """What matters of a pod.

    Attributes:
        name: its name; `uid` tells it from a later one of that name.
        node: where it runs; None before it is scheduled.
        ready: whether a service would send it requests; `leaving` when it is being deleted.
        restarts: of its container.
        container_id: the runtime's id of the container that runs now, without the runtime's name.
        end: how its container ended last; None when it never did.
        trouble: why it does not run, as a sentence; None when nothing is known to be wrong.
        hopeless: whether waiting alone will not help.
        evicted: why the kubelet ended the whole pod; None when it did not.
        address: where it is reached inside of the cluster; None before it has one.
    """

    name: str
    uid: str
    node: str | None
    ready: bool
    leaving: bool
    restarts: int
    container_id: str | None
    end: End | None
    trouble: str | None
    hopeless: bool
    evicted: str | None
    address: str | None = None


def parse_pod(manifest: Mapping[str, Any], container: str | None = None) -> Pod:
    """The pod in an answer of the API server; `container` is the one that counts, the first when left out."""
    meta, status = manifest["metadata"], manifest.get("status") or {}
    states = status.get("containerStatuses") or []
    mine: Mapping[str, Any] = next((s for s in states if container in (None, s["name"])), {})
    ends = [end for key in ("state", "lastState") if (end := _end(mine.get(key) or {}))]
    conditions = {c["type"]: c for c in status.get("conditions") or []}
    evicted = _evicted(status)
    waiting = (mine.get("state") or {}).get("waiting") or {}
    leaving = "deletionTimestamp" in meta
    return Pod(
        name=meta["name"],
        uid=meta["uid"],
        node=(manifest.get("spec") or {}).get("nodeName"),
        ready=not leaving and conditions.get("Ready", {}).get("status") == "True",
        leaving=leaving,
        restarts=int(mine.get("restartCount", 0)),
        container_id=_running_id(mine),
        end=ends[0] if ends else None,
        trouble=evicted or _waiting(waiting, ends) or _unschedulable(conditions),
        hopeless=evicted is not None or waiting.get("reason") in _HOPELESS,
        evicted=evicted,
        address=status.get("podIP"),
    )


def chosen(pods: Sequence[Pod], which: str, memory: Mapping[str, Mapping[str, float]]) -> list[Pod]:
    """The `oldest`, `newest`, `heaviest` or `all` of `pods`, which stand oldest first.

    Args:
        pods: those that are leaving are not chosen.
        which: the one that is meant; the heaviest has the most `anon_bytes`.
        memory: what was read of each last, by name.

    Raises:
        EnvironmentProblem: when there is none.
    """
    staying = [pod for pod in pods if not pod.leaving]
    if not staying:
        raise EnvironmentProblem("there is no pod; expected at least one")
    if which == "heaviest":
        return [max(staying, key=lambda pod: memory.get(pod.name, {}).get("anon_bytes", 0.0))]
    return staying if which == "all" else [staying[0 if which == "oldest" else -1]]


def _end(state: Mapping[str, Any]) -> End | None:
    ended = state.get("terminated")
    if not ended:
        return None
    return End(int(ended.get("exitCode", 0)), str(ended.get("reason") or ""), _unix(ended.get("finishedAt")))


def _unix(text: str | None) -> float | None:
    return datetime.fromisoformat(text).timestamp() if text else None


def _running_id(state: Mapping[str, Any]) -> str | None:
    if "running" not in (state.get("state") or {}):
        return None
    return str(state.get("containerID") or "").rpartition("//")[2] or None


def _evicted(status: Mapping[str, Any]) -> str | None:
    if status.get("phase") != "Failed":
        return None
    reason, message = str(status.get("reason") or "Failed"), str(status.get("message") or "").strip()
    return f"{reason}: {message}" if message else reason


def _waiting(waiting: Mapping[str, Any], ends: list[End]) -> str | None:
    reason = waiting.get("reason")
    if reason not in _HOPELESS:
        return None
    last = f"; its container ended last: {ends[0]}" if ends else ""
    return f"{reason}: {str(waiting.get('message') or '').strip()}{last}"


def _unschedulable(conditions: Mapping[str, Mapping[str, Any]]) -> str | None:
    scheduled = conditions.get("PodScheduled", {})
    if scheduled.get("status") != "False" or scheduled.get("reason") != "Unschedulable":
        return None
    return f"cannot be scheduled: {str(scheduled.get('message') or '').strip()}"
