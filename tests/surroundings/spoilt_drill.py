"""One drill that must not pass: what is broken in it, when, and the one answer that it must give."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import psutil

from leakdrill.wait import TimedOut, wait_for
from leakdrill.yaml_file import dump_yaml, read_yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HERE = Path(__file__).parent
SCENARIO = HERE / "drill.yaml"
MOST_S = 150.0
"""No drill of these may take longer, whatever is broken."""

_MARK = "LEAKDRILL_TEST_MARK"
EXITS = {"PASS": 0, "FAIL": 1, "UNKNOWN": 2, "bad input": 3, "error": 4}


@dataclass(frozen=True)
class Case:
    """One spoilt drill.

    Attributes:
        name: what is wrong with it.
        outcome: what the whole drill must come to: a key of `EXITS`.
        check: the check that must have that outcome; empty for an error.
        says: what its sentence, or the error, must contain.
        changes: of the scenario, by dotted path; a value of None removes the key.
        fault: with which the service starts (service.py).
        moment: text in the record at which `act` is called.
        act: does the harm.
        environment: variables of the drill.
        wrap: a command that runs the drill, such as one that limits its files.
        in_ci: whether it is one of those that CI runs.
    """

    name: str
    outcome: str
    check: str
    says: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""
    moment: str = ""
    act: Callable[[Drill], object] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    wrap: tuple[str, ...] = ()
    in_ci: bool = False


class Drill:
    """A case under way.

    Attributes:
        runs: its folder of runs.
        process: `leakdrill run`.
    """

    def __init__(self, case: Case, folder: Path) -> None:
        self.case = case
        self.folder = folder
        self.runs = folder / "runs"
        folder.mkdir(parents=True)
        (folder / "tmp").mkdir()
        self.mark = uuid.uuid4().hex
        environment = {**os.environ, "TMPDIR": str(folder / "tmp"), "NO_COLOR": "1", _MARK: self.mark}
        environment |= {name: text.format(here=HERE, folder=folder) for name, text in case.environment.items()}
        command = [sys.executable, "-m", "leakdrill", "run", str(self._scenario()), "--runs", str(self.runs)]
        wrap = [word.format(here=HERE, folder=folder) for word in case.wrap]
        self.output = (folder / "output.txt").open("w")
        self.process = subprocess.Popen(
            [*wrap, *command], stdout=self.output, stderr=self.output, env=environment, stdin=subprocess.DEVNULL
        )

    @property
    def run(self) -> Path:
        """The run's folder; raises ValueError before there is one."""
        return max(self.runs.glob("*/2*"))

    def events(self) -> list[dict[str, Any]]:
        """What its record holds now."""
        with contextlib.suppress(OSError, ValueError):
            lines = (self.run / "history.jsonl").read_text(errors="replace").split("\n")[:-1]
            return [json.loads(line) for line in lines]
        return []

    def wait_until(self, moment: str) -> None:
        """Return when `moment` is in its record, or it has ended."""

        def probe() -> bool:
            text = ""
            with contextlib.suppress(OSError, ValueError):
                text = (self.run / "history.jsonl").read_text(errors="replace")
            return moment in text or self.process.poll() is not None

        wait_for(probe, what=moment, timeout_s=MOST_S, every_s=0.05)

    def pid_of(self, source: str) -> int:
        """The process of its part `source`."""
        for event in self.events():
            if event["source"] == source and "pid" in event["labels"]:
                return int(event["labels"]["pid"])
            if event["source"] == source and isinstance(event["value"], dict) and "pid" in event["value"]:
                return int(event["value"]["pid"])
        raise LookupError(f"the record names no process of {source}")

    def target_url(self) -> str:
        """Where its service answers."""
        port = next(e["labels"]["port"] for e in self.events() if e["source"] == "target" and "port" in e["labels"])
        return f"http://127.0.0.1:{port}"

    def finish(self) -> int | None:
        """Its exit code; None when it had to be killed."""
        try:
            return self.process.wait(MOST_S)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(30)
            self.process.kill()
            self.process.wait()
            return None
        finally:
            self.output.close()

    def residue(self) -> list[str]:
        """What it left behind: processes, control groups, mounts and temporary folders."""
        processes = psutil.process_iter(["name", "environ"])
        ids = {e["labels"]["run_id"] for e in self.events() if "run_id" in e["labels"]}
        temporary = self.folder / "tmp"
        mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        return [
            *(
                f"process {p.pid} {p.info['name']}"
                for p in processes
                if (p.info["environ"] or {}).get(_MARK) == self.mark
            ),
            *(f"mount {path}" for path in mounts if path.startswith(f"{temporary}/")),
            *(f"folder {path}" for path in temporary.glob("leakdrill-*")),
            *ids,
        ]

    def _scenario(self) -> Path:
        data = read_yaml(SCENARIO, expected="a scenario", scalars="yaml 1.2").data
        data["target"]["cwd"] = str(HERE)
        data["load"]["locustfile"] = str(HERE / "locustfile.py")
        data["alerts"]["rules"] = [str(HERE / "rules.yaml")]
        if self.case.fault:
            data["target"]["env"] = {"FAULT": self.case.fault}
        for path, value in self.case.changes.items():
            _change(data, path.split("."), value)
        file = self.folder / "scenario.yaml"
        file.write_text(dump_yaml(data).replace("HERE", str(HERE)).replace("FOLDER", str(self.folder)))
        return file


