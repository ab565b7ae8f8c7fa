"""Runs whole drills as a user does: the command line, its exit code, its files, and what is left afterwards."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

HERE = Path(__file__).parent
QUICK = HERE / "scenarios" / "quick.yaml"


@dataclass
class Drill:
    """A finished `leakdrill run`; its record lies in `folder`, below `runs`."""

    exit_code: int
    out: str
    err: str
    folder: Path
    runs: Path

    @property
    def verdicts(self):
        """(check, subject) -> verdict."""
        file = json.loads((self.folder / "verdicts.json").read_text())
        return {(v["check"], v["subject"]): v for v in file["verdicts"]}

    def verdict(self, check):
        """The one verdict of `check`."""
        (found,) = [v for (name, _), v in self.verdicts.items() if name == check]
        return found

    def outcomes(self, outcome):
        """The checks that ended so."""
        return {check for (check, _), v in self.verdicts.items() if v["outcome"] == outcome}


class Running:
    """`leakdrill run` under way, with its record to look into."""

    def __init__(self, scenario: Path | str, runs: Path) -> None:
        self.runs = runs
        self.process = subprocess.Popen(
            [sys.executable, "-m", "harness", "run", str(scenario), "--runs", str(runs)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_until(self, text: str, timeout_s: float = 60) -> str:
        """The first line of the record that contains `text`."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            for history in self.runs.glob("*/2*/history.jsonl"):
                line = next((line for line in history.read_text().splitlines() if text in line), None)
                if line:
                    return line
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.05)
        raise AssertionError(f"{text} was not recorded within {timeout_s} s")

    def finish(self, timeout_s: float = 150) -> Drill:
        """Wait for its end."""
        out, err = self.process.communicate(timeout=timeout_s)
        folders = sorted(self.runs.glob("*/2*"))
        return Drill(self.process.returncode, out, err, folders[-1] if folders else self.runs, self.runs)

    def pid_of(self, source: str) -> int:
        """The pid that the record gives for the started part `source`."""
        self.wait_until(f'"source":"{source}"')
        (history,) = self.runs.glob("*/2*/history.jsonl")
        events = [json.loads(line) for line in history.read_text().splitlines()]
        return next(int(e["labels"]["pid"]) for e in events if e["source"] == source and "pid" in e["labels"])


def residue() -> set[str]:
    """Everything on this machine that carries the mark of a drill."""
    found = {f"process {p.pid} {p.name()}" for p in psutil.process_iter() if _is_ours(p)}
    found |= {
        f"mount {line.split()[1]}" for line in Path("/proc/mounts").read_text().splitlines() if "leakdrill-" in line
    }
    found |= {f"folder {path}" for path in Path(tempfile.gettempdir()).glob("leakdrill-*")}
    found |= {f"cgroup {path}" for path in Path("/sys/fs/cgroup").glob("**/leakdrill-*")}
    return found


def _is_ours(process: psutil.Process) -> bool:
    try:
        return "LEAKDRILL_RUN_ID" in process.environ()
    except psutil.Error:
        return False
