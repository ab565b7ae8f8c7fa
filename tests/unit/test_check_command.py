"""`leakdrill check` names what cannot work and lists the series that a drill will publish; nothing is started."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from test_plan_check import SCENARIO, plan

from leakdrill.cli.main import exit_code

if TYPE_CHECKING:
    from pathlib import Path


def test_a_drill_of_the_catalogue_has_nothing_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(["check", "gateway/unbounded-cache"]) == 0
    out = capsys.readouterr().out
    assert "gateway/unbounded-cache: nothing is wrong with the plan" in out
    assert "alert HighMemoryUsage (warning): must hold for 5 s of rehearsal time" in out
    assert "  container_memory_usage_bytes\n" in out
    assert "finds no series" not in out


def test_a_selector_that_nothing_publishes_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = plan(tmp_path)
    assert exit_code(["check", str(path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(alert["alert"], alert["finds_nothing"]) for alert in told["alerts"]] == [
        ("MemoryHigh", ["a"]),
        ("cpu-high", ["a"]),
    ]
    assert {"name", "labels"} == set(told["series"][0])


@pytest.mark.parametrize(
    ("expr", "finds"),
    [
        ('container_memory_usage_bytes{container="shop"}', True),
        ('container_memory_usage_bytes{container="shp"}', False),
        ('container_memory_usage_bytes{container=~"sh.p", nothing=""}', True),
        ('{__name__=~"container_memory_.*", container!~"s.*"}', False),
        ("up == 0", True),
        ("absent(container_memory_usage)", True),
    ],
)
def test_matchers_are_those_of_prometheus(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], expr: str, finds: bool
) -> None:
    rules = f"groups: [{{name: g, rules: [{{alert: MemoryHigh, expr: '{expr}'}}, {{alert: cpu-high, expr: up}}]}}]"
    scenario = SCENARIO.replace("labels: {severity: critical}", "labels: {}")
    assert exit_code(["check", str(plan(tmp_path, scenario, rules)), "--json"]) == 0
    assert (json.loads(capsys.readouterr().out)["alerts"][0]["finds_nothing"] == []) is finds


def test_what_the_time_scale_changes_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = (
        "groups: [{name: g, rules: [{alert: MemoryHigh, expr: 'increase(up[5m]) > 3'}, {alert: cpu-high, expr: up}]}]"
    )
    scenario = SCENARIO.replace("labels: {severity: critical}", "labels: {}")
    assert exit_code(["check", str(plan(tmp_path, scenario, rules))]) == 0
    assert "  not as in production: increase(up[5s]): it looks at a shorter window" in capsys.readouterr().out


def test_what_cannot_work_ends_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = plan(tmp_path, SCENARIO.replace("on: MemoryHigh", "on: Disk"))
    assert exit_code(["check", str(path)]) == 3
    assert f'{path}:12: steps[0].on: no rule has the name "Disk"' in capsys.readouterr().err
