"""What cannot work in a plan is said before anything starts, with its line in the scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from leakdrill.errors import BadInput
from leakdrill.runs.catalogue.catalogue import catalogue_root
from leakdrill.runs.drill.plan_check import check_plan
from leakdrill.scenario.reader import read_scenario

if TYPE_CHECKING:
    from pathlib import Path

RULES = """\
groups:
- name: g
  rules:
  - {alert: MemoryHigh, expr: a > 1, for: 5m, labels: {severity: warning}}
  - {alert: cpu-high, expr: "rate(a[20s]) > 1", labels: {severity: "{{ $labels.severity }}"}}
"""
SCENARIO = """\
name: test/plan
target: {name: shop, command: ["true"]}
load: {locustfile: locustfile.py}
phases: {warmup: 1s, baseline: 5s, load: 30s, mitigate: 5s, recover: 10s}
alerts:
  rules: [rules.yaml]
  time_scale: 60
  expect:
    - {alert: MemoryHigh, fires_within: 20s, resolves_within: 5s}
  silent: [{alert: cpu-high, labels: {severity: critical}}]
steps:
  - {name: collect, on: MemoryHigh, gc: {}}
"""


def plan(tmp_path: Path, scenario: str = SCENARIO, rules: str = RULES) -> Path:
    (tmp_path / "rules.yaml").write_text(rules)
    (tmp_path / "locustfile.py").touch()
    path = tmp_path / "plan.yaml"
    path.write_text(scenario)
    return path


@pytest.mark.parametrize(
    ("service", "says"),
    [
        ("web", ""),
        ("wbe", ":2: target.compose.service: .*compose.yaml has no service wbe; expected one of web, host"),
        ("host", ":2: target.compose: .*compose.yaml gives the service host network_mode: host"),
    ],
)
def test_a_service_that_the_compose_file_does_not_have_is_said(tmp_path: Path, service: str, says: str) -> None:
    (tmp_path / "compose.yaml").write_text(
        "services: {web: {image: a, profiles: [b]}, host: {image: a, network_mode: host}}\n"
    )
    target = f"target: {{name: shop, compose: {{file: compose.yaml, service: {service}}}}}"
    path = plan(tmp_path, SCENARIO.replace('target: {name: shop, command: ["true"]}', target))
    if not says:
        check_plan(path, read_scenario(path))
        return
    with pytest.raises(BadInput, match=says):
        check_plan(path, read_scenario(path))


def test_a_plan_that_may_work_passes(tmp_path: Path) -> None:
    path = plan(tmp_path)
    check_plan(path, read_scenario(path))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("- {alert: MemoryHigh,", "- {alert: MemoryHgh,", ':9: alerts.expect[0]: no rule has the name "MemoryHgh"'),
        ("on: MemoryHigh", "on: Disk", ':12: steps[0].on: no rule has the name "Disk"; the rules have'),
        ("{alert: cpu-high, ", "{alert: cpu, ", ':10: alerts.silent[0]: no rule has the name "cpu"; '),
        ("on: MemoryHigh", "on: 'MemoryHigh{severity=page}'", ':12: steps[0].on: no rule "MemoryHigh" has the'),
        ("resolves_within: 5s", "resolves_within: 11s", ":9: alerts.expect[0].resolves_within: 11 s is longer"),
        ("fires_within: 20s", "fires_within: 1m", ":9: alerts.expect[0].fires_within: 1 min is longer"),
        ("on: MemoryHigh", "on: cpu-high", ":12: steps[0].on: cpu-high cannot fire in this drill (RULES:5): it looks"),
        ("gc: {}", "exec: {command: [no-such-tool]}", ':12: steps[0].exec.command: "no-such-tool" was not found'),
        ("gc: {}", "exec: {command: [./tidy.sh, now]}", ':12: steps[0].exec.command: there is no file "'),
        ('["true"]', "[no-such-service]", ':2: target.command: "no-such-service" was not found'),
        (
            "resolves_within: 5s",
            "receiver: pager",
            ':9: alerts.expect[0].receiver: there is no receiver "pager"; without alerts.routing there is drill',
        ),
        ("time_scale: 60", "time_scale: 1", ":9: alerts.expect[0]: MemoryHigh cannot fire in this drill (RULES:4)"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_named(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in SCENARIO
    path = plan(tmp_path, SCENARIO.replace(old, new))
    with pytest.raises(BadInput) as caught:
        check_plan(path, read_scenario(path))
    assert f"{path}{says.replace('RULES', str(tmp_path / 'rules.yaml'))}" in str(caught.value)


def test_an_offset_beyond_the_drill_is_named(tmp_path: Path) -> None:
    path = plan(tmp_path, rules=RULES.replace("a > 1", "a > 2 * a offset 2h"))
    with pytest.raises(BadInput, match=r"its offset is 2 h \(time_scale 60 makes 2 min of it\), and the drill lasts"):
        check_plan(path, read_scenario(path))


def test_every_plan_of_the_catalogue_may_work() -> None:
    """A twin is named by the lines of its original."""
    for path in sorted(catalogue_root().glob("gateway/*.yaml")):
        if path.stem not in ("coverage", "matrix"):
            check_plan(path, read_scenario(path))


ROUTING = """\
route: {receiver: chat}
receivers: [{name: chat, webhook_configs: [{url: http://x}]}, {name: "null"}]
"""


@pytest.mark.parametrize(
    ("receiver", "says"),
    [
        ("pager", '"pager"; ROUTING has chat, null'),
        ("'null'", 'the receiver "null" has no way to notify anybody, so nothing will arrive'),
        ("chat", ""),
    ],
)
def test_a_receiver_that_cannot_be_reached_is_named(tmp_path: Path, receiver: str, says: str) -> None:
    routing = tmp_path / "routing.yaml"
    routing.write_text(ROUTING)
    scenario = SCENARIO.replace("resolves_within: 5s", f"receiver: {receiver}").replace(
        "  rules:", "  routing: routing.yaml\n  rules:"
    )
    path = plan(tmp_path, scenario)
    if not says:
        check_plan(path, read_scenario(path))
        return
    with pytest.raises(BadInput) as caught:
        check_plan(path, read_scenario(path))
    assert f"{path}:10: alerts.expect[0].receiver: " in str(caught.value)
    assert says.replace("ROUTING", str(routing)) in str(caught.value)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("def visit(self:\n    pass\n", ":1: is no Python that this interpreter reads: "),
        ("import os\nimport no_such_module.inner\n", ':2: imports "no_such_module", which is not installed'),
        ("import os\nfrom no_such_module import x\n", ':2: imports "no_such_module", which is not installed'),
        ("from locust import HttpUser\nfrom beside import x\nimport folder.inner\nfrom . import y\n", ""),
        ("try:\n    import no_such_module\nexcept ImportError:\n    pass\n", ""),
    ],
)
def test_a_locustfile_that_cannot_be_loaded_is_named_with_its_line(tmp_path: Path, source: str, says: str) -> None:
    path = plan(tmp_path)
    (tmp_path / "beside.py").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "locustfile.py").write_text(source)
    if not says:
        check_plan(path, read_scenario(path))
        return
    with pytest.raises(BadInput) as caught:
        check_plan(path, read_scenario(path))
    assert f"{path}:3: load.locustfile: {tmp_path / 'locustfile.py'}{says}" in str(caught.value)


@pytest.mark.parametrize("elsewhere", ["python: /usr/bin/python3", "env: {PYTHONPATH: lib}"])
def test_another_interpreter_may_read_what_this_one_does_not(tmp_path: Path, elsewhere: str) -> None:
    path = plan(tmp_path, SCENARIO.replace("{locustfile:", f"{{{elsewhere}, locustfile:"))
    (tmp_path / "locustfile.py").write_text("import no_such_module\n")
    check_plan(path, read_scenario(path))
