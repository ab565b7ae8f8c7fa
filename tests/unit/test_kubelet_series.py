"""Alerts on the kubelet's own series: how Prometheus is sent there, as whom, and what is said when nothing comes."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
import yaml
from histories import Record, drill, plan

from leakdrill.alerting.kubelet_series import refuse_short_ranges
from leakdrill.alerting.rules import read_rules
from leakdrill.alerting.time_scale import ranges
from leakdrill.errors import BadInput, EnvironmentProblem
from leakdrill.judging.drill import judge_claims
from leakdrill.record.events import KubeletScrape, PrometheusStart, SelectorMatches
from leakdrill.record.journal import Journal
from leakdrill.targets.kubernetes.api import Cluster
from leakdrill.targets.kubernetes.kubelet_scrape import KubeletJob, scrape_job, targets
from leakdrill.targets.kubernetes.workload_kind import DEPLOYMENT, KINDS

if TYPE_CHECKING:
    from pathlib import Path

    from leakdrill.record.verdict import Verdict
    from leakdrill.scenario.scenario import Scenario

SECRET = "a bearer's secret"  # noqa: S105 - it opens nothing
KEY = "a private key"


class Client:
    """The official client's edge: who we are, and where the API server is."""

    def __init__(self, folder: Path, authorization: str) -> None:
        for name in ("ca", "certificate", "key"):
            (folder / name).write_text(KEY if name == "key" else name)
        self.authorization = authorization
        self.rest_client = SimpleNamespace(pool_manager=None)
        self.configuration = SimpleNamespace(
            host="https://api.example:6443",
            ssl_ca_cert=str(folder / "ca"),
            cert_file=str(folder / "certificate"),
            key_file=str(folder / "key"),
            verify_ssl=True,
            tls_server_name=None,
            proxy=None,
        )

    def update_params_for_auth(self, headers: dict[str, str], *_: object) -> None:
        if self.authorization:
            headers["authorization"] = self.authorization

    def close(self) -> None:
        """It holds nothing."""


def job(folder: Path, journal: Journal, authorization: str) -> KubeletJob:
    return KubeletJob(
        Cluster(Client(folder, authorization), context="staging", kubeconfig=None),
        namespace="run-1",
        pods=DEPLOYMENT.pod_names("web"),
        nodes=lambda: {"node-1"},
        labels={"team": "shop"},
        folder=folder / "leakdrill-run-1-kubelet",
        journal=journal,
    )


def test_prometheus_is_sent_through_the_api_server_and_keeps_the_pods_of_the_run_with_their_own_times(tmp_path):
    """The whole entry, as it is written."""
    written = scrape_job(
        "https://api.example:6443",
        namespace="run-1",
        pods=DEPLOYMENT.pod_names("web"),
        nodes_file=tmp_path / "nodes.json",
        tls={"ca_file": "/private/ca"},
        token_file=tmp_path / "token",
    )
    assert written == {
        "job_name": "kubelet",
        "honor_labels": True,
        "honor_timestamps": True,
        "scrape_interval": "5s",
        "scrape_timeout": "5s",
        "scheme": "https",
        "tls_config": {"ca_file": "/private/ca"},
        "authorization": {"credentials_file": str(tmp_path / "token")},
        "file_sd_configs": [{"files": [str(tmp_path / "nodes.json")], "refresh_interval": "5s"}],
        "metric_relabel_configs": [
            {"source_labels": ["namespace"], "regex": "run-1", "action": "keep"},
            {"source_labels": ["pod"], "regex": "web-[a-z0-9]+-[a-z0-9]{5}", "action": "keep"},
        ],
    }


@pytest.mark.parametrize(
    ("address", "host", "path"),
    [
        ("https://api.example:6443", "api.example:6443", "/api/v1/nodes/b/proxy/metrics/cadvisor"),
        ("https://api.example/k8s/c-1/", "api.example:443", "/k8s/c-1/api/v1/nodes/b/proxy/metrics/cadvisor"),
        ("http://[::1]:8001", "[::1]:8001", "/api/v1/nodes/b/proxy/metrics/cadvisor"),
    ],
)
def test_each_node_has_its_own_way_through_the_api_server(address, host, path):
    (first, second) = targets(address, {"b", "a"}, {"team": "shop"})
    assert (first["labels"]["node"], second["targets"]) == ("a", [host])
    assert second["labels"] == {"__metrics_path__": path, "instance": "b", "node": "b", "team": "shop"}


