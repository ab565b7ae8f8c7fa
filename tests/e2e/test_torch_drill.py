"""Drills of the tensor service: what torch says of itself is judged, and a failed one says who holds the memory."""

from __future__ import annotations

import importlib.util
import json
import os

import pytest
from drill_runner import HERE

from leakdrill.runs.drill.torch_snapshot import FILE

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        importlib.util.find_spec("torch") is None and not os.environ.get("CI"),
        reason="torch is not installed; make test-long installs it",
    ),
]

TENSOR = HERE / "scenarios" / "tensor.yaml"
FIGURES = [f"{figure}_memory_returns_to_baseline" for figure in ("allocated", "reserved", "device")]


def test_memory_that_is_back_in_all_three_figures_passes_and_keeps_no_snapshot(run):
    drill = run(TENSOR)
    assert drill.exit_code == 0, drill.out + drill.err
    assert set(FIGURES) | {"memory_does_not_run_out"} <= drill.outcomes("PASS")
    assert not (drill.folder / FILE).exists()


def test_memory_that_goes_back_to_the_allocator_alone_fails_and_says_so(run, vary):
    drill = run(vary({"steps.0.http": {"path": "/admin/let-go"}}, TENSOR))
    assert drill.exit_code == 1, drill.out + drill.err
    assert FIGURES[0] in drill.outcomes("PASS")
    assert set(FIGURES[1:]) <= drill.outcomes("FAIL")
    assert drill.verdict(FIGURES[1])["message"].startswith("returned to the allocator but not to the device")


def test_memory_that_stays_is_named_with_the_line_that_made_it_and_the_snapshot_is_kept(run, vary):
    drill = run(vary({"steps.0.http": {"path": "/admin/empty-cache"}}, TENSOR))
    assert drill.exit_code == 1, drill.out + drill.err
    message = drill.verdict(FIGURES[0])["message"]
    assert "made at tensor/network.py:" in message, message
    assert json.loads((drill.folder / FILE).read_text())["segments"]
