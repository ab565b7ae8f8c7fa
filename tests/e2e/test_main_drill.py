"""The main drill, whole, a healthy twin, and a step that cures nothing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCENARIOS = Path(__file__).parent / "scenarios"


def test_the_main_drill_passes_and_can_be_judged_again_offline(main_drill):
    drill = main_drill
    assert drill.exit_code == 0, drill.out
    first = (drill.folder / "verdicts.json").read_text()
    again = subprocess.run(
        [sys.executable, "-m", "leakdrill", "analyze", str(drill.folder), "--json"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": ""},
    )
    assert again.returncode == 0, again.stderr
    assert (drill.folder / "verdicts.json").read_text() == first
    assert json.loads(again.stdout) == json.loads(first)
    assert "resolved" in (drill.folder / "history.jsonl").read_text()
    assert f"page: {drill.folder / 'report.html'}" in drill.out
    assert "claims hold" in (drill.folder / "report.html").read_text()


@pytest.mark.long
def test_a_healthy_twin_stays_silent_and_passes(run):
    drill = run(SCENARIOS / "quick-twin.yaml")
    assert drill.exit_code == 0, drill.out + drill.err
    assert drill.outcomes("PASS") >= {"memory_does_not_grow", "other_alerts_stay_silent"}


@pytest.mark.long
def test_collecting_garbage_does_not_cure_an_unbounded_cache(run):
    drill = run(SCENARIOS / "collecting-garbage.yaml")
    assert drill.exit_code == 1, drill.out
    assert {"step_works", "memory_returns_to_baseline", "alert_resolves_and_stays_resolved"} <= drill.outcomes("FAIL")
    assert drill.verdict("leak_grows_as_declared")["outcome"] == "PASS"
    assert drill.verdict("alert_fires_in_time")["outcome"] == "PASS"
