"""The drill's own Prometheus: it scrapes the exporter and evaluates the rules."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from leakdrill.alerting.durations import show_ms
from leakdrill.alerting.prometheus_api import NoAnswer, PrometheusApi
from leakdrill.alerting.server import Server, find_binary
from leakdrill.errors import ComponentDied
from leakdrill.record.events import Notice, PrometheusExited, PrometheusStart
from leakdrill.units import show_duration
from leakdrill.wait import TimedOut, wait_for
from leakdrill.yaml_file import dump_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from leakdrill.alerting.scrape_target import ScrapeTarget
    from leakdrill.record.journal import Journal
    from leakdrill.record.recorder import Recorder

BINARIES: Final = ("prometheus",)
PACKAGE: Final = "prometheus"

LOOKBACK_S: Final = 300.0
RESEND_DELAY_S: Final = 60.0
OUTAGE_TOLERANCE_S: Final = 3600.0
GRACE_PERIOD_S: Final = 600.0
"""Prometheus' own defaults, which a production server has when nobody changed them; divided like the rules."""

_LEAST_RESEND_S: Final = 0.5
"""An alert not sent again for four resend delays counts as over; less than 2 s would make a busy machine lie."""

OWN_JOB: Final = "leakdrill"
"""The job that scrapes the drill's own readings."""

_SLOWER: Final = 4
"""How much more time the service's metrics are given when they took too long."""
_SLOWEST_S: Final = 10.0
_DEADLINE: Final = "deadline exceeded"
_SCRAPE_HINTS: Final = (
    (_DEADLINE, "`alerts.scrape_timeout` says how long the service's metrics may take, such as 10s"),
    (r"status 40[13]", "a drill scrapes without a login: let metrics answer on loopback, or leave target.metrics out"),
    (r"status 404", "target.metrics is the path of the service's metrics; leave it out where there are none"),
    (r"status 3\d\d", "no redirect is followed: target.metrics is the path that answers itself"),
    (r"connection refused|no such host", "does the service listen for its metrics on the port that it is given?"),
    (
        r"(?i)gzip|flate|parse|expected|invalid|content.type|unsupported|unexpected",
        "the page is not in Prometheus' text format: curl it, and `promtool check metrics` says what is wrong",
    ),
)
"""What may help, by what Prometheus says of a scrape that failed."""
_LOOKBACK_SCRAPES: Final = 4


