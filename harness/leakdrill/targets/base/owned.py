"""A target that the run starts itself: its start, restart, environment, disk and limits.

A kind of target inherits and says only what it does its own way: `_make` what it lives in, `_launch` it, `_halt` it,
`_limit` it, and what its placeholders mean. The order of things, and what the record and the journal hear of them, is
here, so that a drill reads the same whatever its target runs on.
"""

from __future__ import annotations

import tempfile
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from leakdrill.errors import BadInput, EnvironmentProblem
from leakdrill.machine.ports import LOOPBACK, free_port
from leakdrill.meters.filesystem import FilesystemMeter
from leakdrill.meters.service import ServiceMeter
from leakdrill.record.events import TargetReady, TargetRestart, TargetStart
from leakdrill.targets.base.placeholders import fill
from leakdrill.targets.base.readiness import Readiness
from leakdrill.targets.base.recorded import PART, RecordedTarget, given_limits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from leakdrill.machine.disk import Disk
    from leakdrill.meters.meter import Meter
    from leakdrill.record.journal import Entry
    from leakdrill.scenario.target import ProcessTarget


class Started(Protocol):
    """One start of the service, followed until it ends.

    Attributes:
        asked: set before we end it ourselves; its end is no news then.
    """

    asked: bool

    @property
    def exit_status(self) -> int | None:
        """How it ended; None while it runs."""

    def join(self) -> None:
        """Return when its end is known."""


