"""Whether an Alertmanager that others run passes an alert on, seen from outside: no receiver of ours is put into it.

Its API says for which receivers it holds an alert; its own counters say whether requests to receivers succeed, for each
way to notify. Neither names the alert of a request, so the evidence is: the alert is active for a receiver, and after
that at least one request succeeded of the ways by which its configuration has that receiver notified. Where others are
notified in the same way at the same moment that is weaker than a webhook of ours, and the verdict says how it was seen.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
from prometheus_client.parser import text_string_to_metric_families

from leakdrill.alerting.prometheus_api import MOST_ALERTING_BYTES
from leakdrill.alerting.routes import RouteTree
from leakdrill.alerting.routing_file import EXPECTED
from leakdrill.errors import BadInput
from leakdrill.in_words import in_words
from leakdrill.machine.http_client import bounded_client
from leakdrill.record.events import AlertmanagerPoll, AlertmanagerRequests, AlertSilenced, Notification
from leakdrill.remember import is_new, remember
from leakdrill.yaml_file import parse_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leakdrill.record.recorder import Recorder

VIA_API: Final = "api"
"""The way of a notification that was seen so, and did not come to us."""

_TRIED: Final = "alertmanager_notification_requests_total"
_FAILED: Final = "alertmanager_notification_requests_failed_total"
_TIMEOUT_S: Final = 2.0
_NO_SENSE: Final = (httpx.HTTPError, ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError)
"""What reading an answer raises that is none of Alertmanager's."""


@dataclass(frozen=True, slots=True)
class _Requests:
    """The requests to receivers since Alertmanager started, by the way to notify, such as `slack`."""

    tried: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    failed: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def succeeded(self, ways: tuple[str, ...] = ()) -> float:
        """How many succeeded; of `ways` alone, where some are given."""
        return sum(tried - self.failed.get(way, 0.0) for way, tried in self.tried.items() if not ways or way in ways)

    def failing_since(self, earlier: _Requests | None) -> list[str]:
        """The ways of which more had failed than at `earlier`."""
        before = earlier.failed if earlier else {}
        return sorted(way for way, failed in self.failed.items() if failed > before.get(way, 0.0))


class DeliveryWatcher:
    """Records a sample `notification` of source `alertmanager` for each alert and receiver, once it was passed on.

    Besides: `silenced` once for each alert that a silence mutes, and `requests` (`succeeded`, `failed`) whenever these
    counts change.

    Args:
        url: of the Alertmanager.
        recorder: gets the samples.
        every_s: seconds between two looks.
        ahead_s: how far its clock is ahead of ours.

    Attributes:
        tree: its routes, as it says itself; None before `check`, and where it does not say.
    """

    def __init__(self, url: str, recorder: Recorder, *, every_s: float = 0.5, ahead_s: float = 0.0) -> None:
        self.url = url.rstrip("/")
        self._http = bounded_client(base_url=self.url, timeout_s=_TIMEOUT_S, most_bytes=MOST_ALERTING_BYTES)
        self._recorder = recorder
        self._every_s = every_s
        self._ahead_s = ahead_s
        self._counts: _Requests | None = None
        self._held_since: dict[tuple[str, str], _Requests] = {}
        self._recorded: dict[tuple[str, str], None] = {}
        self.tree: RouteTree | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="delivery-watcher", daemon=True)

    def check(self) -> None:
        """Return when it can be watched.

        Raises:
            BadInput: when no Alertmanager answers at `url`, or it counts no requests.
        """
        try:
            self._alerts()
            self._requests()
        except _NO_SENSE as e:
            raise BadInput(
                f"alerts.alertmanager: nothing at {self.url} answers as an Alertmanager does: {e}",
                hint=f"curl {self.url}/api/v2/alerts; {_TRIED} must be at {self.url}/metrics (0.22 or later)",
            ) from e
        self.tree = self._configured()

    def start(self) -> None:
        """Begin to look, on a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking. May be called again."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self._http.close()

    def poll(self) -> None:
        """Look once, and record what is new; one that does not answer is asked again."""
        try:
            alerts = self._alerts()  # first: a request that succeeds after this may have been for one of them
            counts = self._requests()
            before = self._counts or counts
            if counts != self._counts:
                failing = ",".join(counts.failing_since(self._counts))
                self._counts = counts
                failed = sum(counts.failed.values())
                self._recorder.record(AlertmanagerRequests(counts.succeeded(), failed, failing=failing))
            for alert in alerts:
                self._follow(alert, before, counts)
        except _NO_SENSE as e:
            self._recorder.record(AlertmanagerPoll(error=in_words(e)))

    def _follow(self, alert: Mapping[str, Any], before: _Requests, counts: _Requests) -> None:
        labels = {str(name): str(value) for name, value in alert["labels"].items()}
        status, fingerprint = alert["status"], str(alert["fingerprint"])
        if status["silencedBy"] and is_new(self._recorded, (fingerprint, "silence")):
            self._recorder.record(AlertSilenced(str(status["silencedBy"][0]), labels=labels))
        for receiver in alert["receivers"] if status["state"] == "active" else []:
            key = (fingerprint, str(receiver["name"]))
            if self._tells_nobody(labels, key[1]):
                self._held_since.pop(key, None)
                continue
            remember(self._held_since, key, since := self._held_since.get(key, before))
            ways = self.tree.ways_of(key[1]) if self.tree else ()
            if counts.succeeded(ways) > since.succeeded(ways) and is_new(self._recorded, key):
                at = self._recorder.at_s(datetime.fromisoformat(alert["startsAt"]).timestamp() - self._ahead_s)
                seen = Notification("firing", receiver=key[1], via=VIA_API, labels=labels, at=at)
                self._recorder.record(seen)

    def _tells_nobody(self, labels: Mapping[str, str], receiver: str) -> bool:
        """Whether an alert that is held for `receiver` is passed on to nobody now: muted by the calendar, or no way."""
        tree = self.tree
        if tree is None:
            return False
        try:
            now = datetime.now(UTC)
            held = [route for route in tree.routes_of(labels) if route.receiver == receiver]
            is_muted = bool(held) and all(tree.muted(route.muting, route.active, now) for route in held)
            return is_muted or not tree.ways_of(receiver)
        except _NO_SENSE:
            self.tree = None
            return False

    def _alerts(self) -> list[Mapping[str, Any]]:
        response = self._http.get("/api/v2/alerts")
        response.raise_for_status()
        alerts: list[Mapping[str, Any]] = response.json()
        return alerts

    def _requests(self) -> _Requests:
        response = self._http.get("/metrics")
        response.raise_for_status()
        page = response.content.decode(errors="replace").splitlines()
        lines = "\n".join(line for line in page if line.startswith((_TRIED, _FAILED))) + "\n"
        samples = [sample for family in text_string_to_metric_families(lines) for sample in family.samples]
        if not any(sample.name == _TRIED for sample in samples):
            raise ValueError(f"{_TRIED} is not among its metrics")
        counts = _Requests()
        for sample in samples:
            counted = counts.tried if sample.name == _TRIED else counts.failed
            counted[sample.labels.get("integration", "")] += sample.value
        return counts

    def _configured(self) -> RouteTree | None:
        """Its routes, by the configuration that it says it runs with; it hides secrets there."""
        try:
            written = str(self._http.get("/api/v2/status").json()["config"]["original"])
            config = parse_yaml(written, Path("its configuration"), expected=EXPECTED, scalars="text").data
            return RouteTree(config) if isinstance(config, dict) and isinstance(config.get("route"), dict) else None
        except (*_NO_SENSE, BadInput):
            return None

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            self.poll()
