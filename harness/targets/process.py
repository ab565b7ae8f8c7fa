"""A command on this machine as the target: with limits of its own, restarted in place, and gone without a trace."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from harness.errors import BadInput, Surroundings
from harness.meters.cgroup import CgroupMeter
from harness.meters.filesystem import FilesystemMeter
from harness.meters.process import ProcessTreeMeter, SmapsMeter
from harness.meters.service import ServiceMeter
from harness.ports import LOOPBACK, free_port, holder, is_free
from harness.scenario import Limits
from harness.targets.cgroup import apply_limits, watched
from harness.targets.child import Child, start_child
from harness.targets.command import fill, find_program
from harness.targets.execute import execute
from harness.targets.family import PART_VARIABLE, RUN_ID_VARIABLE, Family
from harness.targets.readiness import Readiness
from harness.targets.room import make_room
from harness.undo import NAME_PREFIX, take_back

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.journal import Entry, Journal
    from harness.meters.meter import Meter
    from harness.recorder import Recorder
    from harness.scenario import ProcessTarget
    from harness.targets.cgroup import Cgroup
    from harness.targets.disk import Disk
    from harness.targets.room import Room

PART: Final = "target"
"""Value of `LEAKDRILL_PART` in the target's processes, and of `part` in its journal entries."""

LOG_NAME: Final = "target.log"

_RESCAN_S: Final = 1.0


