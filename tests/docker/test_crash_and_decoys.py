"""A drill on an engine that is killed at any line of its journal leaves nothing; what is not its own stays."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from crashing_journal import CRASHED, crash_points
from leakdrill.record.stored_journal import read_journal
from leakdrill.runs.undo import clean_runs
from leakdrill.targets.docker.engine import RUN_LABEL

DRILL = Path(__file__).with_name("crashing_container.py")
LINES = 12
"""Of the journal of such a drill: header, folder, two containers, and each of them undone."""


def drill(runs, number, when):
    run = runs / "shop" / f"20260101T000000Z-{number}-{when}"
    run.mkdir(parents=True)
    name = f"crash-{run.name}".lower()
    command = [sys.executable, str(DRILL), str(run), name, str(number), when]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=90)
    assert ended.returncode in (0, CRASHED), ended.stderr
    return run, name, ended.returncode


def of(engine, name):
    return engine.containers.list(all=True, filters={"label": f"{RUN_LABEL}={name}"}, ignore_removed=True)


@pytest.mark.timeout(400)
def test_nothing_is_left_wherever_the_journal_ends(engine, tmp_path):
    seen = 0
    for number, when in crash_points(LINES)[3::4]:
        runs = tmp_path / f"{number}-{when}"
        run, name, status = drill(runs, number, when)
        seen += len(of(engine, name)) + (status == CRASHED)
        assert clean_runs(runs) == []
        assert of(engine, name) == [], f"at line {number}, {when} it was written"
        assert read_journal(run / "journal.jsonl") == []
        undone = (run / "journal.jsonl").read_bytes()
        assert clean_runs(runs) == []
        assert (run / "journal.jsonl").read_bytes() == undone
    assert seen >= 4, "a sweep that never finds anything shows nothing"


@pytest.mark.timeout(120)
def test_a_container_with_the_runs_id_but_not_its_mark_stays(engine, tmp_path):
    """Same image, same label, almost the same name: somebody's copy of the command line, or a made-up journal."""
    name = "crash-20260101t000000z-5-after"
    decoy = engine.containers.create(
        "leakdrill-samples", name=f"leakdrill-{name}-gateway", labels={RUN_LABEL: name, "app": "gateway"}
    )
    network = engine.networks.create(f"leakdrill-{name}", labels={RUN_LABEL: name})
    try:
        decoy.start()
        decoy.reload()
        network.reload()
        before = (decoy.attrs["State"], decoy.attrs["HostConfig"], network.attrs)
        drill(tmp_path / "runs", 5, "after")
        assert clean_runs(tmp_path / "runs") == []
        assert [one.id for one in of(engine, name)] == [decoy.id]
        decoy.reload()
        network.reload()
        assert (decoy.attrs["State"], decoy.attrs["HostConfig"], network.attrs) == before
    finally:
        decoy.remove(force=True)
        network.remove()