class PrometheusServer:
    """A Prometheus on a free loopback port, with everything of its own under `run_dir/prometheus`.

    Args:
        run_dir: the run's folder.
        recorder: gets `PrometheusStart`, and `PrometheusExited` when it ends unasked.
        journal: hears of process and data folder before they exist.
        run_id: marks the process as ours.
        scrape_targets: what is scraped.
        more_jobs: entries of `scrape_configs` as they are; nobody waits for their first scrape here.
        rules_files: as `Rules.write` made them.
        alertmanager_url: `http://host:port`, or None to notify nobody.
        scrape_interval_s: rehearsal seconds.
        scrape_timeout_s: how long the service's own metrics may take; they are then scraped at most so often. None: as
            long as they are seen to take, up to the ten seconds that Prometheus gives by default.
        evaluation_interval_s: rehearsal seconds.
        time_scale: divides the server's own waits.
        lookback_at_least_s: for how long a sample counts as the newest, whatever the scale.
    """

    def __init__(  # noqa: PLR0913 - each is one line of its configuration, and is named at the call
        self,
        run_dir: Path,
        recorder: Recorder,
        journal: Journal,
        *,
        run_id: str,
        scrape_targets: Sequence[ScrapeTarget],
        more_jobs: Sequence[Mapping[str, object]] = (),
        rules_files: Sequence[Path],
        alertmanager_url: str | None = None,
        scrape_interval_s: float = 0.5,
        scrape_timeout_s: float | None = None,
        evaluation_interval_s: float = 0.5,
        time_scale: float = 1.0,
        lookback_at_least_s: float = 0.0,
    ) -> None:
        self._server = Server("Prometheus", run_dir / "prometheus", journal, run_id=run_id, on_exit=self._note_exit)
        self._recorder = recorder
        self._scrape_s, self._evaluate_s = scrape_interval_s, evaluation_interval_s
        self._scale = time_scale
        self._lookback_at_least_s = lookback_at_least_s
        self._unawaited = frozenset(str(job["job_name"]) for job in more_jobs)
        self._asking: PrometheusApi | None = None
        self._scrape_targets, self._more_jobs = scrape_targets, more_jobs
        self._rules_files, self._alertmanager_url = rules_files, alertmanager_url
        self._measured = scrape_timeout_s is None
        self._service_scrape_s = max(scrape_interval_s, scrape_timeout_s or 0.0)

    @property
    def url(self) -> str:
        """The address that it answers at; known after `start`."""
        return self._server.url

    @property
    def pid(self) -> int:
        """The process id; 0 before `start`."""
        return self._server.pid

    def alive(self) -> bool:
        """Whether the process runs."""
        return self._server.alive()

    def start(self) -> None:
        """Start it and return when it is ready.

        Raises:
            EnvironmentProblem: when Prometheus is not installed.
            ComponentDied: when it does not come up; with the last lines of its log.
        """
        binary = find_binary(BINARIES, package=PACKAGE)
        self._server.folder.mkdir(parents=True, exist_ok=True)
        config = self._write_config()
        with self._recorder.act(PrometheusStart()) as note:
            self._server.start(lambda port: [binary, f"--config.file={config}", *self._flags(port)])
            note.labels["pid"], note.labels["url"] = str(self.pid), self.url

    def watching(self) -> bool:
        """Whether it has scraped every target and knows Alertmanager.

        Until then no alert can fire. Prometheus hands new targets to its scraper every five seconds, by a clock that
        cannot be set, so this takes five seconds from `start`: use them to start the service.
        """
        try:
            return self._api().sees_everything(alertmanager=self._alertmanager_url is not None, besides=self._unawaited)
        except NoAnswer:
            return False

    def wait_until_watching(self, *, timeout_s: float = 20.0) -> None:
        """Return when it is `watching`.

        Raises:
            ComponentDied: when it ended, or the time is over.
        """

        def probe() -> str | None:
            if not self.alive():
                return "dead"
            return "watching" if self.watching() else "slow" if self._metrics_are_slow() else None

        state = "slow"
        while state == "slow":
            try:
                state = wait_for(probe, what=f"the first scrape by Prometheus at {self.url}", timeout_s=timeout_s)
            except TimedOut as e:
                told, hint = self._unscraped()
                raise ComponentDied(f"{e}{told}", hint=hint) from e
            if state == "slow":
                self._allow_slow_metrics()
        if state == "dead":
            raise ComponentDied("Prometheus ended before its first scrape", hint=f"read {self._server.log}")

    def _metrics_are_slow(self) -> bool:
        """Whether the service's metrics take longer than they may, and may be given more time."""
        slower_s = self._service_scrape_s * _SLOWER
        if not self._measured or slower_s > min(_SLOWEST_S, self._lookback_s() / 2):
            return False
        try:
            targets = self._api().targets()
        except NoAnswer:
            return False
        since = f"{_duration(self._service_scrape_s)}"
        return any(
            t.get("scrapePool") != OWN_JOB and t.get("scrapeTimeout") == since and _DEADLINE in str(t.get("lastError"))
            for t in targets
        )

    def _allow_slow_metrics(self) -> None:
        was_s, self._service_scrape_s = self._service_scrape_s, self._service_scrape_s * _SLOWER
        self._recorder.record(
            Notice(
                f"the service's metrics take longer than {show_duration(was_s)}; they are scraped every "
                f"{show_duration(self._service_scrape_s)}, and may take as long"
            )
        )
        self._write_config()
        self._server.reload()

    def _unscraped(self) -> tuple[str, str]:
        """What was not scraped and why, and what may help."""
        try:
            origins = {target.job: target.origin for target in self._scrape_targets}
            return _unscraped(self._api().targets(), origins, self._server.log)
        except NoAnswer as e:
            return f"; {e}", f"read {self._server.log}"

    def stop(self) -> None:
        """End it and remove its data; configuration, rules and log stay. May be called again."""
        if self._asking:
            self._asking.close()
            self._asking = None
        self._server.stop()

    def _note_exit(self, code: float) -> None:
        self._recorder.record(PrometheusExited(code))

    def _api(self) -> PrometheusApi:
        self._asking = self._asking or PrometheusApi(self.url)
        return self._asking

    def _write_config(self) -> Path:
        """Write the configuration; returns its file."""
        path = self._server.folder / "prometheus.yml"
        config = {
            "global": {
                "scrape_interval": _duration(self._scrape_s),
                "scrape_timeout": _duration(self._scrape_s),
                "evaluation_interval": _duration(self._evaluate_s),
            },
            "rule_files": [str(file.resolve()) for file in self._rules_files],
            "scrape_configs": [
                *(target.entry(self._every_s(target.job)) for target in self._scrape_targets),
                *map(dict, self._more_jobs),
            ],
            **({"alerting": _alerting(self._alertmanager_url)} if self._alertmanager_url else {}),
        }
        path.write_text(dump_yaml(config), encoding="utf-8")
        return path

    def _every_s(self, job: str) -> float:
        return self._scrape_s if job == OWN_JOB else self._service_scrape_s

    def _lookback_s(self) -> float:
        scrapes_s = _LOOKBACK_SCRAPES * max(
            self._scrape_s, self._evaluate_s, 0 if self._measured else self._service_scrape_s
        )
        return max(LOOKBACK_S / self._scale, scrapes_s, self._lookback_at_least_s)

    def _flags(self, port: int) -> list[str]:
        return [
            f"--web.listen-address=127.0.0.1:{port}",
            f"--storage.tsdb.path={self._server.data}",
            "--storage.tsdb.retention.time=1d",
            f"--query.lookback-delta={_duration(self._lookback_s())}",
            f"--rules.alert.resend-delay={_duration(max(RESEND_DELAY_S / self._scale, _LEAST_RESEND_S))}",
            f"--rules.alert.for-outage-tolerance={_duration(OUTAGE_TOLERANCE_S / self._scale)}",
            f"--rules.alert.for-grace-period={_duration(GRACE_PERIOD_S / self._scale)}",
        ]


def _unscraped(targets: Sequence[Mapping[str, Any]], origins: Mapping[str, str], log: Path) -> tuple[str, str]:
    down = {
        origins.get(t.get("scrapePool", "")) or str(t.get("scrapeUrl")): str(t.get("lastError") or "")
        for t in targets
        if t.get("health") != "up"
    }
    told = "; ".join(f"{url} was not scraped: {error or 'not asked yet'}" for url, error in down.items())
    hints = (hint for error in down.values() for pattern, hint in _SCRAPE_HINTS if re.search(pattern, error))
    return f"; {told}" if told else "", next(hints, f"read {log}")


def _duration(seconds: float) -> str:
    return show_ms(max(1, round(seconds * 1000)))


def _alerting(url: str) -> dict[str, object]:
    address = url.removeprefix("http://")
    return {"alertmanagers": [{"api_version": "v2", "static_configs": [{"targets": [address]}]}]}
