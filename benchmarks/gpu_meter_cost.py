"""Measures the cost of ten readings a second of eight cards: at most 2 % of one core.

The cards are the tests' stand-in for NVML, with two processes each, read through the real pynvml by the meter that a
drill uses, into a record on disk. So this is the cost on our side; what a real driver adds is the driver's, and
`tests/gpu` measures it where there is a card. CPU time is that of this whole process, which does nothing else.

    python benchmarks/gpu_meter_cost.py [--seconds 20] [--rate 10] [--devices 8]

Exits 1 when the cost is above the limit.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from leakdrill.meters.gpu import GpuMeter
from leakdrill.meters.sampler import Sampler
from leakdrill.record.recorder import Recorder

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "nvml_standin"))

from standin import GIB, STATE_VARIABLE, StandIn

MOST: Final = 0.02
"""Share of one core, as the issue on GPUs demands."""

READINGS: Final = 200


def main() -> int:
    """Measure, print what it cost, and say by the exit status whether that is within the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rate", type=float, default=10.0)
    parser.add_argument("--devices", type=int, default=8)
    options = parser.parse_args()
    if STATE_VARIABLE not in os.environ:
        return beside_the_stand_in(options.devices)
    with tempfile.TemporaryDirectory() as folder:
        each_s, share = measure(Path(folder), options.devices, seconds=options.seconds, rate_hz=options.rate)
    print(f"one reading of {options.devices} cards          {each_s * 1e6:8.0f} us")
    print(f"{options.devices} cards at {options.rate:4.0f} Hz, recorded  {share:8.3%} of one core; at most {MOST:.0%}")
    return 0 if share <= MOST else 1


def beside_the_stand_in(devices: int) -> int:
    """This program again, in an environment in which pynvml finds the stand-in; its exit status."""
    with tempfile.TemporaryDirectory() as folder:
        gpu = StandIn(Path(folder), devices=devices)
        for index in range(devices):
            gpu.device(index).take(os.getpid(), 3 * GIB)
            gpu.device(index).take(os.getppid(), GIB)
        return subprocess.run([sys.executable, *sys.argv], env=gpu.environment, check=False).returncode


def measure(folder: Path, devices: int, *, seconds: float, rate_hz: float) -> tuple[float, float]:
    """CPU seconds of one reading, and of this process per second of sampling."""
    recorder = Recorder(folder / "history.jsonl")
    meter = GpuMeter(range(devices), pids=lambda: [os.getppid()], recorder=recorder)
    meter.read()
    cpu = time.process_time()
    for _ in range(READINGS):
        meter.read()
    each_s = (time.process_time() - cpu) / READINGS
    sampler = Sampler([meter], recorder, rate_hz=rate_hz, requests=lambda: 0.0)
    sampler.start()
    time.sleep(1.0)
    cpu, wall = time.process_time(), time.monotonic()
    time.sleep(seconds)
    share = (time.process_time() - cpu) / (time.monotonic() - wall)
    sampler.stop()
    recorder.close()
    return each_s, share


if __name__ == "__main__":
    sys.exit(main())