@pytest.mark.parametrize(
    ("pod", "kept"),
    [("web-7d9f8b6c5-x2x4z", True), ("web-admin-7d9f8b6c5-x2x4z", False), ("web-0", False), ("other-7d9-x2x4z", False)],
)
def test_only_the_pods_of_the_deployment_are_kept(pod, kept):
    assert bool(re.fullmatch(DEPLOYMENT.pod_names("web"), pod)) == kept


def test_the_pods_of_a_deployment_with_a_long_name_are_kept():
    """Kubernetes cuts such a name short to make room for a pod's own part."""
    assert re.fullmatch(DEPLOYMENT.pod_names("w" * 60), "w" * 58 + "x2x4z")


@pytest.mark.parametrize(
    ("pod", "kinds"),
    [
        ("web-7d9f8b6c5-x2x4z", {"Deployment"}),
        ("web-x2x4z", {"DaemonSet"}),
        ("web-12", {"StatefulSet"}),
        ("web-admin-0", set()),
        ("web", set()),
    ],
)
def test_the_pods_of_each_kind_are_told_by_their_names(pod, kinds):
    assert {kind.name for kind in KINDS if re.fullmatch(kind.pod_names("web"), pod)} == kinds


def test_credentials_lie_where_only_their_owner_reads_and_are_gone_afterwards(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    this = job(tmp_path, journal, f"Bearer {SECRET}")
    written = this.start()
    folder = tmp_path / "leakdrill-run-1-kubelet"
    try:
        assert folder.stat().st_mode & 0o777 == 0o700
        assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}
        assert (folder / "token").read_text() == SECRET
        assert (folder / "key_file").read_text() == KEY
        assert written["tls_config"]["key_file"] == str(folder / "key_file")
        assert [entry.data["path"] for entry in journal.pending()] == [str(folder)]
        for told in (yaml.safe_dump(written), (tmp_path / "journal.jsonl").read_text()):
            assert SECRET not in told
            assert KEY not in told
    finally:
        this.stop()
        this.stop()
    assert not folder.exists()
    assert not journal.pending()
    journal.close()


