"""Follows the pods of a workload and writes what happens to them into the record.

It asks twice a second instead of keeping a watch open: a watch that hangs looks like a quiet cluster, and an answer
that does not come is how an API server that went away is noticed.
"""

from __future__ import annotations

import threading
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from leakdrill.errors import EnvironmentProblem
from leakdrill.record.events import (
    KubernetesEvent,
    KubernetesRefused,
    TargetExited,
    TargetReady,
    TargetTrouble,
    TargetUnwatched,
)
from leakdrill.remember import remember
from leakdrill.targets.kubernetes.api import ClusterGone, ClusterRefused
from leakdrill.targets.kubernetes.pod import Pod, parse_pod
from leakdrill.wait import TimedOut, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from leakdrill.record.recorder import Recorder
    from leakdrill.targets.kubernetes.api import Cluster

_EVERY_S: Final = 0.5
_LOST_AFTER_S: Final = 3.0
_NOTED_TYPES: Final = frozenset({"Warning"})


class PodWatcher:
    """The pods that `query` finds in `namespace`, from `start` to `stop`.

    Args:
        cluster: where they run.
        namespace: where they are looked for.
        name: of the workload; the names of its pods begin so.
        query: as the API server understands it, such as `labelSelector` with `app=web`.
        container: whose ends count; the first of each pod when None.
        recorder: hears of ends nobody asked for, of pods that are ready again, of troubles, of the cluster's warnings.
        on_change: called with the pods after each look that found others than before.
        alone: whether it is one pod, in whose place no other counts: once it goes, nothing more is known.

    Attributes:
        lost: why nothing is known any more; None while the API server answers.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        namespace: str,
        name: str,
        query: Mapping[str, str],
        container: str | None,
        recorder: Recorder,
        on_change: Callable[[tuple[Pod, ...]], None] = lambda _: None,
        alone: bool = False,
    ) -> None:
        self.lost: str | None = None
        self._cluster = cluster
        self._paths = (f"/api/v1/namespaces/{namespace}/pods", f"/api/v1/namespaces/{namespace}/events")
        self._name = name
        self._query = dict(query)
        self._alone = alone
        self._container = container
        self._recorder = recorder
        self._on_change = on_change
        self._pods: tuple[Pod, ...] = ()
        self._asked = False
        self._event_counts: dict[str, int] = {}
        self._answered_at = time.monotonic()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="pod-watcher", daemon=True)

    @property
    def pods(self) -> tuple[Pod, ...]:
        """As they were a moment ago, oldest first."""
        return self._pods

    def ready(self) -> list[str]:
        """The names of those that serve."""
        return [pod.name for pod in self._pods if pod.ready]

    def expect_changes(self, *, asked: bool) -> None:
        """From now on pods that go have been asked to, by us or by what we set up; or no longer."""
        self._asked = asked

    def start(self) -> None:
        """Look once, and go on on a thread of its own. Raises as `Cluster.get` does."""
        self.look()
        self._thread.start()

    def stop(self) -> None:
        """Return when it looks no more."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def wait_until_gone(self, pods: Sequence[Pod], *, timeout_s: float) -> None:
        """Return when `pods` are gone, or on their way; others may have their names by then.

        Raises:
            EnvironmentProblem: when they stay.
            ClusterGone: when the API server does not answer.
        """
        uids = {pod.uid for pod in pods}
        try:
            wait_for(
                lambda: not any(pod.uid in uids and not pod.leaving for pod in self.look()),
                what=f"pod {', '.join(pod.name for pod in pods)} goes", timeout_s=timeout_s,
            )  # fmt: skip
        except TimedOut as e:
            raise EnvironmentProblem(f"{e}; expected it to be deleted") from e

    def look(self) -> tuple[Pod, ...]:
        """Ask now. Raises as `Cluster.get` does."""
        listing = self._cluster.get(self._paths[0], **self._query)
        listed = sorted(listing["items"], key=lambda item: str(item["metadata"].get("creationTimestamp")))
        before, now = self._pods, tuple(parse_pod(item, self._container) for item in listed)
        self._answered_at = time.monotonic()
        self._pods = now
        if now != before:
            self._note_changes(before, now)
            self._on_change(now)
        return now

    def _follow(self) -> None:
        while not self._stopping.wait(_EVERY_S):
            try:
                self.look()
                self._look_at_events()
            except ClusterRefused as e:
                self._recorder.record(KubernetesRefused(message=e.message))
            except ClusterGone as e:
                self._note_silence(e.message)

    def _note_silence(self, why: str) -> None:
        silent_s = time.monotonic() - self._answered_at
        if self.lost is None and silent_s > _LOST_AFTER_S:
            self.lost = why
            self._recorder.record(TargetUnwatched(message=why, at=self._recorder.now_s() - silent_s))

    def _note_changes(self, before: tuple[Pod, ...], now: tuple[Pod, ...]) -> None:
        known = {pod.uid: pod for pod in before}
        for pod in now:
            self._note_change(known.pop(pod.uid, None), pod)
        for gone in known.values():
            if not (gone.leaving or gone.evicted or self._asked):
                self._went(gone, 0.0, reason="it is gone from the cluster", now=now)

    def _note_change(self, was: Pod | None, pod: Pod) -> None:
        if pod.trouble and pod.trouble != (was.trouble if was else None):
            self._recorder.record(TargetTrouble(message=pod.trouble, pod=pod.name))
        if pod.leaving:
            # How it ends no longer matters: it serves nobody. Whether it was asked to go is settled when it begins.
            if was and not was.leaving and not self._asked:
                self._went(pod, 143.0, signal="SIGTERM", reason="somebody deleted its pod")
            return
        if pod.evicted and not (was and was.evicted):
            self._exited(pod, 137.0, reason=pod.evicted)
        elif pod.end and pod.end != (was.end if was else None):
            self._exited(
                pod,
                float(pod.end.exit_code),
                signal=pod.end.signal,
                oom_kill=pod.end.oom_killed,
                at=pod.end.finished_at,
            )
        if pod.ready and was and not was.ready and was.end:
            self._recorder.record(TargetReady(process=0.0, restarts=float(pod.restarts), pod=pod.name))

    def _went(self, pod: Pod, status: float, *, reason: str, signal: str = "", now: tuple[Pod, ...] = ()) -> None:
        """Record a pod that goes: its end, or, where only it was to be seen, that nothing is known from now on."""
        if not self._alone:
            self._exited(pod, status, signal=signal, reason=reason)
        elif self.lost is None:
            another = "; another of its name runs in its place, which is not the target" if now else ""
            self.lost = f"pod {pod.name}: {reason}{another}"
            self._recorder.record(TargetUnwatched(message=self.lost, at=self._recorder.now_s() - _EVERY_S))

    def _exited(
        self,
        pod: Pod,
        status: float,
        *,
        signal: str = "",
        oom_kill: bool = False,
        reason: str = "",
        at: float | None = None,
    ) -> None:
        # The node gives whole seconds of its own clock; an end later than now cannot be meant.
        now_s = self._recorder.now_s()
        self._recorder.record(
            TargetExited(
                exit_code=status,
                pod=pod.name,
                pid=pod.name,
                signal=signal,
                oom_kill="true" if oom_kill else "false",
                reason=reason,
                at=None if at is None else min(self._recorder.at_s(at), now_s),
            )
        )

    def _look_at_events(self) -> None:
        """Tell warnings about the workload; one that comes again and again, each time it has come twice as often."""
        for event in self._cluster.get(self._paths[1])["items"]:
            count, uid = int(event.get("count") or 1), event["metadata"]["uid"]
            if self._matters(event) and count >= 2 * self._event_counts.get(uid, 0):
                remember(self._event_counts, uid, count)
                self._note(event, count)

    def _matters(self, event: Mapping[str, Any]) -> bool:
        about, last = event.get("involvedObject") or {}, event.get("lastTimestamp")
        ours = event.get("type") in _NOTED_TYPES and str(about.get("name", "")).startswith(self._name)
        return ours and (last is None or datetime.fromisoformat(last).timestamp() >= self._recorder.started_at - 1)

    def _note(self, event: Mapping[str, Any], count: int) -> None:
        about = event.get("involvedObject") or {}
        self._recorder.record(
            KubernetesEvent(
                message=f"{event.get('reason', '?')}: {str(event.get('message') or '').strip()}",
                object=f"{about.get('kind', '?')}/{about.get('name', '?')}",
                count=str(count),
            )
        )
