"""Whether an Alertmanager that others run passes an alert on, seen from outside: no receiver of ours is put into it.

Its API says for which receivers it holds an alert; its own counters say whether requests to receivers succeed. Neither
names the alert of a request, so the evidence is: the alert is active for a receiver, and after that at least one
request to a receiver succeeded. Where others are notified at the same moment that is weaker than a webhook of ours, and
the verdict says how it was seen.
"""

from __future__ import annotations

import threading
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import httpx
from prometheus_client.parser import text_string_to_metric_families

from leakdrill.alerting.prometheus_api import MOST_ALERTING_BYTES
from leakdrill.errors import BadInput
from leakdrill.machine.http_client import bounded_client
from leakdrill.record.events import AlertmanagerPoll, AlertmanagerRequests, AlertSilenced, Notification
from leakdrill.remember import is_new, remember

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


class DeliveryWatcher:
    """Records a sample `notification` of source `alertmanager` for each alert and receiver, once it was passed on.

    Besides: `silenced` once for each alert that a silence mutes, and `requests` (`succeeded`, `failed`) whenever these
    counts change.

    Args:
        url: of the Alertmanager.
        recorder: gets the samples.
        every_s: seconds between two looks.
        ahead_s: how far its clock is ahead of ours.
    """

    def __init__(self, url: str, recorder: Recorder, *, every_s: float = 0.5, ahead_s: float = 0.0) -> None:
        self.url = url.rstrip("/")
        self._http = bounded_client(base_url=self.url, timeout_s=_TIMEOUT_S, most_bytes=MOST_ALERTING_BYTES)
        self._recorder = recorder
        self._every_s = every_s
        self._ahead_s = ahead_s
        self._counts: dict[str, float] | None = None
        self._held_since: dict[tuple[str, str], float] = {}
        self._recorded: dict[tuple[str, str], None] = {}
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
            before = self._counts["succeeded"] if self._counts else counts["succeeded"]
            if counts != self._counts:
                self._counts = counts
                self._recorder.record(AlertmanagerRequests(counts["succeeded"], counts["failed"]))
            for alert in alerts:
                self._follow(alert, before, counts["succeeded"])
        except _NO_SENSE as e:
            self._recorder.record(AlertmanagerPoll(error=f"{type(e).__name__}: {e}"))

    def _follow(self, alert: Mapping[str, Any], before: float, succeeded: float) -> None:
        labels = {str(name): str(value) for name, value in alert["labels"].items()}
        status, fingerprint = alert["status"], str(alert["fingerprint"])
        if status["silencedBy"] and is_new(self._recorded, (fingerprint, "silence")):
            self._recorder.record(AlertSilenced(str(status["silencedBy"][0]), labels=labels))
        for receiver in alert["receivers"] if status["state"] == "active" else []:
            key = (fingerprint, str(receiver["name"]))
            remember(self._held_since, key, since := self._held_since.get(key, before))
            if succeeded > since and is_new(self._recorded, key):
                at = self._recorder.at_s(datetime.fromisoformat(alert["startsAt"]).timestamp() - self._ahead_s)
                seen = Notification("firing", receiver=key[1], via=VIA_API, labels=labels, at=at)
                self._recorder.record(seen)

    def _alerts(self) -> list[Mapping[str, Any]]:
        response = self._http.get("/api/v2/alerts")
        response.raise_for_status()
        alerts: list[Mapping[str, Any]] = response.json()
        return alerts

    def _requests(self) -> dict[str, float]:
        """The number of requests to receivers that succeeded and failed since it started."""
        response = self._http.get("/metrics")
        response.raise_for_status()
        page = response.content.decode(errors="replace").splitlines()
        lines = "\n".join(line for line in page if line.startswith((_TRIED, _FAILED))) + "\n"
        total = {_TRIED: 0.0, _FAILED: 0.0}
        samples = [sample for family in text_string_to_metric_families(lines) for sample in family.samples]
        if not any(sample.name == _TRIED for sample in samples):
            raise ValueError(f"{_TRIED} is not among its metrics")
        for sample in samples:
            total[sample.name] += sample.value
        return {"succeeded": total[_TRIED] - total[_FAILED], "failed": total[_FAILED]}

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            self.poll()
