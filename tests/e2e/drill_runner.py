"""Runs whole drills as a user does: the command line, its exit code, its files, and what is left afterwards."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path

import psutil

from leakdrill.record.store import RunFolder
from leakdrill.wait import wait_for

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
            [sys.executable, "-m", "leakdrill", "run", str(scenario), "--runs", str(runs)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_until(self, text: str) -> str:
        """The first line of the record that contains `text`."""
        return wait_for(lambda: self._line(text), what=f"{text} in the record", timeout_s=180)

    def _line(self, text: str) -> str | None:
        found = recorded(self.runs, text)
        assert found or self.process.poll() is None, self.process.communicate()
        return found

    def finish(self, timeout_s: float = 400) -> Drill:
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


def recorded(runs: Path, text: str) -> str | None:
    """The first line with `text` in the records below `runs`; None while there is none."""
    lines = (line for history in runs.glob("*/2*/history.jsonl") for line in history.read_text().splitlines())
    return next((line for line in lines if text in line), None)


class Traces:
    """What the drills of these tests leave on the machine; others may run drills of their own at the same time.

    A drill inherits our mark and hands it down to all that it starts, whatever else that carries; its folders and
    mounts lie in our folder for temporary files; its control groups are named after runs recorded below `root`.

    Args:
        root: where all runs of these tests are recorded.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._mark = uuid.uuid4().hex
        self._temporary = root / "tmp"
        self._temporary.mkdir()

    @property
    def environment(self) -> dict[str, str]:
        """What a drill must inherit."""
        return {"TMPDIR": str(self._temporary), "LEAKDRILL_TEST_MARK": self._mark}

    def residue(self) -> set[str]:
        """All that is there now; empty when nothing runs and everything was undone."""
        ids = self._run_ids()
        names = tuple(f"leakdrill-{name}" for name in ids)
        mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        groups = [Path(folder, name) for folder, found, _ in os.walk("/sys/fs/cgroup") for name in found]
        processes = psutil.process_iter(["name", "environ"])
        return {
            *(f"process {p.pid} {p.info['name']}" for p in processes if self._made(p.info["environ"] or {}, ids)),
            *(f"mount {path}" for path in mounts if path.startswith(f"{self._temporary}/")),
            *(f"folder {path}" for path in self._temporary.glob("leakdrill-*")),
            *(f"cgroup {path}" for path in groups if path.name.startswith(names) or _left_by_doctor(path.name)),
        }

    def gone(self) -> bool:
        """Whether nothing is left, for whoever waits."""
        return not self.residue()

    def _run_ids(self) -> set[str]:
        records = (folder for folder, _, files in os.walk(self._root) if "history.jsonl" in files)
        return {RunFolder(Path(folder)).run_id for folder in records}

    def _made(self, environment: dict[str, str], ids: set[str]) -> bool:
        mine = environment.get("LEAKDRILL_TEST_MARK") == self._mark
        return mine or environment.get("LEAKDRILL_RUN_ID") in ids


def _left_by_doctor(name: str) -> bool:
    """Whether a control group is one of `leakdrill doctor`, and that process has ended."""
    maker = re.match(r"leakdrill-doctor-(\d+)", name)
    return maker is not None and not psutil.pid_exists(int(maker[1]))
