"""A whole drill as a process, as a user starts it, and what is in its record."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from leakdrill.record.history import History, read_history
from leakdrill.wait import wait_for

if TYPE_CHECKING:
    from pathlib import Path

COMMAND = [sys.executable, "-m", "leakdrill"]


def drill(name: str, runs: Path, on: str | None = None, **env: str) -> subprocess.Popen[str]:
    """`leakdrill run NAME --on ON`, begun, with `env` added to the environment."""
    where = ["--on", on] if on else []
    return subprocess.Popen(
        [*COMMAND, "run", name, *where, "--runs", str(runs)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **env},
    )


def cleaned(runs: Path, timeout_s: float = 120) -> str:
    """What `leakdrill clean` says, once it has undone everything."""
    command = [*COMMAND, "clean", "--runs", str(runs)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def recorded(runs: Path, text: str) -> bool:
    """Whether `text` stands in the record of a drill so far."""
    return any(text in history.read_text() for history in runs.glob("*/2*/history.jsonl"))


def wait_for_phase(runs: Path, phase: str, timeout_s: float = 90) -> None:
    """Return when a drill has begun `phase`."""
    wait_for(lambda: recorded(runs, f'"phase":"{phase}"'), what=phase, timeout_s=timeout_s)


def verdicts(runs: Path) -> dict[tuple[str, str], str]:
    """The outcome of each claim of the one drill below `runs`."""
    return {claim: verdict["outcome"] for claim, verdict in told(runs).items()}


def told(runs: Path) -> dict[tuple[str, str], dict[str, str]]:
    """The whole verdict on each claim."""
    (file,) = runs.glob("*/2*/verdicts.json")
    return {(v["check"], v["subject"]): v for v in json.loads(file.read_text())["verdicts"]}


def record(runs: Path) -> History:
    """The record of the one drill below `runs`."""
    (file,) = runs.glob("*/2*/history.jsonl")
    return read_history(file)
