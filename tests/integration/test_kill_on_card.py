"""The step that ends the heaviest process of a card finds it by NVML, and ends none that is not the target's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from meter_process import make_stand_in
from standin import GIB, GPU_IS_LOST, MIB

if TYPE_CHECKING:
    from collections.abc import Iterator

    from standin import StandIn

pytestmark = pytest.mark.integration


class Target:
    """A target with two workers on the stand-in's card."""

    def __init__(self, gpu: StandIn, folder: Path) -> None:
        self.gpu = gpu
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("kill_on_card.py")), str(folder)],
            env={**gpu.environment, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.first, *self.workers = self._answer()

    def kill(self) -> Any:
        """What the step says: facts, or why it was not done."""
        assert self._process.stdin is not None
        self._process.stdin.write("now\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def stop(self) -> None:
        """End it."""
        self._process.communicate(timeout=60)


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Target]:
    gpu = make_stand_in(tmp_path)
    made = Target(gpu, tmp_path)
    yield made
    made.stop()


def test_the_process_that_holds_most_of_the_card_is_ended(target: Target) -> None:
    light, heavy = target.workers
    target.gpu.device().take(light, 512 * MIB)
    target.gpu.device().take(heavy, 3 * GIB)
    assert target.kill()["pids"] == str(heavy)


def test_another_tenants_process_is_named_and_left_alone_and_so_is_the_service_itself(target: Target) -> None:
    card = target.gpu.device()
    card.take(target.workers[0], GIB)
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE) as tenant:
        card.take(tenant.pid, 5 * GIB)
        said = target.kill()
        assert f"(pid {tenant.pid}) holds most of the GPUs' memory, 5 GiB, and is not the target's" in said
        assert tenant.poll() is None
        card.take(tenant.pid, 0)
        tenant.communicate()
    card.take(target.first, 2 * GIB)
    assert "besides its first" in target.kill()


def test_a_card_that_does_not_tell_ends_nobody(target: Target) -> None:
    assert "names no process" in target.kill()
    target.gpu.device().take(target.workers[0], GIB)
    target.gpu.device().error = GPU_IS_LOST
    assert "NVML does not tell" in target.kill()
