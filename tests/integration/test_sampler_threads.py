"""A meter that hangs holds up no other."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from leakdrill.meters.sampler import Sampler
from leakdrill.record.events import GpuDevices, ProcessTree
from leakdrill.record.recorder import Recorder
from leakdrill.wait import wait_for

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration


class Quick:
    event = ProcessTree
    every = 1

    def read(self) -> dict[str, float]:
        return {"rss_bytes": 1.0}


class Hanging:
    event = GpuDevices
    every = 1
    alone = True

    def __init__(self) -> None:
        self.let_go = threading.Event()

    def read(self) -> None:
        self.let_go.wait()


def test_a_driver_that_hangs_does_not_hold_up_the_memory_readings(tmp_path: Path) -> None:
    recorder, hanging = Recorder(tmp_path / "history.jsonl"), Hanging()
    sampler = Sampler([hanging, Quick()], recorder, rate_hz=100)
    sampler.start()
    wait_for(lambda: len(recorder.history().of(ProcessTree)) > 2, what="readings beside it", timeout_s=60)
    assert not recorder.history().of(GpuDevices)
    hanging.let_go.set()
    sampler.stop()
    recorder.close()
