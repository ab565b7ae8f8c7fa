"""Watches which alerts Alertmanager inhibits: nobody is told of them, because a worse one says the same.

Asked of Alertmanager itself, because its rules compare labels of two alerts in ways of their own.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

import httpx

from leakdrill.alerting.prometheus_api import MOST_ALERTING_BYTES
from leakdrill.in_words import in_words
from leakdrill.machine.http_client import bounded_client
from leakdrill.record.events import AlertInhibited, AlertmanagerPoll
from leakdrill.remember import is_new

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leakdrill.alerting.routed import RouteNotes
    from leakdrill.record.recorder import Recorder

_TIMEOUT_S: Final = 2.0


class InhibitionPoller:
    """Records each inhibited alert once for each that inhibits it: a sample `inhibited` of source `alertmanager`.

    Its value is the name of the alert that stands for it; its labels are those of the inhibited one. An Alertmanager
    that does not answer is asked again, and recorded unless somebody else `reports`. `routes` notes the way of each
    alert that it holds.
    """

    def __init__(
        self,
        alertmanager_url: str,
        recorder: Recorder,
        *,
        every_s: float = 0.5,
        reports: bool = True,
        routes: RouteNotes | None = None,
    ) -> None:
        self._http = bounded_client(base_url=alertmanager_url, timeout_s=_TIMEOUT_S, most_bytes=MOST_ALERTING_BYTES)
        self._recorder = recorder
        self._reports = reports
        self._every_s = every_s
        self._routes = routes
        self._recorded: dict[tuple[str, str], None] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="inhibition-poller", daemon=True)

    def start(self) -> None:
        """Begin to ask, on a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Stop asking. May be called again."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self._http.close()

    def poll(self) -> None:
        """Ask once, and record what is new."""
        try:
            self._note(self._http.get("/api/v2/alerts").json())
        except (httpx.HTTPError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as e:
            if self._reports:
                self._recorder.record(AlertmanagerPoll(error=in_words(e)))

    def _note(self, alerts: list[Mapping[str, Any]]) -> None:
        by_fingerprint = {alert["fingerprint"]: alert["labels"] for alert in alerts}
        for alert in alerts:
            if self._routes is not None:
                self._routes.note(alert)
            for source in alert["status"]["inhibitedBy"]:
                if is_new(self._recorded, (alert["fingerprint"], source)):
                    self._record(alert["labels"], by_fingerprint.get(source, {}))

    def _record(self, labels: Mapping[str, Any], source: Mapping[str, Any]) -> None:
        plain = {str(key): str(value) for key, value in labels.items()}
        name, severity = str(source.get("alertname", "?")), str(source.get("severity", ""))
        self._recorder.record(AlertInhibited(name, by_severity=severity, labels=plain))

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            self.poll()
