"""A newcomer's own service, of whose leak no number is known: init, calibrate and run, and the first run is a PASS."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.thorough

SHOP = Path(__file__).parent / "services" / "forgetful_shop.py"
LEAK = """
leaks:
  - name: sessions                  # what we call them
    switch:
      on: {path: /flags, body: {leak: true}}
      off: {path: /flags, body: {leak: false}}
steps:
  - {name: restart the service, on: HighMemoryUsage, restart: {}}
"""


def leakdrill(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "leakdrill", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def test_a_service_whose_leak_nobody_declared_passes_at_the_first_run(tmp_path):
    done = leakdrill("init", "shop", "--command", f"{{python}} {SHOP} {{port}}", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    path = tmp_path / "shop" / "scenario.yaml"
    text = (
        path.read_text().replace("512MiB", "128MiB").replace("warmup: 10s, baseline: 15s", "warmup: 3s, baseline: 10s")
    )
    text = text.replace(
        "  time_scale", "  expect: [{alert: HighMemoryUsage, fires_within: 1s}] # a guess\n  time_scale"
    )
    path.write_text(text + LEAK)
    before = path.read_text()
    locustfile = tmp_path / "shop" / "locustfile.py"
    locustfile.write_text(locustfile.read_text().replace('"/health"', '"/cart"'))

    done = leakdrill("calibrate", str(path), "--longest", "2m", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    after = path.read_text()
    assert path.with_name("scenario.yaml.bak").read_text() == before
    assert "    per_request: 5" in after
    assert "KiB  # calibrated " in after
    assert "# a guess; calibrated " in after
    assert "# what we call them" in after

    done = leakdrill("run", str(path), cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
