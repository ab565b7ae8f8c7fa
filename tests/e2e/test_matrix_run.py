"""A matrix as a user runs it: a cell as declared passes, one that surprises fails, and both say what was seen."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from leakdrill.runs.catalogue.catalogue import catalogue_root


@pytest.mark.long
def test_a_cell_that_surprises_fails_and_the_other_passes(tmp_path):
    """Truncating the log cures a log flood; a matrix that says it does not is wrong, and says so with its exit code."""
    path = tmp_path / "matrix.yaml"
    path.write_text(
        f"leaks: {{log-flood: {catalogue_root() / 'gateway' / 'log-flood.yaml'}}}\n"
        "steps: {collect-garbage: {gc: {}}, truncate-log: {truncate_log: {path: gateway.log}}}\n"
    )
    command = [sys.executable, "-m", "leakdrill", "matrix", str(path), "--runs", str(tmp_path / "runs"), "--json", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    told = json.loads(done.stdout)
    garbage, truncated = told["cells"]
    assert (garbage["effect"], garbage["outcome"], garbage["goes_on"]) == ("not", "PASS", True), done.stderr
    assert (truncated["effect"], truncated["declared"], truncated["outcome"]) == ("cured", "not", "FAIL")
    assert truncated["gone_share"] > 0.8
    assert truncated["goes_on"] is True
    assert done.returncode == told["exit_code"] == 1
