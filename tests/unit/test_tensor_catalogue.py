"""The tensor drills of the catalogue: each runs on a card through the same file, or says that it is the processor's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from leakdrill.runs.catalogue.catalogue import catalogue_root
from leakdrill.scenario.quantities import TORCH
from leakdrill.scenario.reader import read_scenario

if TYPE_CHECKING:
    from pathlib import Path

    from leakdrill.scenario.scenario import Scenario

FOLDER = catalogue_root() / "tensor"
NO_DRILLS = {"coverage.yaml", "matrix.yaml"}
OF_THE_PROCESSOR = {"dynamic-quantization", "loader-workers", "oversized-batches", "pinned-buffers", "restart"}
"""They are judged by the host's memory, or torch does it on the processor only."""

FILES = sorted(
    path for path in FOLDER.glob("*.yaml") if path.name not in NO_DRILLS and "twin_of" not in path.read_text()
)


def on_a_card(scenario: Scenario) -> bool:
    return scenario.target.gpu is not None


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_tensor_drill_is_for_a_card_too_or_asks_for_the_processor(path: Path) -> None:
    scenario = read_scenario(path)
    assert on_a_card(scenario) is (path.stem not in OF_THE_PROCESSOR)
    assert on_a_card(scenario) is ("TENSOR_DEVICE" not in scenario.target.env)


@pytest.mark.parametrize("path", [path for path in FILES if path.stem not in OF_THE_PROCESSOR], ids=lambda p: p.stem)
def test_a_drill_for_a_card_judges_what_lies_on_it(path: Path) -> None:
    scenario = read_scenario(path)
    assert scenario.target.gpu is not None
    assert not scenario.target.gpu.required, "the same file runs without a card"
    assert {leak.resource for leak in scenario.leaks} <= set(TORCH)
    assert all(scenario.margin(name) is not None for name in (*TORCH, "gpu_memory"))
    assert "HighMemoryUsage" not in {alert.alert for alert in scenario.alerts.expect}
    assert scenario.target.env["TENSOR_BUDGET_BYTES"].isdecimal()


def test_the_alert_is_at_95_percent_for_two_minutes() -> None:
    rules = yaml.safe_load((catalogue_root() / "rules" / "gpu-memory.yaml").read_text())
    (alert,) = [rule for group in rules["groups"] for rule in group["rules"] if rule["alert"] == "GPUMemoryExhaustion"]
    assert alert["expr"] == "gpu_memory_used_bytes / gpu_memory_total_bytes > 0.95"
    assert (alert["for"], alert["labels"]["severity"]) == ("2m", "critical")
