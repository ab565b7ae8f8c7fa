"""Files of other programs that Leakdrill reads as they are: real ones of each, and what reads them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

GROUPS: Final = """groups:
  - name: memory
    interval: 15s
    rules:
      - record: job:memory:sum
        expr: sum by (job) (container_memory_working_set_bytes{container!=""})
      - alert: HighMemory
        expr: job:memory:sum / 2 > 1e8 and rate(requests_total[5m]) > 0
        for: 5m
        keep_firing_for: 1m
        labels: {severity: page}
        annotations: {summary: "{{ $labels.job }} uses {{ $value | humanize }}"}
"""


def _below(key: str, text: str) -> str:
    return f"{key}:\n" + "".join(f"  {line}\n" for line in text.splitlines())


def _literal(key: str, text: str) -> str:
    return f"  {key}: |\n" + "".join(f"    {line}\n" for line in text.splitlines())


_RULE: Final = "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {name: shop}\n" + _below(
    "spec", GROUPS
)
RULES: Final[Mapping[str, bytes]] = {
    "prometheus-rule.yaml": _RULE.encode(),
    "vm-rule.yaml": _RULE.replace("monitoring.coreos.com/v1", "operator.victoriametrics.com/v1beta1")
    .replace("PrometheusRule", "VMRule")
    .encode(),
    "config-map.yaml": ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop}\ndata:\n" + _literal("a.yaml", GROUPS))
    .encode(),
    "documents.yaml": (GROUPS + "---\n" + _RULE).encode(),
    "list.json": json.dumps(
        {
            "apiVersion": "v1",
            "kind": "List",
            "items": [
                {
                    "apiVersion": "monitoring.coreos.com/v1",
                    "kind": "PrometheusRule",
                    "metadata": {"name": "shop"},
                    "spec": {"groups": [{"name": "a", "rules": [{"alert": "A", "expr": "up == 0", "for": "5m"}]}]},
                }
            ],
        }
    ).encode(),
    "groups.yaml": b"- name: memory\n  rules:\n    - {alert: HighMemory, expr: 'up == 0', for: 5m}\n",
}  # fmt: skip
_ROUTING: Final = """route: {receiver: page, group_by: [job], routes: [{matchers: [severity="page"], receiver: page}]}
receivers: [{name: page, webhook_configs: [{url: "http://127.0.0.1:9/"}]}]
"""
ROUTINGS: Final[Mapping[str, bytes]] = {
    "secret.yaml": (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: alertmanager}\nstringData:\n"
        + _literal("alertmanager.yaml", _ROUTING)
    ).encode(),
    "routing-map.yaml": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n" + _literal("alertmanager.yml", _ROUTING)
    ).encode(),
}
COMPOSE: Final = b"""name: shop
x-common: &common {restart: unless-stopped, environment: {A: "${A:-1}"}}
services:
  web:
    <<: *common
    image: "web:${TAG:-1}"
    ports: ["8000:8000", {target: 9000, published: "9000"}]
    env_file: [{path: absent.env, required: false}]
    depends_on: {db: {condition: service_healthy}}
    deploy: {replicas: 2, resources: {limits: {memory: 256M, cpus: "0.5"}}}
    healthcheck: {test: [CMD, curl, "http://localhost:8000"], interval: 5s}
    volumes: ["data:/data", {type: tmpfs, target: /tmp, tmpfs: {size: 1m}}]
  db: {image: db, command: ["a", "b"], networks: [back]}
volumes: {data: {}}
networks: {back: {driver: bridge}}
secrets: {s: {file: ./s.txt}}
"""
BINDINGS: Final = b"""alert: {alert: HighMemory, labels: {severity: page}}
target: [web, shop-web-1]
placeholders: {POD: web-0, NAMESPACE: null}
hosts: {"http://localhost:9090": "@{prometheus}"}
within: 5s
steps:
  - {text: kubectl rollout restart deploy/web, do: {restart: {}}, seen: {falls_by: 50%, within: 5s}}
  - {line: 12, run: ls /data}
  - {text: df -h, sought: above 75%}
  - {line: 14, skip: nobody does that in a drill}
"""
KEY: Final = b"9f2c1d7e6a5b4c3d2e1f0a9b8c7d6e5f\n"
STATEFUL_SET: Final = b"""apiVersion: apps/v1
kind: StatefulSet
metadata: {name: queue}
spec:
  replicas: 3
  serviceName: queue
  updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 1}}
  ordinals: {start: 0}
  selector: {matchLabels: {app: queue}}
  template:
    metadata: {labels: {app: queue}}
    spec: {containers: [{name: queue, image: queue, resources: {requests: {memory: 1Gi, cpu: 100m}}}]}
  volumeClaimTemplates: [{metadata: {name: data}, spec: {resources: {requests: {storage: 1Gi}}}}]
"""