class LocalProcess:
    """The target `spec`, run as a process.

    Args:
        spec: what to run and with which limits.
        scenario_dir: folder of the scenario file; the working folder when the scenario names none.
        run_dir: gets `target.log`.
        run_id: marks everything that is made.
        recorder: hears of starts, restarts, stops and of an end nobody asked for.
        journal: hears of each change before it is made.
        token: what the admin endpoints ask for; the service finds it in `LEAKDRILL_TOKEN`.
    """

    def __init__(
        self,
        spec: ProcessTarget,
        *,
        scenario_dir: Path,
        run_dir: Path,
        run_id: str,
        recorder: Recorder,
        journal: Journal,
        token: str,
    ) -> None:
        self.spec = spec
        self.log = run_dir.resolve() / LOG_NAME
        self.port = spec.port or free_port()
        self._base = Path(tempfile.gettempdir()).resolve() / f"{NAME_PREFIX}{run_id}"
        self._scenario_dir = scenario_dir.resolve()
        self._run_id = run_id
        self._recorder = recorder
        self._journal = journal
        self._token = token
        self._room: Room | None = None
        self._child: Child | None = None
        self._tree: tuple[float, list[int]] = (float("-inf"), [])

    @property
    def name(self) -> str:
        """Its name, published as the label `container`."""
        return self.spec.name

    @property
    def base_url(self) -> str:
        """Where it answers; the same over restarts."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def token(self) -> str:
        """The run's token."""
        return self._token

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels of its published series."""
        return {**self.spec.labels, "container": self.name}

    @property
    def disk(self) -> Disk | None:
        """Where its files lie; None before `start`."""
        return self._room.disk if self._room else None

    @property
    def cgroup(self) -> Cgroup | None:
        """Its control group; None before `start` and where the machine allows none."""
        return self._room.cgroup if self._room else None

    @property
    def pid(self) -> int | None:
        """Its first process; None when it does not run."""
        return self._child.pid if self._child and self._child.exit_status is None else None

    @property
    def limits_enforced(self) -> frozenset[str]:
        """Those of `memory`, `cpus` and `disk` that the machine enforces; known after `start`."""
        return self._room.enforced if self._room else frozenset()

    @property
    def memory_limit_bytes(self) -> int | None:
        """The declared memory limit, enforced or not."""
        return self.spec.limits.memory

    @property
    def cpu_limit_cores(self) -> float | None:
        """The declared CPU limit, enforced or not."""
        return self.spec.limits.cpus

    def notices(self) -> Sequence[str]:
        """What this machine cannot enforce or read, one sentence each."""
        return self._room.notices if self._room else ()

    def start(self) -> None:
        """Make its disk and limits, start the command, and return when it is ready.

        Raises:
            BadInput: for a placeholder or a program that is not there; nothing was made then.
            Surroundings: when its port is taken; nothing was made then.
            TargetNotReady: when it ended or did not answer in time; everything made for it is gone then.
        """
        self._command()
        self._demand_port()
        with self._recorder.act("target", "start", port=str(self.port)):
            try:
                self._room = make_room(self._base, self.spec.limits, self._journal, part=PART)
                self._launch()
            except BaseException:
                self._take_back(self._pending())
                raise

    def restart(self) -> None:
        """End it and start it again: same port, same disk, same limits.

        Raises:
            TargetNotReady: when it does not come back.
        """
        with self._recorder.act("target", "restart"):
            reasons = self._take_back([entry for entry in self._pending() if entry.kind == "process"])
            if reasons:
                raise Surroundings(f"target '{self.name}' could not be ended: {'; '.join(reasons)}")
            self._launch()

    def set_env(self, variables: Mapping[str, str]) -> None:
        """Restart it with `variables` added to its environment; placeholders are filled in as in `target.env`.

        Raises:
            BadInput: for a placeholder that is not there; it goes on running as it was.
            TargetNotReady: when it does not come back.
        """
        before = self.spec
        self.spec = before.model_copy(update={"env": {**before.env, **variables}})
        try:
            self._command()
        except BadInput:
            self.spec = before
            raise
        self.restart()

    def set_limits(self, *, memory_bytes: int | None, cpus: float | None) -> Sequence[str]:
        """Change the limits that are given; returns one sentence for each that this machine only lets us watch.

        Raises:
            Surroundings: when it was never started.
        """
        if self._room is None:
            raise Surroundings(f"target '{self.name}' has no limits yet; expected it to be started")
        wanted = {name: value for name, value in (("memory", memory_bytes), ("cpus", cpus)) if value is not None}
        self.spec = self.spec.model_copy(update={"limits": self.spec.limits.model_copy(update=wanted)})
        said = {f"{name}_bytes" if name == "memory" else name: float(value) for name, value in wanted.items()}
        if self._room.cgroup:
            notices = apply_limits(self._room.cgroup, Limits().model_copy(update=wanted))[1]
        else:
            notices = [watched(name, value, "the target has no cgroup of its own") for name, value in wanted.items()]
        self._recorder.sample("target", "limits", said)
        return notices

    def execute(self, command: Sequence[str], *, output: Path, timeout_s: float) -> int:
        """Run `command` beside the service, in its environment and folder; its output goes to `output`.

        Raises:
            BadInput: for a placeholder or a program that is not there.
            Surroundings: when it could not be started, or ran for longer than `timeout_s`.
        """
        env, cwd = self._surroundings()
        values = {**self._values(), "pid": str(self.pid or "")}
        argv = [fill(word, values, place=f"exec.command[{i}]") for i, word in enumerate(command)]
        argv[0] = find_program(argv[0], cwd=cwd, path=env.get("PATH"), place="exec.command")
        return execute(argv, env=env, cwd=cwd, output=output, timeout_s=timeout_s, journal=self._journal)

    def processes(self) -> Sequence[psutil.Process]:
        """Its processes now, found by control group, family tree and marker."""
        families = [Family.from_journal(entry.data) for entry in self._pending() if entry.kind == "process"]
        return list({process.pid: process for family in families for process in family.members()}.values())

    def stop(self) -> None:
        """End all its processes and take back its cgroup and its disk; does nothing when they are gone."""
        entries = self._pending()
        if not entries:
            return
        with self._recorder.act("target", "stop") as note:
            reasons = self._take_back(entries)
            if reasons:
                note.value, note.unknown = "; ".join(reasons), True

    def file(self, path: str) -> Path:
        """Where `path` (`{disk}/…`, absolute or relative to the disk) lies.

        Raises:
            BadInput: when that is outside of the disk.
            Surroundings: before `start`.
        """
        if self.disk is None:
            raise Surroundings(f"target '{self.name}' has no disk yet; expected it to be started")
        return self.disk.resolve(path)

    def pids(self) -> list[int]:
        """Its processes now."""
        if self.cgroup:
            return self.cgroup.pids()
        if self._child is None or self._child.exit_status is not None:
            return []
        scanned_at, pids = self._tree
        if time.monotonic() - scanned_at > _RESCAN_S:
            pids = _tree(self._child.pid)
            self._tree = (time.monotonic(), pids)
        return pids

    def meters(self) -> Sequence[Meter]:
        """What can be read of it on this machine; known after `start`."""
        meters: list[Meter] = [ProcessTreeMeter(self.pids), SmapsMeter(self.pids)]
        if self.cgroup:
            meters.append(CgroupMeter(self.cgroup))
        if self.disk:
            meters.append(FilesystemMeter(self.disk))
        if self.spec.metrics:
            meters.append(ServiceMeter(self.base_url + self.spec.metrics))
        return meters

    def _demand_port(self) -> None:
        if is_free(self.port):
            return
        by = holder(self.port)
        raise Surroundings(
            f"target '{self.name}': port {self.port} is taken{' by ' + by if by else ''}; expected a free port",
            hint="end what listens there, or leave target.port out: then a free port is chosen",
        )

    def _command(self) -> tuple[list[str], dict[str, str], Path]:
        """The arguments, the environment and the working folder."""
        values = self._values()
        argv = [fill(word, values, place=f"target.command[{i}]") for i, word in enumerate(self.spec.command)]
        env, cwd = self._surroundings()
        argv[0] = find_program(argv[0], cwd=cwd, path=env.get("PATH"))
        return argv, env, cwd

    def _values(self) -> dict[str, str]:
        """What the placeholders mean."""
        return {
            "python": str(self.spec.python or sys.executable),
            "port": str(self.port),
            "disk": str(self._base / "disk"),
            "scenario_dir": str(self._scenario_dir),
        }

    def _surroundings(self) -> tuple[dict[str, str], Path]:
        """The environment and the working folder."""
        spec, values = self.spec, self._values()
        added = {name: fill(text, values, place=f"target.env.{name}") for name, text in spec.env.items()}
        env = {**os.environ, "PORT": values["port"], **added, "LEAKDRILL_DISK": values["disk"]}
        env |= {"LEAKDRILL_TOKEN": self._token, RUN_ID_VARIABLE: self._run_id, PART_VARIABLE: PART}
        return env, self._scenario_dir / spec.cwd if spec.cwd else self._scenario_dir

    def _launch(self) -> None:
        argv, env, cwd = self._command()
        log_start = self.log.stat().st_size if self.log.exists() else 0
        child = self._child = start_child(
            argv,
            env=env,
            cwd=cwd,
            log=self.log,
            cgroup=self.cgroup,
            journal=self._journal,
            run_id=self._run_id,
            part=PART,
            stop_timeout_s=self.spec.stop_timeout,
        )
        child.watch(self._recorder)
        took_s = Readiness(
            subject=f"target '{self.name}' (pid {child.pid})",
            url=self.base_url + self.spec.ready.path,
            timeout_s=self.spec.ready.timeout,
            exit_status=lambda: child.exit_status,
            log=self.log,
            log_start=log_start,
        ).wait()
        self._recorder.sample("target", "ready", {"pid": float(child.pid), "took_s": round(took_s, 3)})

    def _pending(self) -> list[Entry]:
        return [entry for entry in self._journal.pending() if entry.data.get("part") == PART]

    def _take_back(self, entries: Sequence[Entry]) -> list[str]:
        """Undo `entries`, newest first; returns why, for each that would not go."""
        if self._child:
            self._child.asked = True
        reasons = [reason for entry in entries if (reason := take_back(self._journal, entry))]
        if self._child and not reasons:
            self._child.join()
        return reasons


def _tree(pid: int) -> list[int]:
    try:
        return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    except psutil.NoSuchProcess:
        return []