class OwnedTarget(RecordedTarget, ABC):
    """The target `spec` of one run; the arguments are those of every target.

    Attributes:
        port: where it answers on this machine.
        disk: where its files lie; None before `start`, and for a kind of target without one here.
    """

    def __init__(self, spec: ProcessTarget, *, run_id: str, part: str = PART, **run: Any) -> None:
        super().__init__(spec, run_id=run_id, part=part, **run)
        self.port = spec.port or free_port()
        self.disk: Disk | None = None
        own_name = self._journal.header.own_name(f"{run_id}{part.removeprefix(PART)}")
        self._base = Path(tempfile.gettempdir()).resolve() / own_name
        self._notices: list[str] = []
        self._running: Started | None = None

    @property
    def base_url(self) -> str:
        """Where it answers; the same over restarts."""
        return f"http://{LOOPBACK}:{self.port}"

    def notices(self) -> Sequence[str]:
        """What cannot be enforced or read here, one sentence each; known after `start`."""
        return tuple(self._notices)

    def start(self) -> None:
        """Make what it lives in, start it, and return when it is ready.

        Raises:
            BadInput: for what the scenario names and is not there.
            EnvironmentProblem: when the machine, or the engine, refuses.
            TargetNotReady: when it ended or did not answer in time; everything made for it is gone then.
        """
        details = self._prepare()
        self._log_keeper.start()
        with self._recorder.act(TargetStart(port=str(self.port), more=details)):
            try:
                self._make()
                self._launch()
            except BaseException:
                self._take_back(self._pending())
                self._log_keeper.stop()
                raise

    def restart(self) -> None:
        """End it and start it again: same address, same disk, same limits.

        Raises:
            EnvironmentProblem: when it cannot be ended.
            TargetNotReady: when it does not come back.
        """
        with self._recorder.act(TargetRestart()):
            self._halt()
            self._launch()

    def set_env(self, variables: Mapping[str, str]) -> None:
        """Restart it with `variables` added to its environment; placeholders are filled in as in `target.env`.

        Raises:
            BadInput: for a placeholder that is not there; it goes on running as it was.
            EnvironmentProblem: when it cannot be ended.
            TargetNotReady: when it does not come back.
        """
        before = self.spec
        self.spec = before.model_copy(update={"env": {**before.env, **variables}})
        try:
            self._check()
        except BadInput:
            self.spec = before
            raise
        with self._recorder.act(TargetRestart()):
            self._replace()
            self._launch()

    def set_limits(self, *, memory_bytes: int | None, cpus: float | None) -> Sequence[str]:
        """Change the limits that are given; returns one sentence for each that can only be watched here.

        Raises:
            EnvironmentProblem: when it was never started, or the change is refused.
        """
        wanted = given_limits(memory_bytes, cpus)
        notices = self._limit(wanted)
        self._now_limited(wanted)
        return notices

    def file(self, path: str) -> Path:
        """Where `path` (`{disk}/…`, absolute or relative to the disk) lies on this machine.

        Raises:
            BadInput: when that is outside of the disk.
            EnvironmentProblem: before `start`.
        """
        if self.disk is None:
            raise EnvironmentProblem(f"target '{self.name}' has no disk yet; expected it to be started")
        return self.disk.resolve(path)

    def meters(self) -> Sequence[Meter]:
        """What can be read of it; known after `start`."""
        meters: list[Meter] = [*self._own_meters()]
        if self.disk:
            meters.append(FilesystemMeter(self.disk))
        if self.spec.metrics:
            meters.append(ServiceMeter(self.base_url + self.spec.metrics, access=self.access))
        return meters

    def _prepare(self) -> Mapping[str, str]:
        """Refuse here what can be refused before anything is made; returns what else the record says of the start."""
        return {}

    def _check(self) -> None:
        """Raise BadInput for what the scenario names and is not there."""
        self._environment()

    @abstractmethod
    def _make(self) -> None:
        """Make what it lives in; everything made is in the journal with `part=self._part`."""

    @abstractmethod
    def _launch(self) -> None:
        """Start it in what was made, and return when it is ready (`_await`)."""

    @abstractmethod
    def _halt(self) -> None:
        """End what runs and keep what it lives in, so that `_launch` can follow.

        Raises:
            EnvironmentProblem: when it stays.
        """

    def _replace(self) -> None:
        """What `_halt` does, where another environment needs more than another start."""
        self._halt()

    @abstractmethod
    def _limit(self, wanted: Mapping[str, float]) -> Sequence[str]:
        """Put the limits `wanted` (`memory` in bytes, `cpus` in cores); a sentence for each that is only watched."""

    @abstractmethod
    def _own_meters(self) -> Sequence[Meter]:
        """What this kind of target reads, besides its disk and its own metrics."""

    @abstractmethod
    def _values(self) -> dict[str, str]:
        """What the placeholders mean: `python`, `port`, `disk` and `scenario_dir`, as the service sees them."""

    def _environment(self) -> dict[str, str]:
        """What the service finds in its environment because of the scenario and of us."""
        values = self._values()
        added = {name: fill(text, values, place=f"target.env.{name}") for name, text in self.spec.env.items()}
        return {**added, "LEAKDRILL_TOKEN": self._token, "LEAKDRILL_DISK": values["disk"]}

    def _filled(self, words: Sequence[str], place: str, **more: str) -> list[str]:
        """`words` with their placeholders filled in; `place` is where the scenario has them."""
        values = {**self._values(), **more}
        return [fill(word, values, place=f"{place}[{i}]") for i, word in enumerate(words)]

    def _log_size(self) -> int:
        return self.log.stat().st_size if self.log.exists() else 0

    def _await(self, running: Started, *, called: str, pid: int | None, log_start: int) -> None:
        """Return when it answers, and record how long that took; `called` says which start it is."""
        took_s = Readiness(
            subject=f"target '{self.name}' ({called})",
            url=self.base_url + self.spec.ready.path,
            timeout_s=self.spec.ready.timeout,
            exit_status=lambda: running.exit_status,
            log=self.log,
            log_start=log_start,
            access=self.access,
            stranger=self._stranger,
            elsewhere=self._elsewhere,
        ).wait()
        self._recorder.record(TargetReady(process=float(pid or 0), took_s=round(took_s, 3)))

    def _stranger(self) -> str:
        """Who answers at the port in the place of the target; empty when nobody does, or nobody can know."""
        return ""

    def _elsewhere(self) -> str:
        """Where the target listens, when no probe reaches it there; empty when one does, or nobody can know."""
        return ""

    def _end(self, kind: str) -> None:
        """Undo the entries of `kind`, because others will follow. Raises EnvironmentProblem when one would not go."""
        reasons = self._take_back(self._pending(kind))
        if reasons:
            raise EnvironmentProblem(f"target '{self.name}' could not be ended: {'; '.join(reasons)}")

    def _take_back(self, entries: Sequence[Entry]) -> list[str]:
        """Undo `entries`, newest first, and hear of the end that this is; returns why, for each that would not go."""
        if self._running:
            self._running.asked = True
        reasons = super()._take_back(entries)
        if self._running and not reasons:
            self._running.join()
        return reasons
