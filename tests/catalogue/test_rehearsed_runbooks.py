"""The catalogue's runbooks, each rehearsed as a whole, and their wrong twins, which fail with the step named."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

RUNBOOKS = Path(__file__).parents[2] / "scenarios" / "runbooks"
DRILLS = {
    "resource-exhaustion": "gateway/unbounded-cache",
    "high-memory-usage": "pipeline/redis-without-ttl-cleared",
    "python-memory": "patterns/cache-without-eviction",
    "build-memory": "runner/unbounded-outputs",
    "gpu-memory-exhaustion": "tensor/unused-blocks",
}
WRONG = {
    "resource-exhaustion": ("admin/clear-model", "it restarts redis"),
    "high-memory-usage": ("admin/prune-graph",),
    "python-memory": ("admin/config",),
    "build-memory": ("it restarts registry",),
    "gpu-memory-exhaustion": ("admin/gc",),
}
"""What the sentence of a wrong twin must name: the step that does nothing, or why a command was not carried out."""


def rehearsed(name: str, scenario: str, runs: Path, *more: str) -> tuple[int, dict[str, Any]]:
    """The exit code and the JSON of one rehearsal."""
    command = ["runbook", "rehearse", str(RUNBOOKS / f"{name}.md"), "--scenario", scenario, "--runs", str(runs)]
    done = subprocess.run(
        [sys.executable, "-m", "leakdrill", *command, "--json", *more], capture_output=True, text=True, check=False
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def of(result: dict[str, Any], check: str) -> Sequence[dict[str, Any]]:
    (rehearsal,) = result["rehearsals"]
    return [verdict for verdict in rehearsal["verdicts"] if verdict["check"] == check]


@pytest.mark.parametrize("name", DRILLS)
def test_a_runbook_of_the_catalogue_relieves_and_every_look_answers(name, tmp_path):
    code, result = rehearsed(name, DRILLS[name], tmp_path)
    (relieves,) = of(result, "runbook_relieves")
    assert relieves["outcome"] == "PASS", relieves
    looks = [*of(result, "look_answers"), *of(result, "look_shows_number")]
    assert [look for look in looks if look["outcome"] != "PASS"] == []
    assert of(result, "runbook_leaves_nothing_changed")[0]["outcome"] == "PASS"
    assert code in (0, 2), result  # a busy machine may leave a claim of the drill itself UNKNOWN


@pytest.mark.parametrize("name", DRILLS)
def test_its_wrong_twin_fails_and_names_the_step(name, tmp_path):
    code, result = rehearsed(f"{name}-wrong", DRILLS[name], tmp_path)
    (relieves,) = of(result, "runbook_relieves")
    assert (code, relieves["outcome"]) == (1, "FAIL"), relieves
    assert all(words in relieves["message"] for words in WRONG[name]), relieves["message"]
