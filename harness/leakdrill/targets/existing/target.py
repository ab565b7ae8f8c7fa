"""A service that runs already on this machine as the target: measured and loaded, never started, limited or stopped.

It is left as it was. What the drill itself changed in it, the leaks that it switched on, is in the journal and switched
off at the end, also by `leakdrill clean` after a kill. A step that ends or restarts it needs `--allow`
(`runs/drill/permission.py`), and is carried out as an operator would.
"""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any, ClassVar, Final

import psutil

from leakdrill.errors import BadInput, EnvironmentProblem, TargetNotReady
from leakdrill.files import users_umask
from leakdrill.machine.execute import execute
from leakdrill.machine.ports import stranger_on
from leakdrill.machine.process_tree import PART_VARIABLE, RUN_ID_VARIABLE
from leakdrill.meters.cgroup import CgroupMeter
from leakdrill.meters.cgroup_after_restart import CgroupAfterRestart
from leakdrill.meters.process import ProcessTreeMeter, SmapsMeter
from leakdrill.meters.service import ServiceMeter
from leakdrill.record.events import TargetLeave, TargetReady, TargetRestart, TargetStart
from leakdrill.targets.base.placeholders import fill, find_program
from leakdrill.targets.base.readiness import Readiness
from leakdrill.targets.base.recorded import PART, RecordedTarget
from leakdrill.targets.existing.life import Life
from leakdrill.targets.existing.search import described, find_process
from leakdrill.targets.existing.undo import SWITCHED, UNDO
from leakdrill.wait import TimedOut, wait_for

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from leakdrill.meters.meter import Meter
    from leakdrill.scenario.actions import HttpCall
    from leakdrill.scenario.target import ProcessTarget

RESTART_LOG: Final = "restart.log"
"""The file in the run folder for the output of what a step `restart` runs."""

_NO_GROUP: Final = "the target has no cgroup of its own: its memory is that of its processes"


