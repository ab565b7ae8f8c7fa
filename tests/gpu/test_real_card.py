"""On a real card: the meter says what nvidia-smi says, and a drill of the tensor service reads the card's memory."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from leakdrill.meters.gpu import GpuMeter
from leakdrill.record.events import GpuDevices
from leakdrill.record.history import read_history
from leakdrill.record.recorder import Recorder
from leakdrill.runs.catalogue.catalogue import catalogue
from leakdrill.scenario.reader import read_scenario
from leakdrill.wait import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(600)
MIB = 1 << 20
NEAR_BYTES = 64 * MIB
"""nvidia-smi takes a few MiB itself while it looks, and rounds to MiB."""

LEAST_OF_A_CONTEXT = 100 * MIB
"""What CUDA takes for a process before its first tensor: some hundred MiB."""

FIELDS = {"memory.total": "total_bytes", "memory.used": "used_bytes", "memory.free": "free_bytes"}
HOLDING = """
import sys, torch
kept = torch.empty(256 << 20, dtype=torch.uint8, device="cuda:0")
print("held", flush=True)
sys.stdin.read()
"""


def names_cards(path: Path) -> bool:
    """Whether a drill may run on a card, and is one: a twin has nothing to prove there."""
    scenario = read_scenario(path)
    return scenario.target.gpu is not None and bool(scenario.leaks)


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    made = Recorder(tmp_path / "history.jsonl")
    yield made
    made.close()


def test_the_meter_says_what_nvidia_smi_says(recorder: Recorder, cards: int) -> None:
    if shutil.which("nvidia-smi") is None:
        pytest.skip("nvidia-smi is not on PATH")
    meter = GpuMeter(range(cards), pids=list, recorder=recorder)
    seen = meter.read()
    command = ["nvidia-smi", f"--query-gpu={','.join(FIELDS)}", "--format=csv,noheader,nounits"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    meter.close()
    assert seen is not None
    for index, line in enumerate(said):
        for field, mib in zip(FIELDS.values(), line.split(","), strict=True):
            assert seen[f"gpu{index}.{field}"] == pytest.approx(float(mib) * MIB, abs=NEAR_BYTES), field


def test_what_a_process_takes_is_its_own(recorder: Recorder) -> None:
    pytest.importorskip("torch")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", HOLDING], **pipes) as holder:
        assert holder.stdout.readline() == b"held\n"
        meter = GpuMeter([0], pids=lambda: [holder.pid], recorder=recorder)
        own = wait_for(lambda: (meter.read() or {}).get("own_bytes"), what="the process in NVML's list", timeout_s=20)
        holder.communicate()
        meter.close()
    assert own >= 256 * MIB


ON_A_CARD = [entry.name for entry in catalogue() if entry.name.startswith("tensor/") and names_cards(entry.path)]


@pytest.mark.parametrize("name", ON_A_CARD)
def test_a_tensor_drill_of_the_catalogue_passes_on_a_card_through_the_same_file(tmp_path: Path, name: str) -> None:
    pytest.importorskip("torch")
    command = [sys.executable, "-m", "leakdrill", "run", name, "--runs", str(tmp_path / "runs")]
    env = {**os.environ, "TENSOR_DEVICE": "cuda"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    (record,) = (tmp_path / "runs").glob("**/history.jsonl")
    assert done.returncode == 0, done.stdout + done.stderr
    own = read_history(record).series(GpuDevices, "own_bytes")
    assert own.values.max() > LEAST_OF_A_CONTEXT
