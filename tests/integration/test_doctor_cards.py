"""`leakdrill doctor` says which cards there are, or why none can be read."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from meter_process import make_stand_in
from standin import GIB, PROCESSES, VERSION_MISMATCH

if TYPE_CHECKING:
    from pathlib import Path

    from standin import StandIn

pytestmark = pytest.mark.integration


@pytest.fixture
def gpu(tmp_path: Path) -> StandIn:
    return make_stand_in(tmp_path, devices=3)


def cards(gpu: StandIn) -> list[dict[str, object]]:
    """What is said of the driver and its cards."""
    command = [sys.executable, "-m", "leakdrill", "doctor", "--json"]
    done = subprocess.run(command, env=gpu.environment, capture_output=True, text=True, check=False)
    findings = json.loads(done.stdout)
    return [f for f in findings if f["name"].startswith("GPU")]


def test_driver_versions_cards_and_slices_are_named(gpu: StandIn) -> None:
    gpu.device(1).split(GIB, 2 * GIB)
    gpu.device(2).lacks = PROCESSES
    driver, whole, split, plain = cards(gpu)
    assert driver["detail"] == "driver 595.58.03, NVML 13.595.58, 3 GPUs"
    assert whole["detail"] == "Stand-in S8, 64 MiB of 8 GiB in use"
    assert str(split["detail"]).endswith("MIG: 1g.1gb (0 B of 1 GiB in use), 1g.2gb (0 B of 2 GiB in use)")
    assert str(plain["detail"]).endswith("the driver does not list its processes")


def test_a_lost_card_is_named_beside_those_that_answer(gpu: StandIn) -> None:
    gpu.device(1).lose()
    assert [one["ok"] for one in cards(gpu)] == [True, True, False, True]


def test_why_there_is_none_is_said(gpu: StandIn) -> None:
    gpu.state.init_error = VERSION_MISMATCH
    (only,) = cards(gpu)
    assert not only["ok"]
    assert "differ in version" in str(only["detail"])
