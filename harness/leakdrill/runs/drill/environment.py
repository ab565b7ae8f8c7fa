"""Everything that a drill starts: made from the scenario, up in the order of need, down in reverse.

    webhook, exporter ── Alertmanager ── Prometheus ── poller
                target ── sampler ── load

The target and Prometheus' servers start side by side: neither needs the other to come up, and a drill's time is dear.
"""

from __future__ import annotations

import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from leakdrill.alerting.alertmanager import BINARIES as ALERTMANAGER
from leakdrill.alerting.alertmanager import AlertmanagerServer
from leakdrill.alerting.exporter import Exporter
from leakdrill.alerting.inhibited import InhibitionPoller
from leakdrill.alerting.kubelet_series import LOOKBACK_AT_LEAST_S, KubeletSeries, refuse_short_ranges
from leakdrill.alerting.prometheus import BINARIES as PROMETHEUS
from leakdrill.alerting.prometheus import PrometheusServer
from leakdrill.alerting.routing import default_routing, read_routing
from leakdrill.alerting.rules import read_rules
from leakdrill.alerting.states import AlertPoller, record_selector_counts
from leakdrill.alerting.threshold import record_thresholds
from leakdrill.alerting.watching import Watching
from leakdrill.alerting.webhook import Webhook
from leakdrill.load.locust import LocustLoad
from leakdrill.load.workers import HostsLoadWorkers
from leakdrill.meters.gpu import gpu_meters
from leakdrill.meters.sampler import Sampler
from leakdrill.meters.torch_allocator import TorchMeter
from leakdrill.runs.undo import undo_all
from leakdrill.scenario.kubernetes import KUBELET
from leakdrill.targets.base.capabilities import KubeletScraped, Losable
from leakdrill.targets.kinds import find_capability, make_target

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from leakdrill.alerting.routing import Routing
    from leakdrill.load.workers import WorkerPlace
    from leakdrill.record.history import Event
    from leakdrill.record.journal import Journal
    from leakdrill.record.recorder import Recorder
    from leakdrill.record.store import RunFolder
    from leakdrill.scenario.alerts import AlertName, ExpectedAlert
    from leakdrill.scenario.scenario import Scenario

READINGS_PER_S: Final = 10.0
_FIRST_REQUEST_TIMEOUT_S: Final = 20.0
_SPARE_S: Final = 120.0  # Locust ends by itself this long after the drill should have ended it


