"""A command on this machine as the target: with limits of its own, restarted in place, and gone without a trace."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any, Final

import psutil

from leakdrill.agent.client import AgentClient
from leakdrill.agent.environment import AGENT_VARIABLE, agent_environment
from leakdrill.errors import BadInput, EnvironmentProblem
from leakdrill.machine.cgroup import apply_limits, watched
from leakdrill.machine.execute import execute
from leakdrill.machine.listening import listens_elsewhere
from leakdrill.machine.ports import holder, is_free, stranger_on
from leakdrill.machine.process_tree import PART_VARIABLE, RUN_ID_VARIABLE, ProcessTree
from leakdrill.machine.sandbox import make_sandbox
from leakdrill.machine.undo import UNDO
from leakdrill.meters.cgroup import CgroupMeter
from leakdrill.meters.of_processes import process_meters
from leakdrill.scenario.target import Limits
from leakdrill.targets.base.owned import OwnedTarget
from leakdrill.targets.base.placeholders import find_program
from leakdrill.targets.process.child import Child, start_child

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from leakdrill.machine.cgroup import Cgroup
    from leakdrill.machine.sandbox import Sandbox
    from leakdrill.meters.meter import Meter
    from leakdrill.scenario.target import ProcessTarget

_RESCAN_S: Final = 1.0


class LocalProcess(OwnedTarget):
    """The target `spec`, run as a process; its working folder is the scenario's when the scenario names none.

    The arguments are those of every target.

    Raises:
        BadInput: when `spec` has no command.
    """

    _undo = UNDO
    _sandbox: Sandbox | None = None
    _running: Child | None = None
    _tree: tuple[float, list[int]] = (float("-inf"), [])

    def __init__(self, spec: ProcessTarget, **run: Any) -> None:
        if not spec.command:
            raise BadInput(f"target '{spec.name}' has no command; expected one for a drill on a process")
        super().__init__(spec, **run)

    @property
    def cgroup(self) -> Cgroup | None:
        """Its control group; None before `start` and where the machine allows none."""
        return self._sandbox.cgroup if self._sandbox else None

    @property
    def pid(self) -> int | None:
        """Its first process; None when it does not run."""
        return self._running.pid if self._running and self._running.exit_status is None else None

    @property
    def limits_enforced(self) -> frozenset[str]:
        """Those of `memory`, `cpus` and `disk` that the machine enforces; known after `start`."""
        return self._sandbox.enforced if self._sandbox else frozenset()

    def execute(self, command: Sequence[str], *, output: Path, timeout_s: float) -> int:
        """Run `command` beside the service, in its environment and folder; its output goes to `output`.

        Raises:
            BadInput: for a placeholder or a program that is not there.
            EnvironmentProblem: when it could not be started, or ran for longer than `timeout_s`.
        """
        env, cwd = self._environment(), self._folder()
        argv = self._filled(command, "exec.command", pid=str(self.pid or ""))
        argv[0] = find_program(argv[0], cwd=cwd, path=env.get("PATH"), place="exec.command")
        return execute(argv, env=env, cwd=cwd, output=output, timeout_s=timeout_s, journal=self._journal)

    def processes(self) -> Sequence[psutil.Process]:
        """Its processes now, found by control group, process tree and marker."""
        trees = [ProcessTree.from_journal(entry.data, mark=self._journal.mark) for entry in self._pending("process")]
        return list({process.pid: process for tree in trees for process in tree.members()}.values())

    def pids(self) -> list[int]:
        """Its processes now."""
        if self.cgroup:
            return self.cgroup.pids()
        if self._running is None or self._running.exit_status is not None:
            return []
        scanned_at, pids = self._tree
        if time.monotonic() - scanned_at > _RESCAN_S:
            pids = _tree(self._running.pid)
            self._tree = (time.monotonic(), pids)
        return pids

    def bring_agent(self, folder: Path) -> AgentClient:
        """Have every Python that starts in it from now on answer in `folder`, which is private; who asks them.

        Raises:
            EnvironmentProblem: when the folder cannot be made.
        """
        whole = agent_environment(folder, {**os.environ, **self.spec.env})
        added = {name: whole[name] for name in (AGENT_VARIABLE, "PYTHONPATH")}
        self.spec = self.spec.model_copy(update={"env": {**self.spec.env, **added}})
        return AgentClient(folder, pids=self.pids)

    def _check(self) -> None:
        self._command()

    def _prepare(self) -> Mapping[str, str]:
        self._check()
        if not is_free(self.port):
            by = holder(self.port)
            raise EnvironmentProblem(
                f"target '{self.name}': port {self.port} is taken{' by ' + by if by else ''}; expected a free port",
                hint="end what listens there, or leave target.port out: then a free port is chosen",
            )
        return {}

    def _make(self) -> None:
        self._sandbox = make_sandbox(self._base, self.spec.limits, self._journal, part=self._part)
        self.disk = self._sandbox.disk
        self._notices = list(self._sandbox.notices)

    def _launch(self) -> None:
        log_start = self._log_size()
        child = self._running = start_child(
            self._command(),
            env=self._environment(),
            cwd=self._folder(),
            log=self.log,
            cgroup=self.cgroup,
            journal=self._journal,
            run_id=self._run_id,
            part=self._part,
            stop_timeout_s=self.spec.stop_timeout,
        )
        child.watch(self._recorder)
        self._await(child, called=f"pid {child.pid}", pid=child.pid, log_start=log_start)

    def _halt(self) -> None:
        self._end("process")

    def _limit(self, wanted: Mapping[str, float]) -> Sequence[str]:
        if self._sandbox is None:
            raise EnvironmentProblem(f"target '{self.name}' has no limits yet; expected it to be started")
        if self._sandbox.cgroup:
            return apply_limits(self._sandbox.cgroup, Limits().model_copy(update=dict(wanted)))[1]
        return [watched(name, value, "the target has no cgroup of its own") for name, value in wanted.items()]

    def _stranger(self) -> str:
        return stranger_on(self.port, self.pids())

    def _elsewhere(self) -> str:
        return listens_elsewhere(self.pids(), self.port)

    def _own_meters(self) -> Sequence[Meter]:
        if self.cgroup is None:
            return process_meters(self.pids)
        cgroup = self.cgroup
        return [*process_meters(self.pids, lambda: [cgroup]), CgroupMeter(cgroup)]

    def _command(self) -> list[str]:
        argv = self._filled(self.spec.command, "target.command")
        argv[0] = find_program(argv[0], cwd=self._folder(), path=self._environment().get("PATH"))
        return argv

    def _folder(self) -> Path:
        return self._scenario_dir / self.spec.cwd if self.spec.cwd else self._scenario_dir

    def _environment(self) -> dict[str, str]:
        """The whole of it: ours, the scenario's, and the marks by which its processes are found."""
        own = super()._environment()
        return {**os.environ, "PORT": str(self.port), **own, RUN_ID_VARIABLE: self._run_id, PART_VARIABLE: self._part}

    def _values(self) -> dict[str, str]:
        return {
            "python": str(self.spec.python or sys.executable),
            "port": str(self.port),
            "disk": str(self._base / "disk"),
            "scenario_dir": str(self._scenario_dir),
        }


def _tree(pid: int) -> list[int]:
    try:
        return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    except psutil.NoSuchProcess:
        return []
