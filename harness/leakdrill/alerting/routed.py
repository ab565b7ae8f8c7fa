"""Records by which routes Alertmanager leads an alert to whom: what a drill blames when nobody is told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from leakdrill.record.events import AlertRouted, Notice
from leakdrill.remember import remember

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leakdrill.alerting.routes import Route, RouteTree
    from leakdrill.record.recorder import Recorder


_UNREAD: Final = (ValueError, LookupError, TypeError, AttributeError)


class RouteNotes:
    """Records a sample `routed` for each route of each alert, and again when a calendar begins or ends to mute it.

    A tree that cannot be read is told in a notice, once: then nobody knows more than Alertmanager says.
    """

    def __init__(self, tree: RouteTree, recorder: Recorder) -> None:
        self._tree: RouteTree | None = tree
        self._recorder = recorder
        self._noted: dict[tuple[str, int], str] = {}

    def note(self, alert: Mapping[str, Any]) -> None:
        """Take note of `alert`, as Alertmanager's API describes it."""
        if self._tree is None:
            return
        labels = {str(key): str(value) for key, value in alert["labels"].items()}
        try:
            self._follow(self._tree, str(alert["fingerprint"]), labels)
        except _UNREAD as e:
            self._tree = None
            self._recorder.record(Notice(f"by which routes Alertmanager leads an alert cannot be told: {e}"))

    def _follow(self, tree: RouteTree, fingerprint: str, labels: Mapping[str, str]) -> None:
        for index, route in enumerate(tree.routes_of(labels)):
            muted = tree.muted(route.muting, route.active, datetime.now(UTC))
            if self._noted.get((fingerprint, index)) != muted:
                remember(self._noted, (fingerprint, index), muted)
                self._record(tree, route, muted, labels)

    def _record(self, tree: RouteTree, route: Route, muted: str, labels: Mapping[str, str]) -> None:
        self._recorder.record(
            AlertRouted(
                group_wait_s=route.group_wait_s,
                group_interval_s=route.group_interval_s,
                receiver=route.receiver,
                route=route.place,
                muted=muted,
                ways=",".join(tree.ways_of(route.receiver)),
                labels=dict(labels),
            )
        )
