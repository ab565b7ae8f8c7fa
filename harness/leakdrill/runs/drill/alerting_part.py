"""The alerting of a drill: servers of its own, or a Prometheus that it only watches.

webhook, exporter ── Alertmanager ── Prometheus ── pollers
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from leakdrill.alerting.alertmanager import AlertmanagerServer
from leakdrill.alerting.cannot_fire import refuse_long_for
from leakdrill.alerting.exporter import Exporter
from leakdrill.alerting.family_labels import container_labels, more_labels
from leakdrill.alerting.inhibited import InhibitionPoller
from leakdrill.alerting.kubelet_series import LOOKBACK_AT_LEAST_S, KubeletSeries, refuse_short_ranges
from leakdrill.alerting.metrics_relay import MetricsRelay
from leakdrill.alerting.prometheus import OWN_JOB, PrometheusServer
from leakdrill.alerting.published_series import asked_by_rules
from leakdrill.alerting.routed import RouteNotes
from leakdrill.alerting.routing import default_routing, read_routing
from leakdrill.alerting.scrape_target import ScrapeTarget
from leakdrill.alerting.short_times import short_times
from leakdrill.alerting.states import AlertPoller, record_selector_counts
from leakdrill.alerting.threshold import record_thresholds
from leakdrill.alerting.watching import Watching
from leakdrill.alerting.webhook import Webhook
from leakdrill.record.events import Notice
from leakdrill.scenario.kubernetes import KUBELET
from leakdrill.targets.base.capabilities import KubeletScraped
from leakdrill.targets.kinds import find_capability

if TYPE_CHECKING:
    from leakdrill.alerting.routing import Routing
    from leakdrill.alerting.rules import Rules
    from leakdrill.record.journal import Journal
    from leakdrill.record.recorder import Recorder
    from leakdrill.record.store import RunFolder
    from leakdrill.scenario.alerts import AlertName, Alerts
    from leakdrill.scenario.scenario import Scenario
    from leakdrill.targets.base.capabilities import Target


class AlertingPart:
    """The servers and pollers that turn the readings of one drill into alerts and notifications.

    Args:
        scenario: says which routing, and which Prometheus if it is not the drill's own.
        rules: what Prometheus evaluates.
        target: what is scraped beside our exporter.
        folder: the run's folder.
        recorder: gets alerts and notifications, and publishes its readings through the exporter.
        journal: gets each process before it is started.

    Raises:
        BadInput: when the routing cannot be used, or the Prometheus to be watched does not answer.
    """

    def __init__(
        self,
        scenario: Scenario,
        rules: Rules,
        target: Target,
        *,
        folder: RunFolder,
        recorder: Recorder,
        journal: Journal,
    ) -> None:
        self._scenario = scenario
        self._target = target
        self._folder = folder
        self._recorder = recorder
        self._journal = journal
        self._stops = ExitStack()
        self._rules = rules
        url = scenario.alerts.prometheus
        self._watching = None if url is None else Watching(url, scenario.alerts, recorder)
        self._poller = None if self._watching is None else self._watching.poller
        if self._watching is not None:
            refuse_long_for(self._watching.rules, scenario)
        self._webhook = Webhook(recorder)
        self._stops.callback(self._webhook.stop)
        self._routing = _read_routing(scenario.alerts, self._webhook)
        scraped = find_capability(target, KubeletScraped)
        self._kubelet = scraped.kubelet_job if scraped else None
        if self._kubelet is not None:
            refuse_short_ranges(self._rules.alerts, scenario.alerts)
        self._kubelet_series: KubeletSeries | None = None
        self._prometheus: PrometheusServer | None = None
        self._alertmanager: AlertmanagerServer | None = None

    @property
    def remarks(self) -> list[str]:
        """The remarks about the routing."""
        return list(self._routing.remarks)

    @property
    def prometheus_url(self) -> str | None:
        """Where the Prometheus answers that evaluates the rules; None where there is none."""
        server = self._watching or self._prometheus
        return server.url if server else None

    def start(self) -> None:
        """Start what the scenario's rules need.

        Raises:
            LeakdrillError: when a server does not come up.
        """
        if self._watching is not None:
            self._stops.callback(self._watching.stop)
            self._watching.start()
            return
        self._webhook.start()
        exporter = self._start_exporter()
        if self._rules.alerts:
            self._alertmanager = self._start_alertmanager()
            self._prometheus = self._start_prometheus(exporter, self._alertmanager)

    def stop(self) -> None:
        """Stop everything, newest first; does nothing the second time."""
        self._stops.close()

    def wait_until_watching(self) -> None:
        """Return when Prometheus has scraped everything once: until then no alert can fire.

        Raises:
            ComponentDied: when it does not come to that.
        """
        if self._prometheus is not None:
            self._prometheus.wait_until_watching()
        if self._kubelet_series is not None:
            self._kubelet_series.wait_for_series()

    def firing(self, name: AlertName) -> bool:
        """Whether an alert that `name` matches is firing now."""
        return self._poller is not None and self._poller.firing(name)

    def lost(self) -> str | None:
        """Returns why alerts cannot be seen any more; None while they can."""
        if self._watching is not None and not self._watching.alive():
            return f"the Prometheus at {self._watching.url} answered no more"
        if self._kubelet_series is not None and self._kubelet_series.lost:
            return f"Prometheus lost sight of the kubelet: {self._kubelet_series.lost}"
        return None

    def ended(self) -> str | None:
        """The name of a server that has ended; None while all run."""
        servers = {"Prometheus": self._prometheus, "Alertmanager": self._alertmanager}
        return next((name for name, server in servers.items() if server and not server.alive()), None)

    def record_rules(self) -> None:
        """Record how many series each rule's selectors match: a rule that matches none can never fire.

        And at which share of the limit each alert on memory begins to count, and for how long it must hold.
        """
        if self.prometheus_url is not None:
            rules = self._watching.rules if self._watching else self._rules.alerts
            record_thresholds(self._recorder, rules)
            record_selector_counts(self.prometheus_url, self._recorder, rules)

    def _start_exporter(self) -> Exporter:
        target, asked = self._scenario.target, asked_by_rules(self._scenario, self._rules)
        exporter = Exporter(
            self._recorder,
            labels=container_labels(target, self._target.labels, asked),
            more=more_labels(target, self._target.labels, asked),
            limit_bytes=target.limits.memory,
            cpus=target.limits.cpus,
            containers=self._kubelet is None,
            time_scale=self._scenario.alerts.time_scale,
        )
        self._stops.callback(exporter.stop)
        exporter.start()
        return exporter

    def _start_alertmanager(self) -> AlertmanagerServer:
        server = AlertmanagerServer(
            self._folder.path, self._recorder, self._journal, run_id=self._folder.run_id, routing=self._routing
        )
        self._stops.callback(server.stop)
        server.start()
        routes = RouteNotes(self._routing.tree, self._recorder)
        inhibited = InhibitionPoller(server.url, self._recorder, routes=routes)
        self._stops.callback(inhibited.stop)
        inhibited.start()
        return server

    def _start_prometheus(self, exporter: Exporter, alertmanager: AlertmanagerServer) -> PrometheusServer:
        alerts = self._scenario.alerts
        written = self._rules.write(self._folder.path / "prometheus" / "rules", alerts.time_scale)
        for remark in (*written.remarks, *_short(self._rules, alerts)):
            self._recorder.record(Notice(remark))
        server = PrometheusServer(
            self._folder.path,
            self._recorder,
            self._journal,
            run_id=self._folder.run_id,
            scrape_targets=self._scrape_targets(exporter),
            more_jobs=self._kubelet_jobs(),
            lookback_at_least_s=LOOKBACK_AT_LEAST_S if self._kubelet else 0.0,
            rules_files=written.files,
            alertmanager_url=alertmanager.url,
            scrape_interval_s=alerts.scrape_interval,
            scrape_timeout_s=alerts.scrape_timeout,
            evaluation_interval_s=alerts.evaluation_interval,
            time_scale=alerts.time_scale,
        )
        self._stops.callback(server.stop)
        server.start()
        self._start_pollers(server)
        return server

    def _start_pollers(self, server: PrometheusServer) -> None:
        self._poller = AlertPoller(server.url, self._recorder, scraped=OWN_JOB)
        self._stops.callback(self._poller.stop)
        self._poller.start()
        if self._kubelet is not None:
            self._kubelet_series = KubeletSeries(server.url, KUBELET, self._recorder)
            self._stops.callback(self._kubelet_series.stop)
            self._kubelet_series.start()

    def _kubelet_jobs(self) -> list[dict[str, object]]:
        if self._kubelet is None:
            return []
        self._stops.callback(self._kubelet.stop)
        return [self._kubelet.start()]

    def _scrape_targets(self, exporter: Exporter) -> list[ScrapeTarget]:
        own = ScrapeTarget(job=OWN_JOB, address=exporter.address)
        return [own, self._service_metrics()] if self._scenario.target.metrics else [own]

    def _service_metrics(self) -> ScrapeTarget:
        url = f"{self._target.base_url}{self._scenario.target.metrics}"
        taken = self._target.name in (OWN_JOB, KUBELET)  # by a job of the drill's own
        job = f"{self._target.name}{' (service)' if taken else ''}"
        if self._target.access.is_open:
            return ScrapeTarget(job=job, address=url.removeprefix("http://"))
        relay = MetricsRelay(url, self._target.access)
        self._stops.callback(relay.stop)
        relay.start()
        return ScrapeTarget(job=job, address=relay.address, origin=url)


def _short(rules: Rules, alerts: Alerts) -> list[str]:
    """Returns the remarks about times of the rules that are too short for how often they are looked at."""
    return [f"{rule.file.name}: {rule.name}: {remark}" for rule in rules.alerts for remark in short_times(rule, alerts)]


def _read_routing(alerts: Alerts, webhook: Webhook) -> Routing:
    if alerts.routing is None:
        return default_routing(scale=alerts.time_scale, webhook_url=webhook.url)
    return read_routing(alerts.routing, scale=alerts.time_scale, webhook_url=webhook.url)
