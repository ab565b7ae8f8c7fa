"""A service that runs already on this machine as the target: measured and loaded, never started, limited or stopped.

It is left as it was. What the drill itself changed in it, the leaks that it switched on, is in the journal and switched
off at the end, also by `leakdrill clean` after a kill. A step that ends or restarts it needs `--allow`
(`runs/drill/permission.py`), and is carried out as an operator would.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar, Final

import psutil

from leakdrill.errors import EnvironmentProblem
from leakdrill.load.log_masking import mask_log
from leakdrill.machine.cgroup import watched
from leakdrill.machine.execute import execute
from leakdrill.machine.process_tree import PART_VARIABLE, RUN_ID_VARIABLE
from leakdrill.meters.cgroup import CgroupMeter
from leakdrill.meters.cgroup_after_restart import CgroupAfterRestart
from leakdrill.meters.of_processes import process_meters
from leakdrill.meters.service import ServiceMeter
from leakdrill.record.events import TargetLeave, TargetReady, TargetRestart, TargetStart
from leakdrill.targets.base.placeholders import fill, find_program
from leakdrill.targets.base.readiness import Readiness
from leakdrill.targets.base.recorded import RecordedTarget
from leakdrill.targets.existing.group_limits import check_group_limits, cpu_limit, memory_limit
from leakdrill.targets.existing.life import Life
from leakdrill.targets.existing.restart import next_process, run_restart
from leakdrill.targets.existing.search import described, find_process, proxy_remark
from leakdrill.targets.existing.switched_leaks import SwitchedLeaks
from leakdrill.targets.existing.undo import UNDO

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from leakdrill.machine.cgroup import Cgroup
    from leakdrill.meters.meter import Meter
    from leakdrill.scenario.target import ProcessTarget

_ITS_OWNERS: Final = "the service runs already, and its limits are its owner's"
_NO_GROUP: Final = "the target has no cgroup of its own: its memory is that of its processes"


class RunningService(RecordedTarget):
    """The service that `spec` names by its URL and its process; the other arguments are those of every target."""

    _undo: ClassVar = UNDO
    part_types: ClassVar[Sequence[type]] = (SwitchedLeaks,)

    def __init__(self, spec: ProcessTarget, *, token: str, **run: Any) -> None:
        del token  # a service that was there before the run knows no token of it
        super().__init__(spec, token="", **run)
        self._run_dir: Path = run["run_dir"].resolve()
        self._life: Life | None = None
        self._leaks = SwitchedLeaks(
            spec,
            access=self.access,
            folder=self._scenario_dir,
            journal=self._journal,
            part=self._part,
            process=lambda: self._living().process,
        )

    @property
    def parts(self) -> Sequence[object]:
        """What remembers the leaks that were switched on."""
        return (self._leaks,)

    @property
    def base_url(self) -> str:
        """Where it answers."""
        return str(self.spec.url)

    @property
    def pid(self) -> int | None:
        """Its first process; None when that has ended."""
        return self._life.process.pid if self._life and self._life.is_alive() else None

    @property
    def lost(self) -> str | None:
        """Who serves in its place while it still runs; None while nobody does."""
        return self._life.lost if self._life else None

    def notices(self) -> Sequence[str]:
        """What cannot be read of it, and limits that it does not have, one sentence each; known after `start`."""
        if self._life is None:
            return ()
        notices = [] if self._life.cgroup else [_NO_GROUP]
        notices += filter(None, [proxy_remark(self.spec, self._life.process)])
        limits, has = self.spec.limits, memory_limit(self._life.cgroup)
        if limits.memory is not None and has is None:
            notices.append(watched("memory", limits.memory, _ITS_OWNERS))
        if limits.cpus is not None and (self._life.cgroup is None or cpu_limit(self._life.cgroup) is None):
            notices.append(watched("cpus", limits.cpus, _ITS_OWNERS))
        return notices

    def pids(self) -> list[int]:
        """Its processes now."""
        return self._life.pids() if self._life else []

    def processes(self) -> Sequence[psutil.Process]:
        """Its processes now."""
        living = []
        for pid in self._life.pids(at_most_s=0) if self._life else ():
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
            try:
                self._follow(process)
                self._check_limits()
            except BaseException:
                self._let_go()
                raise

    def stop(self) -> None:
        """Switch off what leaks, and leave it; does nothing when that is done."""
        if self._life is None:
            return
        with self._recorder.act(TargetLeave()) as note:
            reasons = self._leaks.end()
            if reasons:
                note.value, note.unknown = "; ".join(reasons), True
        self._let_go()

    def restart(self) -> None:
        """Restart it as an operator would: its unit with systemctl, or with the scenario's own command.

        Raises:
            BadInput: when nothing says how, or which process it is afterwards.
            EnvironmentProblem: when the command fails.
            TargetNotReady: when it does not come back.
        """
        with self._recorder.act(TargetRestart()):
            before = self._living()
            before.asked = True
            run_restart(self.spec, folder=self._scenario_dir, run_dir=self._run_dir)
            process = next_process(self.spec, before.process)
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
        env, cwd = {**os.environ, RUN_ID_VARIABLE: self._run_id, PART_VARIABLE: self._part}, self._scenario_dir
        try:
            return execute(argv, env=env, cwd=cwd, output=output, timeout_s=timeout_s, journal=self._journal)
        finally:
            mask_log(output)  # the environment has the secrets of requests

    def meters(self) -> Sequence[Meter]:
        """What can be read of it; known after `start`."""
        meters = process_meters(self.pids, self._groups)
        if self._living().cgroup is not None:
            meters.append(CgroupAfterRestart(self._group_meter))
        if self.spec.metrics:
            meters.append(ServiceMeter(self.base_url + self.spec.metrics, access=self.access))
        return meters

    def _groups(self) -> list[Cgroup]:
        life = self._living()
        return [life.cgroup] if life.cgroup and life.is_alive() else []

    def _group_meter(self) -> CgroupMeter | None:
        life = self._living()
        return CgroupMeter(life.cgroup) if life.cgroup and life.is_alive() else None

    def _follow(self, process: psutil.Process) -> None:
        """Follow `process` from now on, and return when it answers at the URL, and nobody else does."""
        life = self._life = Life(process, unit=self.spec.unit, recorder=self._recorder, port=self.spec.own_port)
        took_s = Readiness(
            subject=f"target '{self.name}' ({described(process)})",
            url=self.base_url + self.spec.ready.path,
            timeout_s=self.spec.ready.timeout,
            exit_status=lambda: None,
            log=None,
            access=self.access,
            stranger=life.stranger,
        ).wait()
        self._recorder.record(TargetReady(process=float(process.pid), took_s=round(took_s, 3)))

    def _let_go(self) -> None:
        if self._life:
            self._life.leave()
        self._life = None

    def _check_limits(self) -> None:
        """Refuse a scenario whose limits are not those that the service has: nobody sets them here."""
        check_group_limits(self.spec, self._living().cgroup)

    def _living(self) -> Life:
        if self._life is None:
            raise EnvironmentProblem(f"target '{self.name}' has not been found yet; expected it to be started")
        return self._life