class RunningService(RecordedTarget):
    """The service that `spec` names by its URL and its process; the other arguments are those of every target."""

    _undo: ClassVar = UNDO

    def __init__(self, spec: ProcessTarget, *, token: str, **run: Any) -> None:
        del token  # a service that was there before the run knows no token of it
        super().__init__(spec, token="", **run)
        self._run_dir: Path = run["run_dir"].resolve()
        self._life: Life | None = None

    @property
    def base_url(self) -> str:
        """Where it answers."""
        return str(self.spec.url)

    @property
    def pid(self) -> int | None:
        """Its first process; None when that has ended."""
        return self._life.process.pid if self._life and self._life.is_alive() else None

    def notices(self) -> Sequence[str]:
        """What cannot be read of it, one sentence each; known after `start`."""
        return () if self._life is None or self._life.cgroup else (_NO_GROUP,)

    def pids(self) -> list[int]:
        """Its processes now."""
        return self._life.pids() if self._life else []

    def processes(self) -> Sequence[psutil.Process]:
        """Its processes now."""
        living = []
        for pid in self.pids():
            try:
                living.append(psutil.Process(pid))
            except psutil.NoSuchProcess:
                continue
        return living

    def start(self) -> None:
        """Find it, and return when it answers.

        Raises:
            BadInput: when its process is not there, or is not the one that answers.
            EnvironmentProblem: when systemd does not answer.
            TargetNotReady: when it does not answer.
        """
        process = find_process(self.spec)
        start = TargetStart(port=str(self.spec.url_port), more={"found": described(process)})
        with self._recorder.act(start):
            self._follow(process)

    def stop(self) -> None:
        """Switch off what leaks, and leave it; does nothing when that is done."""
        if self._life is None:
            return
        with self._recorder.act(TargetLeave()) as note:
            reasons = self._take_back(self._pending(SWITCHED))
            if reasons:
                note.value, note.unknown = "; ".join(reasons), True
        self._life.leave()
        self._life = None

    def restart(self) -> None:
        """Restart it as an operator would: its unit with systemctl, or with the scenario's own command.

        Raises:
            BadInput: when nothing says how, or which process it is afterwards.
            EnvironmentProblem: when the command fails.
            TargetNotReady: when it does not come back.
        """
        argv = self.spec.restarts_with
        if not argv:
            raise BadInput(f"target '{self.name}': nothing says how it is restarted; expected target.restart_command")
        with self._recorder.act(TargetRestart()):
            before = self._living()
            before.asked = True
            self._run(argv)
            process = self._another(before.process)
            before.leave()
            self._follow(process)

    def execute(self, command: Sequence[str], *, output: Path, timeout_s: float) -> int:
        """Run `command` beside the service, in the scenario's folder; its output goes to `output`.

        Raises:
            BadInput: for a placeholder or a program that is not there.
            EnvironmentProblem: when it could not be started, or ran for longer than `timeout_s`.
        """
        values = {"port": str(self.spec.own_port or self.spec.url_port), "pid": str(self.pid or "")}
        values["scenario_dir"] = str(self._scenario_dir)
        argv = [fill(word, values, place=f"exec.command[{i}]") for i, word in enumerate(command)]
        argv[0] = find_program(argv[0], cwd=self._scenario_dir, path=os.environ.get("PATH"), place="exec.command")
        env = {**os.environ, RUN_ID_VARIABLE: self._run_id, PART_VARIABLE: self._part}
        return execute(argv, env=env, cwd=self._scenario_dir, output=output, timeout_s=timeout_s, journal=self._journal)

    def meters(self) -> Sequence[Meter]:
        """What can be read of it; known after `start`."""
        meters: list[Meter] = [ProcessTreeMeter(self.pids), SmapsMeter(self.pids)]
        if self._living().cgroup is not None:
            meters.append(CgroupAfterRestart(self._group_meter))
        if self.spec.metrics:
            meters.append(ServiceMeter(self.base_url + self.spec.metrics))
        return meters

    def note_switched_on(self, leak: str, off: HttpCall) -> None:
        """Remember in the journal that `off` ends the leak that is about to be switched on."""
        process = self._living().process
        self.note_switched_off(leak)
        entry = self._journal.plan(
            SWITCHED,
            part=PART,
            name=leak,
            url=self.base_url,
            method=off.method,
            path=off.path,
            body=off.body,
            expect_status=off.expect_status,
            pid=process.pid,
            create_time=process.create_time(),
        )
        self._journal.done(entry)

    def note_switched_off(self, leak: str) -> None:
        """Forget it: the leak is off."""
        for entry in self._pending(SWITCHED):
            if entry.data["name"] == leak:
                self._journal.undone(entry)

    def _group_meter(self) -> CgroupMeter | None:
        life = self._living()
        return CgroupMeter(life.cgroup) if life.cgroup and life.is_alive() else None

    def _follow(self, process: psutil.Process) -> None:
        """Follow `process` from now on, and return when it answers at the URL, and nobody else does."""
        life = self._life = Life(process, unit=self.spec.unit, recorder=self._recorder)
        took_s = Readiness(
            subject=f"target '{self.name}' ({described(process)})",
            url=self.base_url + self.spec.ready.path,
            timeout_s=self.spec.ready.timeout,
            exit_status=lambda: None,
            log=None,
            stranger=lambda: self._stranger(life),
        ).wait()
        self._recorder.record(TargetReady(process=float(process.pid), took_s=round(took_s, 3)))

    def _stranger(self, life: Life) -> str:
        """Who is there in the place of the service: another process at its port, or nobody; empty when it is there."""
        if not life.is_alive():
            return "another process: its own has ended"
        return stranger_on(self.spec.own_port, life.pids()) if self.spec.own_port else ""

    def _living(self) -> Life:
        if self._life is None:
            raise EnvironmentProblem(f"target '{self.name}' has not been found yet; expected it to be started")
        return self._life

    def _run(self, argv: Sequence[str]) -> None:
        """Run an operator's command that restarts it. It carries no mark of the run: what it starts is not ours."""
        program = find_program(argv[0], cwd=self._scenario_dir, path=os.environ.get("PATH"), place="restart_command")
        output = self._run_dir / RESTART_LOG
        try:
            with output.open("ab") as sink:
                done = subprocess.run(
                    [program, *argv[1:]],
                    cwd=self._scenario_dir,
                    stdin=subprocess.DEVNULL,
                    stdout=sink,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    umask=users_umask(),
                    timeout=self.spec.ready.timeout,
                    check=False,
                )
        except (OSError, subprocess.TimeoutExpired) as e:
            raise EnvironmentProblem(f"target '{self.name}' could not be restarted: {e}") from e
        if done.returncode:
            raise EnvironmentProblem(
                f"target '{self.name}' could not be restarted: {argv[0]} ended with {done.returncode}",
                hint=f"read {output}",
            )

    def _another(self, before: psutil.Process) -> psutil.Process:
        """The process that serves after a restart."""

        def found() -> psutil.Process | None:
            try:
                process = find_process(self.spec)
            except BadInput:
                return None  # it is not up yet
            return process if process != before else None

        try:
            return wait_for(found, what="another process of the service", timeout_s=self.spec.ready.timeout)
        except TimedOut as e:
            raise TargetNotReady(f"target '{self.name}' was restarted, and no other process came up: {e}") from e
