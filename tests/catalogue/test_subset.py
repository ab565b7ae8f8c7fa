"""The subset of the catalogue that CI runs: whole drills, some side by side, and nothing else beside them."""

import json
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.long, pytest.mark.e2e, pytest.mark.timeout(1500)]


def test_the_subset_of_the_catalogue_passes(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "leakdrill", "run", "--subset", "--json", "--runs", str(tmp_path / "runs")],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    found = json.loads(done.stdout)
    wrong = [drill for drill in found["drills"] if drill["outcome"] != "PASS"]
    assert not wrong, json.dumps(wrong, indent=1)
    assert done.returncode == 0
    print(f"{len(found['drills'])} drills in {found['seconds']:.0f} s")  # noqa: T201 - the budget is six minutes