class Environment:
    """The parts of one drill.

    Args:
        scenario: what to build.
        scenario_dir: what its command may refer to as `{scenario_dir}`.
        folder: the run's folder.
        recorder: hears of everything.
        journal: hears of every change before it is made.

    Raises:
        BadInput: when the rules or the routing cannot be used, or those to be watched do not answer; nothing was
            started then.
    """

    def __init__(
        self, scenario: Scenario, *, scenario_dir: Path, folder: RunFolder, recorder: Recorder, journal: Journal
    ) -> None:
        self._scenario = scenario
        self._folder = folder
        self._recorder = recorder
        self._journal = journal
        self._rules = read_rules(scenario.alerts.rules)
        url = scenario.alerts.prometheus
        self._watching = None if url is None else Watching(url, scenario.alerts, recorder)
        self._webhook = Webhook(recorder)
        self._routing = self._read_routing()
        self.target = make_target(
            scenario,
            scenario_dir=scenario_dir,
            run_dir=folder.path,
            run_id=folder.run_id,
            recorder=recorder,
            journal=journal,
        )
        self.run_dir = folder.path
        self.leftovers: list[str] = []
        self._is_down = False
        self._down: list[Callable[[], object]] = [self._webhook.stop]
        self._prometheus: PrometheusServer | None = None
        scraped = find_capability(self.target, KubeletScraped)
        self._kubelet = scraped.kubelet_job if scraped else None
        if self._kubelet is not None:
            refuse_short_ranges(self._rules.alerts, scenario.alerts)
        self._kubelet_series: KubeletSeries | None = None
        self._alertmanager: AlertmanagerServer | None = None
        self._load: LocustLoad | None = None
        self._fired: list[dict[str, str]] = []
        self._delivered: list[dict[str, str]] = []
        self._inhibited: list[dict[str, str]] = []
        recorder.subscribe(self._note_alert)

    def up(self) -> None:
        """Start everything and return when requests arrive.

        Raises:
            LeakdrillError: when a part does not come up; the caller takes the rest down.
        """
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="alerting") as pool:
            alerting = pool.submit(self._start_alerting)
            self._down.append(self.target.stop)
            self.target.start()
            alerting.result()
        for notice in (*self.target.notices(), *self._routing.remarks):
            self._recorder.sample("drill", "notice", notice)
        self._start_load()

    def down(self) -> None:
        """Stop everything, newest first; undo what the journal still holds. `leftovers` names what would not go.

        Does nothing the second time.
        """
        if self._is_down:
            return
        while self._down:
            self._down.pop()()
        self.leftovers = undo_all(self._journal)
        self._is_down = True

    def wait_until_watched(self) -> None:
        """Return when Prometheus has scraped everything once: until then no alert can fire.

        Raises:
            ComponentDied: when it does not come to that.
        """
        if self._prometheus is not None:
            self._prometheus.wait_until_watching()
        if self._kubelet_series is not None:
            self._kubelet_series.wait_until_seen()

    def broken(self) -> str | None:
        """Which part the drill cannot go on without has ended, or None."""
        if self._watching is not None and not self._watching.alive():
            return f"the Prometheus at {self._watching.url} answered no more"
        losable = find_capability(self.target, Losable)
        if losable and losable.lost:
            return f"the target was lost sight of: {losable.lost}"
        if self._kubelet_series is not None and self._kubelet_series.lost:
            return f"Prometheus lost sight of the kubelet: {self._kubelet_series.lost}"
        parts = {"Prometheus": self._prometheus, "Alertmanager": self._alertmanager, "Locust": self._load}
        return next((f"{name} ended in the middle of the drill" for name, part in parts.items() if _dead(part)), None)

    def note_selectors(self) -> None:
        """Record how many series each rule's selectors match: a rule that matches none can never fire.

        And at which share of the limit each alert on memory begins to count, and for how long it must hold.
        """
        asked = self._watching or self._prometheus
        if asked is not None:
            rules = self._watching.rules if self._watching else self._rules.alerts
            record_thresholds(self._recorder, rules)
            record_selector_counts(asked.url, self._recorder, rules)

    def has_fired(self, name: AlertName) -> bool:
        """Whether `name` has fired in this drill."""
        return any(name.matches(labels) for labels in list(self._fired))

    def delivered(self, alert: ExpectedAlert) -> bool:
        """Whether the notification of `alert` has arrived, at its receiver where the scenario names one.

        An alert that Alertmanager inhibits has said all that it will say; where no delivery can be seen, so has one
        that fires.
        """
        if not self._scenario.alerts.delivery_seen:
            return self.has_fired(alert)
        return any(alert.matches(labels) for labels in list(self._inhibited)) or any(
            alert.matches(labels) and alert.receiver in (None, labels.get("receiver"))
            for labels in list(self._delivered)
        )

    def _read_routing(self) -> Routing:
        alerts = self._scenario.alerts
        if alerts.routing is None:
            return default_routing(scale=alerts.time_scale, webhook_url=self._webhook.url)
        return read_routing(alerts.routing, scale=alerts.time_scale, webhook_url=self._webhook.url)

    def _start_alerting(self) -> None:
        if self._watching is not None:
            self._down.append(self._watching.stop)
            self._watching.start()
            return
        self._webhook.start()
        exporter = self._start_exporter()
        if not self._rules.alerts:
            return
        alerts, run = self._scenario.alerts, self._folder
        written = self._rules.write(run.path / "prometheus" / "rules", alerts.time_scale)
        for remark in written.remarks:
            self._recorder.sample("drill", "notice", remark)
        self._alertmanager = AlertmanagerServer(
            run.path, self._recorder, self._journal, run_id=run.run_id, routing=self._routing
        )
        self._down.append(self._alertmanager.stop)
        self._alertmanager.start()
        inhibited = InhibitionPoller(self._alertmanager.url, self._recorder)
        self._down.append(inhibited.stop)
        inhibited.start()
        self._prometheus = PrometheusServer(
            run.path,
            self._recorder,
            self._journal,
            run_id=run.run_id,
            scrape_targets=self._scrape_targets(exporter),
            more_jobs=self._kubelet_jobs(),
            lookback_at_least_s=LOOKBACK_AT_LEAST_S if self._kubelet else 0.0,
            rules_files=written.files,
            alertmanager_url=self._alertmanager.url,
            scrape_interval_s=alerts.scrape_interval,
            evaluation_interval_s=alerts.evaluation_interval,
            time_scale=alerts.time_scale,
        )
        self._down.append(self._prometheus.stop)
        self._prometheus.start()
        poller = AlertPoller(self._prometheus.url, self._recorder)
        self._down.append(poller.stop)
        poller.start()
        if self._kubelet is not None:
            self._kubelet_series = KubeletSeries(self._prometheus.url, KUBELET, self._recorder)
            self._down.append(self._kubelet_series.stop)
            self._kubelet_series.start()

    def _kubelet_jobs(self) -> list[dict[str, object]]:
        if self._kubelet is None:
            return []
        self._down.append(self._kubelet.stop)
        return [self._kubelet.start()]

    def _start_exporter(self) -> Exporter:
        target = self._scenario.target
        exporter = Exporter(
            self._recorder,
            labels=self.target.labels,
            mountpoint=f"/var/lib/{target.name}",
            fstype="ext4",
            limit_bytes=target.limits.memory,
            cpus=target.limits.cpus,
            containers=self._kubelet is None,
        )
        self._down.append(exporter.stop)
        exporter.start()
        return exporter

    def _scrape_targets(self, exporter: Exporter) -> dict[str, str]:
        targets = {"leakdrill": exporter.address}
        if self._scenario.target.metrics:
            targets[self.target.name] = self.target.base_url.removeprefix("http://") + self._scenario.target.metrics
        return targets

    def _start_load(self) -> None:
        phases, spec = self._scenario.phases, self._scenario.load
        self._load = LocustLoad(
            spec,
            host=self.target.base_url,
            run_dir=self._folder.path,
            run_id=self._folder.run_id,
            recorder=self._recorder,
            journal=self._journal,
            max_run_s=phases.warmup + phases.baseline + phases.load + phases.mitigate + phases.recover + _SPARE_S,
            place=self._place_of_workers(),
        )
        meters = [*self.target.meters(), *gpu_meters(self._scenario.target.gpu, self.target, self._recorder)]
        if self._scenario.torch is not None:
            meters.append(TorchMeter(self.target.base_url + self._scenario.torch.path))
        sampler = Sampler(meters, self._recorder, rate_hz=READINGS_PER_S, requests=self._load.requests)
        self._down += [sampler.stop, self._load.stop]
        sampler.start()
        with self._recorder.act("load", "start") as note:
            self._load.start()
            note.labels["pid"] = str(self._load.pid)
            self._load.wait_first_request(_FIRST_REQUEST_TIMEOUT_S)

    def _place_of_workers(self) -> WorkerPlace | None:
        spec = self._scenario.load
        host = find_capability(self.target, HostsLoadWorkers)
        return host.load_workers() if host and spec.workers > 1 and spec.workers_on == "target" else None

    def _note_alert(self, event: Event) -> None:
        key = (event.source, event.name, event.value)
        if key == ("prometheus", "alert", "firing"):
            self._fired.append(dict(event.labels))
        elif key == ("alertmanager", "notification", "firing"):
            self._delivered.append(dict(event.labels))
        elif key[:2] == ("alertmanager", "inhibited"):
            self._inhibited.append(dict(event.labels))


def server_versions() -> dict[str, str]:
    """The versions of Prometheus and Alertmanager on this machine; those that are not installed are left out."""
    found = {}
    for name, binaries in (("prometheus", PROMETHEUS), ("alertmanager", ALERTMANAGER)):
        path = next((path for binary in binaries if (path := shutil.which(binary))), None)
        if path is not None:
            done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=False)
            words = (done.stdout + done.stderr).split()
            found[name] = words[words.index("version") + 1] if "version" in words[:-1] else "unknown"
    return found


def _dead(part: PrometheusServer | AlertmanagerServer | LocustLoad | None) -> bool:
    return part is not None and not part.alive()
