"""Whether Prometheus sees the kubelet's own series: without them an alert that stays silent says nothing.

Prometheus itself is asked, for it may reach a kubelet that we do not, and the other way round.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Final

from leakdrill.alerting.prometheus_api import NoAnswer, PrometheusApi
from leakdrill.alerting.time_scale import ranges
from leakdrill.errors import BadInput
from leakdrill.record.events import KubeletScrape
from leakdrill.scenario.kubernetes import KUBELET_MEASURES_WITHIN_S, KUBELET_SCRAPED_EVERY_S
from leakdrill.units import show_duration
from leakdrill.wait import TimedOut, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from leakdrill.alerting.rules import AlertRule
    from leakdrill.record.recorder import Recorder
    from leakdrill.scenario.alerts import AlertName, Alerts

LOOKBACK_AT_LEAST_S: Final = KUBELET_MEASURES_WITHIN_S + 3 * KUBELET_SCRAPED_EVERY_S
"""For less, a series would end between two measurements, and every `for` would begin again."""

SHORTEST_RANGE_S: Final = 2 * KUBELET_MEASURES_WITHIN_S + KUBELET_SCRAPED_EVERY_S
"""A range that always holds two measurements, which `rate` and its like need."""

COMES_WITHIN_S: Final = 60.0
"""A container that is new to the kubelet has been measured by then; no drill waits for longer."""

_EVERY_S: Final = 1.0
_SERIES: Final = "container_memory_usage_bytes"


class KubeletSeries:
    """Looks at what Prometheus got from the job `job`, and records it: samples `kubelet` of source `prometheus`.

    The value holds `targets` (kubelets), `series` (containers measured) and `age_s` (of the newest measurement); None,
    with the label `error`, when a kubelet was not reached or nothing was measured.

    Args:
        prometheus_url: of our own Prometheus.
        job: its scrape job.
        recorder: gets the samples.
    """

    def __init__(self, prometheus_url: str, job: str, recorder: Recorder) -> None:
        self._api = PrometheusApi(prometheus_url)
        self._job = job
        self._recorder = recorder
        self._last_series_mono: float | None = None
        self._problem: str | None = "it was not asked yet"
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kubelet-series", daemon=True)

    @property
    def lost(self) -> str | None:
        """The reason to end the drill: a minute without series. None while one comes, or before anybody waits."""
        gone_s = 0.0 if self._last_series_mono is None else time.monotonic() - self._last_series_mono
        return f"no series for {show_duration(gone_s)}: {self._problem}" if gone_s > COMES_WITHIN_S else None

    def start(self) -> None:
        """Begin to look, on a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking. May be called again."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
        self._api.close()

    def wait_for_series(self) -> None:
        """Return when series come, or have not come for so long that they are `lost`."""
        self._last_series_mono = time.monotonic()
        awaited = f"the first series of the job {self._job}"
        try:
            wait_for(lambda: self._problem is None or self.lost, what=awaited, timeout_s=2 * COMES_WITHIN_S)
        except TimedOut:
            return

    def _run(self) -> None:
        while not self._over.wait(_EVERY_S):
            self._look()

    def _look(self) -> None:
        reading = self._reading()
        self._problem = reading.error or None
        if self._problem is None:
            self._last_series_mono = time.monotonic()
        self._recorder.record(reading)

    def _reading(self) -> KubeletScrape:
        try:
            kubelets = [target for target in self._api.targets() if target.get("scrapePool") == self._job]
            # A pause container and the sums over a pod are series too, of a container that is none.
            rows = self._api.query(f'time() - timestamp({_SERIES}{{job="{self._job}",container!~"|POD"}})')
            ages = [float(row["value"][1]) for row in rows]
        except (NoAnswer, ValueError, LookupError, TypeError) as e:
            return KubeletScrape(error=str(e))
        problem = _missing_series(kubelets, ages)
        if problem is not None:
            return KubeletScrape(error=problem)
        return KubeletScrape(targets=float(len(kubelets)), series=float(len(ages)), age_s=min(ages, default=0.0))


def _missing_series(kubelets: Sequence[Mapping[str, Any]], ages: Sequence[float]) -> str | None:
    """Returns a sentence that names the missing series; None when none is."""
    if not kubelets:
        return "no pod is on a node yet"
    for kubelet in kubelets:
        if kubelet.get("health") != "up":
            node = (kubelet.get("labels") or {}).get("node", "?")
            return f"the kubelet of node {node} was not scraped: {kubelet.get('lastError') or 'not yet'}"
    if not ages:
        return f"the kubelets gave no {_SERIES} of the target's containers"
    if min(ages) > LOOKBACK_AT_LEAST_S:
        return f"the kubelets' newest measurement was {show_duration(min(ages))} old"
    return None


def refuse_short_ranges(rules: Iterable[AlertRule], alerts: Alerts) -> None:
    """Refuse a time scale at which a rule that counts could never see two measurements of the kubelet's.

    Raises:
        BadInput: names the rule, its range, and the time scale that would do.
    """
    for rule in rules:
        if not _counts(rule, alerts):
            continue
        short = [s for s in ranges(rule.expr, "container_") if s / alerts.time_scale < SHORTEST_RANGE_S]
        if short:
            enough_scale = int(short[0] / SHORTEST_RANGE_S) or 1
            scaled, enough = show_duration(short[0] / alerts.time_scale), show_duration(SHORTEST_RANGE_S)
            raise BadInput(
                f"{rule.file}:{rule.line}: {rule.name} looks back {show_duration(short[0])}, which time_scale "
                f"{alerts.time_scale:g} makes {scaled}; expected at least {enough}, because the kubelet measures every "
                f"10 to {show_duration(KUBELET_MEASURES_WITHIN_S)} and the rule needs two measurements",
                hint=f"alerts.time_scale: {enough_scale}, or alerts.silent without {rule.name}",
            )


def _counts(rule: AlertRule, alerts: Alerts) -> bool:
    """Whether anything is claimed of `rule`: it must fire, or must stay silent."""
    labels = {"alertname": rule.name, **rule.labels}

    def named(those: Iterable[AlertName]) -> bool:
        return any(one.matches(labels) for one in those)

    if named(alerts.expect):
        return True
    return not named(alerts.may_fire) if alerts.silent is None else named(alerts.silent)
