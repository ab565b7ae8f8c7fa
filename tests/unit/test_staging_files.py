"""The files of the staging stack agree with the catalogue, with each other and with what they are for."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from leakdrill.alerting.rules import read_rules
from staging.configure import PAGER, configure

ROOT = Path(__file__).parents[2]
STACK = ROOT / "deploy" / "staging"
FILE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = FILE["services"]


def test_every_port_is_on_loopback():
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:${LEAKDRILL_") for port in ports)


def test_every_service_but_the_optional_one_runs_as_an_ordinary_user():
    users = {name: str(service.get("user", "")) for name, service in SERVICES.items() if "profiles" not in service}
    assert not [name for name, user in users.items() if user in ("", "0", "root", "0:0")]


def test_the_image_of_leakdrill_has_what_it_needs():
    needs = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = needs["optional-dependencies"]
    wanted = {re.split(r"[<>=]", need)[0] for need in needs["dependencies"] + extras["docker"] + extras["kubernetes"]}
    given = SERVICES["configure"]["build"]["args"]
    assert wanted <= set(given["PACKAGES"].split())
    assert {"prometheus", "prometheus-alertmanager", "tini"} <= set(given["SYSTEM_PACKAGES"].split())


@pytest.mark.parametrize("scale", [1, 60])
def test_prometheus_and_alertmanager_get_the_catalogues_own_rules_and_routing(tmp_path, scale):
    configure(tmp_path, time_scale=scale)
    catalogue = [p for p in (ROOT / "scenarios" / "rules").glob("*.yaml") if not p.stem.endswith(("_test", "routing"))]
    written = read_rules(sorted((tmp_path / "rules").glob("*.yaml")))
    assert {a.name for a in written.alerts} == {a.name for a in read_rules(catalogue).alerts}
    routing = yaml.safe_load((tmp_path / "alertmanager.yml").read_text())
    assert [r["webhook_configs"][0]["url"] for r in routing["receivers"]] == [f"{PAGER}/monitoring", f"{PAGER}/on-call"]
    config = yaml.safe_load((tmp_path / "prometheus.yml").read_text())
    assert config["global"]["scrape_interval"] == ("5s" if scale == 1 else "500ms")


def test_every_service_that_has_metrics_is_scraped():
    jobs = yaml.safe_load((STACK / "prometheus.yml").read_text())["scrape_configs"]
    looked_up = {config["names"][0] for job in jobs for config in job.get("dns_sd_configs", [])}
    assert looked_up == {"gateway", "pipeline", "orders", "tensor"}
    published = {s["labels"]["leakdrill.container"] for s in SERVICES.values() if "labels" in s}
    assert published == {job["job_name"] for job in jobs} - {"leakdrill"}


def test_the_dashboard_asks_the_provisioned_prometheus_for_series_that_are_there():
    """The dashboard is linted as far as it goes without Grafana: sources, titles, places, and known metric names."""
    source = yaml.safe_load((STACK / "grafana" / "provisioning" / "datasources" / "prometheus.yaml").read_text())
    (dashboard_file,) = (STACK / "grafana" / "dashboards").glob("*.json")
    dashboard = json.loads(dashboard_file.read_text())
    uid = source["datasources"][0]["uid"]
    panels = dashboard["panels"]
    assert {panel["datasource"]["uid"] for panel in panels} == {uid}
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len({(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}) == len(panels)
    asked = {
        name for p in panels for t in p["targets"] for name in re.findall(r"\b[a-z_]+_(?:bytes|total)\b", t["expr"])
    }
    published = [
        ROOT / "harness" / "leakdrill" / "alerting" / name
        for name in ("exporter.py", "container_series.py", "disk_series.py")
    ]
    known = "".join(file.read_text() for file in published) + "http_requests_total"
    assert not [name for name in asked if name not in known]
