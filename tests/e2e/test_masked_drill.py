"""Secrets in a scenario, in its load and in what its steps meet, looked for in all that a whole drill leaves."""

from __future__ import annotations

from pathlib import Path

import pytest

CANARY = "c4nary"
SCENARIO = f"""
name: test/canary
target:
  name: inference-gateway
  command: ["{{python}}", -m, leaky_apps.gateway, --port, "{{port}}"]
  env: {{DB_PASSWORD: {CANARY}-env, DATABASE_URL: "postgres://u:{CANARY}-url@db:5432/x", A: "Bearer {CANARY}-bearer"}}
  metrics: /metrics
  limits: {{memory: 128MiB, cpus: 1}}
leaks: [{{name: unbounded-cache, per_request: 64KiB}}]
load: {{locustfile: locustfile.py, users: 4, rate: 32/s, env: {{LOAD_TOKEN: {CANARY}-load}}}}
phases: {{warmup: 1s, baseline: 2s, load: 3s, mitigate: 1s, recover: 1s}}
alerts:
  rules: [rules.yaml]
  routing: routing.yaml
  time_scale: 60
  expect: [{{alert: MemoryHigh, fires_within: 2s}}]
steps:
  - name: call with a key
    http: {{path: "/admin/clear-cache?api_key={CANARY}-query"}}
    seen: {{nothing: true, within: 100ms}}
  - name: log in
    exec: {{command: [sh, -c, "exit 3", --password, {CANARY}-word, --token={CANARY}-option]}}
    seen: {{nothing: true, within: 100ms}}
  - name: copy
    copy_out: {{http: "/nothing?token={CANARY}-copied"}}
    seen: {{nothing: true, within: 100ms}}
  - name: set
    set_env: {{API_TOKEN: {CANARY}-set}}
    seen: {{nothing: true, within: 100ms}}
"""
LOCUSTFILE = f"""
from locust import HttpUser, constant_throughput, task

class User(HttpUser):
    wait_time = constant_throughput(8)
    calls = 0

    @task
    def get(self):
        User.calls += 1
        path = "nothing" if User.calls % 20 == 0 else "metrics"
        self.client.get(f"/{{path}}?token={CANARY}-request", headers={{"Authorization": "Bearer {CANARY}-header"}})
        if User.calls == 40:
            raise RuntimeError("cannot log in: password={CANARY}-raised")
"""
ROUTING = f"""
global: {{slack_api_url: "https://hooks.slack.com/services/T0/B0/{CANARY}-slack"}}
route: {{receiver: pager, group_by: [alertname]}}
receivers:
  - name: pager
    webhook_configs: [{{url: "https://u:{CANARY}-hook@example.org/hook?token={CANARY}-hook"}}]
    pagerduty_configs: [{{routing_key: {CANARY}-pagerduty}}]
"""
MAY_HOLD_THEM = {"target.log"}


@pytest.mark.long
def test_a_drill_leaves_none_of_its_secrets_behind(start, tmp_path):
    for name, text in (("drill.yaml", SCENARIO), ("locustfile.py", LOCUSTFILE), ("routing.yaml", ROUTING)):
        (tmp_path / name).write_text(text)
    (tmp_path / "rules.yaml").write_text((Path(__file__).parent / "scenarios" / "rules.yaml").read_text())
    drill = start(tmp_path / "drill.yaml").finish()
    assert drill.exit_code in (1, 2), drill.err
    files = [path for path in drill.runs.rglob("*") if path.is_file() and path.name not in MAY_HOLD_THEM]
    assert {"history.jsonl", "run.json", "journal.jsonl", "load.log", "alertmanager.yml"} <= {p.name for p in files}
    assert [str(path) for path in files if CANARY.encode() in path.read_bytes()] == []
    assert CANARY not in drill.out + drill.err
    assert "***" in (drill.folder / "load.log").read_text()
    assert "***" in (drill.folder / "run.json").read_text()
    assert [str(path) for path in files if path.stat().st_mode & 0o077] == []