def _change(data: Any, path: list[str], value: object) -> None:
    *parents, last = path
    for key in parents:
        data = data[int(key)] if isinstance(data, list) else data[key]
    if value is None:
        data.pop(int(last) if isinstance(data, list) else last)
    else:
        data[int(last) if isinstance(data, list) else last] = value


@dataclass(frozen=True)
class Result:
    """How a case ended.

    Attributes:
        case: which.
        problems: what is not as it must be; empty when it was caught.
        seconds: how long it took.
        folder: where its record and its output lie.
    """

    case: Case
    problems: tuple[str, ...]
    seconds: float
    folder: Path


def play(case: Case, folder: Path) -> Result:
    """Run one case to its end and compare."""
    began = time.monotonic()
    drill = Drill(case, folder)
    problems = []
    try:
        if case.act is not None:
            drill.wait_until(case.moment)
            case.act(drill)
    except Exception as e:  # noqa: BLE001 - a case that could not be played is a problem of this case
        problems.append(f"the harm could not be done: {type(e).__name__}: {e}")
    code = drill.finish()
    with contextlib.suppress(TimedOut):
        wait_for(lambda: not drill.residue(), what="nothing left", timeout_s=15, every_s=0.3)
    problems += [f"left behind: {thing}" for thing in drill.residue()]
    problems += differences(case, drill, code)
    return Result(case, tuple(problems), time.monotonic() - began, folder)


def differences(case: Case, drill: Drill, code: int | None) -> list[str]:
    """What is not as the case says."""
    output = (drill.folder / "output.txt").read_text(errors="replace")
    found = []
    if code is None:
        found.append(f"it did not end within {MOST_S:g} s")
    elif code != EXITS[case.outcome]:
        last = "\n".join(output.rstrip().splitlines()[-3:])
        found.append(f"exit {code}; expected {EXITS[case.outcome]} ({case.outcome}): {last}")
    if "Traceback" in output:
        found.append("a traceback")
    if not case.check:
        flat = " ".join(output.split())
        if case.says not in flat:
            found.append(f"it does not say {case.says!r}")
        return found
    verdicts = _verdicts(drill)
    named = [v for v in verdicts if v["check"] == case.check]
    if not any(v["outcome"] == case.outcome and case.says in v["message"] for v in named):
        seen = "; ".join(f"{v['outcome']} {v['message']}" for v in named) or "no such verdict"
        found.append(f"{case.check} must be {case.outcome} with {case.says!r}; it is: {seen}")
    return found


def _verdicts(drill: Drill) -> list[dict[str, Any]]:
    try:
        verdicts: list[dict[str, Any]] = json.loads((drill.run / "verdicts.json").read_text())["verdicts"]
    except (OSError, ValueError, KeyError):
        return []
    return verdicts


def send(name: str) -> Callable[[Drill], object]:
    """Break the service in the way `name`."""
    return lambda drill: httpx.get(f"{drill.target_url()}/fault?name={quote(name)}", trust_env=False, timeout=5)


def signal_to(source: str, number: signal.Signals) -> Callable[[Drill], object]:
    """Send a signal to a part of the drill."""
    return lambda drill: os.kill(drill.pid_of(source), number)


def stop_for(source: str, seconds: float) -> Callable[[Drill], object]:
    """Stop a part of the drill for so long."""

    def act(drill: Drill) -> None:
        pid = drill.pid_of(source)
        os.kill(pid, signal.SIGSTOP)
        time.sleep(seconds)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)

    return act


def remove_run_folder(drill: Drill) -> None:
    """Take the run's folder away under the drill."""
    shutil.rmtree(drill.run, ignore_errors=True)