def test_where_a_certificate_says_who_we_are_no_token_is_sent(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    this = job(tmp_path, journal, "")
    try:
        assert "authorization" not in this.start()
        assert json.loads((tmp_path / "leakdrill-run-1-kubelet" / "nodes.json").read_text()) == []
    finally:
        this.stop()
        journal.close()


def test_a_way_to_log_in_that_prometheus_has_not_is_refused(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    this = job(tmp_path, journal, "Basic dTpw")
    try:
        with pytest.raises(EnvironmentProblem, match=r"context staging: .* Basic authorization") as raised:
            this.start()
        assert "series: exporter" in raised.value.hint
    finally:
        this.stop()
        journal.close()
    assert not (tmp_path / "leakdrill-run-1-kubelet").exists()


RULES = """\
groups:
  - name: g
    rules:
      - alert: Level
        expr: container_memory_usage_bytes > 1
        for: 5m
      - alert: Trend
        expr: predict_linear(container_memory_usage_bytes[30m], 3600) > 1
      - alert: Errors
        expr: rate(http_errors_total[1m]) > 1
"""


def alerts(scale: float, **more: object) -> Scenario:
    return plan(alerts={"rules": ["r"], "time_scale": scale, **more})


def test_a_range_that_may_never_hold_two_measurements_is_refused_with_the_scale_that_would_do(tmp_path):
    (tmp_path / "rules.yaml").write_text(RULES)
    rules = read_rules([tmp_path / "rules.yaml"]).alerts
    refuse_short_ranges(rules, alerts(40).alerts)
    with pytest.raises(BadInput, match=r"rules\.yaml:7: Trend looks back 30 min.* at least 45 s") as raised:
        refuse_short_ranges(rules, alerts(60).alerts)
    assert "alerts.time_scale: 40" in raised.value.hint


@pytest.mark.parametrize("more", [{"may_fire": ["Trend"]}, {"silent": ["Level"]}])
def test_a_rule_of_which_nothing_is_claimed_is_not_refused(tmp_path, more):
    (tmp_path / "rules.yaml").write_text(RULES)
    named = {key: [{"alert": name} for name in names] for key, names in more.items()}
    refuse_short_ranges(read_rules([tmp_path / "rules.yaml"]).alerts, alerts(60, **named).alerts)


def test_ranges_are_those_of_the_series_that_are_meant():
    assert ranges("rate(container_x[5m]) + rate(other[1m]) + container_y", "container_") == [300.0]


def on_the_kubelet(record: Record, *, gone: tuple[float, float] = (0.0, 0.0)) -> Record:
    """`record` with a look at the kubelet's series each second, which found nothing in the stretch `gone`."""
    for t in range(3, 72):
        if gone[0] <= t <= gone[1]:
            record.sample(t, KubeletScrape(error="the kubelet of node a was not scraped: 503"))
        else:
            record.sample(t, KubeletScrape(targets=1.0, series=1.0, age_s=4.0))
    return record.sample(14, SelectorMatches(1.0, alert="HighMemoryUsage", selector="x", jobs="kubelet"))


def verdicts(record: Record, scenario: Scenario | None = None) -> dict[str, Verdict]:
    return {v.check: v for v in judge_claims(record.history(), scenario or plan())}


def test_the_verdict_says_that_the_alert_was_judged_on_the_kubelets_series():
    told = verdicts(on_the_kubelet(drill()))
    assert {v.outcome for v in told.values()} == {"PASS"}
    assert "judged on the kubelet's own series" in told["alert_fires_in_time"].message
    assert told["alert_fires_in_time"].numbers["floor_s"] == pytest.approx(25.5)


def test_an_alert_on_our_own_series_is_told_as_ever():
    """They are published under the kubelet's job, as production has them; nobody scraped a kubelet."""
    assert "judged" not in verdicts(drill())["alert_fires_in_time"].message
    own = drill().act(PrometheusStart(), 1, 2)
    own.sample(14, SelectorMatches(1.0, alert="HighMemoryUsage", selector="x", jobs="kubelet"))
    assert "judged" not in verdicts(own)["alert_fires_in_time"].message


def test_silence_without_the_kubelets_series_is_no_pass():
    """The alert did not fire and no other did: while nothing was there to judge, neither says anything."""
    record = on_the_kubelet(drill().drop("prometheus", "alert"), gone=(16, 60))
    told = verdicts(record)
    for check in ("alert_fires_in_time", "other_alerts_stay_silent", "measurements_are_complete"):
        assert told[check].outcome == "UNKNOWN", check
        assert "Prometheus had no series of the kubelet's" in told[check].message
        assert "503" in told[check].message


def test_a_scrape_that_fails_between_two_measurements_loses_nothing():
    assert verdicts(on_the_kubelet(drill(), gone=(20, 36)))["measurements_are_complete"].outcome == "PASS"


def test_a_record_in_which_nobody_looked_for_the_kubelets_series_is_not_complete():
    form = {"name": "web", "command": ["x"], "kind": "kubernetes", "kubernetes": {"image": "i", "series": "kubelet"}}
    told = verdicts(drill(), plan(target=form))["measurements_are_complete"]
    assert (told.outcome, "nobody looked" in told.message) == ("UNKNOWN", True)


def test_a_subquery_of_a_function_that_needs_two_samples_counts_as_a_range():
    expr = "rate(container_a[2m:10s]) > max_over_time(rate(container_a[5m])[1h:]) + deriv(other[7m:])"
    assert sorted(ranges(expr, "container_")) == [120.0, 300.0]
