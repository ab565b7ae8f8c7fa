"""`leakdrill check --sarif`: what is wrong with a plan, at the line of the file where it is written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from test_plan_check import SCENARIO, plan

from leakdrill.cli.check_sarif import mistake_sarif
from leakdrill.cli.main import exit_code
from leakdrill.errors import BadInput

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

NO_LABELS = SCENARIO.replace("labels: {severity: critical}", "labels: {}")


def results(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text())["runs"][0]["results"]
    return found


def place(result: dict[str, Any]) -> tuple[str, int]:
    where = result["locations"][0]["physicalLocation"]
    return where["artifactLocation"]["uri"], where["region"]["startLine"]


def checked(folder: Path, scenario: str, rules: str, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    path = plan(folder, scenario, rules)
    monkeypatch.chdir(folder)
    exit_code(["check", path.name, "--sarif", "out/found.sarif"])
    return results(folder / "out" / "found.sarif")


def test_a_mistake_is_an_error_at_its_line_and_ends_the_check_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = plan(tmp_path, SCENARIO.replace("on: MemoryHigh", "on: Disk"))
    monkeypatch.chdir(tmp_path)
    assert exit_code(["check", path.name, "--sarif", "found.sarif"]) == 3
    (found,) = results(tmp_path / "found.sarif")
    assert (found["ruleId"], found["level"], place(found)) == ("mistake-in-a-file", "error", (path.name, 12))
    assert found["message"]["text"].startswith('steps[0].on: no rule has the name "Disk"')
    assert "no rule has the name" in capsys.readouterr().err


def test_a_rule_that_finds_no_series_is_a_warning_in_the_rules_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alerts = "  - {alert: MemoryHigh, expr: nothing_has_it > 1}\n  - {alert: cpu-high, expr: up}\n"
    rules = f"groups:\n- name: g\n  rules:\n{alerts}"
    (found,) = checked(tmp_path, NO_LABELS, rules, monkeypatch)
    assert (found["ruleId"], found["level"], place(found)[1]) == ("rule-finds-no-series", "warning", 4)
    assert place(found)[0].endswith(".yaml") or place(found)[0].endswith(".yml")


def test_a_rule_that_cannot_fire_is_a_warning_and_what_the_time_scale_changes_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = (
        "groups:\n- name: g\n  rules:\n  - {alert: MemoryHigh, expr: 'increase(up[5m]) > 3'}\n"
        "  - {alert: cpu-high, expr: up}\n  - {alert: Late, expr: up == 0, for: 90d}\n"
    )
    found = {(one["ruleId"], one["level"], place(one)[1]) for one in checked(tmp_path, NO_LABELS, rules, monkeypatch)}
    assert ("rule-cannot-fire", "warning", 6) in found
    assert ("rule-differs-in-rehearsal", "note", 4) in found


def test_a_plan_with_nothing_wrong_has_no_results(tmp_path: Path) -> None:
    assert exit_code(["check", "gateway/unbounded-cache", "--sarif", str(tmp_path / "found.sarif")]) == 0
    assert [one for one in results(tmp_path / "found.sarif") if one["level"] == "error"] == []


def test_a_mistake_without_a_place_is_told_at_the_scenario(tmp_path: Path) -> None:
    (found,) = json.loads(mistake_sarif(BadInput("no Prometheus here", hint="install it"), tmp_path / "s.yaml"))[
        "runs"
    ][0]["results"]
    assert place(found) == ((tmp_path / "s.yaml").as_uri(), 1)
    assert found["message"]["text"] == "no Prometheus here. install it"
