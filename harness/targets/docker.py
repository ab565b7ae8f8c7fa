"""A container as the target: with the engine's limits, published on loopback only, and gone without a trace."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import psutil

from harness.errors import BadInput, Surroundings
from harness.meters.cgroup import CgroupMeter
from harness.meters.engine import EngineMeter
from harness.meters.filesystem import FilesystemMeter
from harness.meters.process import ProcessTreeMeter, SmapsMeter
from harness.meters.reopened import Reopened
from harness.meters.service import ServiceMeter
from harness.ports import LOOPBACK, free_port
from harness.targets.cards import device_requests
from harness.targets.cgroup import PERIOD_US
from harness.targets.command import fill
from harness.targets.container import RunningContainer, cgroup_of, engine_errors
from harness.targets.disk import make_disk
from harness.targets.engine import RUN_LABEL, connect, where
from harness.targets.execute_inside import execute_inside
from harness.targets.image import ready_image
from harness.targets.readiness import Readiness
from harness.undo import NAME_PREFIX, take_back

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from docker import DockerClient
    from docker.models.containers import Container

    from harness.journal import Entry, Journal
    from harness.meters.meter import Meter
    from harness.recorder import Recorder
    from harness.scenario import ContainerForm, ProcessTarget
    from harness.targets.cgroup import Cgroup
    from harness.targets.disk import Disk

PART: Final = "target"
LOG_NAME: Final = "target.log"
SCENARIO_DIR: Final = "/scenario"
"""Where the scenario's folder is seen inside, read-only: what `{scenario_dir}` means there."""


class DockerTarget:
    """The target `spec` in a container, as its `container` form says.

    Args:
        spec: name, environment, readiness, limits, and the form of its container.
        scenario_dir: what a build's folder is relative to.
        run_dir: gets `target.log`.
        run_id: marks everything that is made, as a label and in its name.
        recorder: hears of starts, restarts, stops and of an end nobody asked for.
        journal: hears of each change before it is made.
        token: what the admin endpoints ask for; the service finds it in `LEAKDRILL_TOKEN`.

    Raises:
        BadInput: when `spec` has no form of a container.
        Surroundings: when no engine answers.
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
        if spec.container is None:
            raise BadInput(
                f"target '{spec.name}' has no `container`; expected one for a drill on Docker",
                hint="target.container: {image: NAME, port: 8000} says which image runs it",
            )
        self.spec = spec
        self.form: ContainerForm = spec.container
        self.log = run_dir.resolve() / LOG_NAME
        self.port = spec.port or free_port()
        self._client: DockerClient = connect()
        self._base = Path(tempfile.gettempdir()).resolve() / f"{NAME_PREFIX}{run_id}"
        self._scenario_dir = scenario_dir.resolve()
        self._run_id = run_id
        self._recorder = recorder
        self._journal = journal
        self._token = token
        self._disk: Disk | None = None
        self._notices: list[str] = []
        self._container: Container | None = None
        self._running: RunningContainer | None = None

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

    def notices(self) -> Sequence[str]:
        """What cannot be enforced or read here, one sentence each."""
        return tuple(self._notices)

    def start(self) -> None:
        """Make its image, disk and container, start it, and return when it is ready.

        Raises:
            BadInput: for an image or a folder that is not there.
            Surroundings: when the engine refuses.
            TargetNotReady: when it ended or did not answer in time; everything made for it is gone then.
        """
        image = ready_image(self._client, self.form, scenario_dir=self._scenario_dir)
        with self._recorder.act("target", "start", port=str(self.port), image=image):
            try:
                self._disk, notices = make_disk(self._base, self.spec.limits.disk, self._journal, part=PART)
                self._notices += notices
                self._disk.path.chmod(0o777)
                self._create(image)
                self._launch("start")
            except BaseException:
                self._take_back(self._pending())
                raise
        if self._cgroup() is None:
            self._notices.append("the engine's control groups are not on this machine: memory is read once a second")

    def restart(self) -> None:
        """End it and start it again: same container, same port, same limits.

        Raises:
            Surroundings: when the engine refuses.
            TargetNotReady: when it does not come back.
        """
        with self._recorder.act("target", "restart"):
            if self._running:
                self._running.asked = True
            container = self._given()
            self._ask(lambda: container.stop(timeout=round(self.spec.stop_timeout)), "stop the container")
            if self._running:
                self._running.join()
            self._launch("start")

    def set_env(self, variables: Mapping[str, str]) -> None:
        """Replace the container by one with `variables` added to its environment; its disk and address stay.

        Raises:
            BadInput: for a placeholder that is not there; it goes on running as it was.
            Surroundings: when the engine refuses.
            TargetNotReady: when it does not come back.
        """
        before = self.spec
        self.spec = before.model_copy(update={"env": {**before.env, **variables}})
        try:
            self._environment()
        except BadInput:
            self.spec = before
            raise
        with self._recorder.act("target", "restart"):
            reasons = self._take_back([entry for entry in self._pending() if entry.kind == "container"])
            if reasons:
                raise Surroundings(f"target '{self.name}' could not be ended: {'; '.join(reasons)}")
            self._create(self.form.image)
            self._launch("start")

    def set_limits(self, *, memory_bytes: int | None, cpus: float | None) -> Sequence[str]:
        """Change the limits that are given; the engine enforces them at once.

        Raises:
            Surroundings: when the engine refuses, as it does for less memory than is in use.
        """
        wanted = {name: value for name, value in (("memory", memory_bytes), ("cpus", cpus)) if value is not None}
        changes: dict[str, Any] = {}
        if memory_bytes is not None:
            changes |= {"mem_limit": memory_bytes, "memswap_limit": memory_bytes}
        if cpus is not None:
            changes |= {"cpu_period": PERIOD_US, "cpu_quota": round(cpus * PERIOD_US)}
        container = self._given()
        self._ask(lambda: container.update(**changes), "change the limits")
        self.spec = self.spec.model_copy(update={"limits": self.spec.limits.model_copy(update=wanted)})
        said = {f"{name}_bytes" if name == "memory" else name: float(value) for name, value in wanted.items()}
        self._recorder.sample("target", "limits", said)
        return ()

    def execute(self, command: Sequence[str], *, output: Path, timeout_s: float) -> int:
        """Run `command` in the container, in its environment and folder; its output goes to `output`.

        Raises:
            BadInput: for a placeholder that is not there.
            Surroundings: when the engine refuses, or it ran for longer than `timeout_s`.
        """
        values = {**self._values(), "pid": "1"}
        argv = [fill(word, values, place=f"exec.command[{i}]") for i, word in enumerate(command)]
        return execute_inside(self._given(), argv, output=output, timeout_s=timeout_s)

    @property
    def pid(self) -> int | None:
        """Its first process, as this machine numbers it; None when it does not run, or not here."""
        return self._pid if self._running and self._running.exit_status is None and self._cgroup() else None

    def processes(self) -> Sequence[psutil.Process]:
        """Its processes now; none where the engine runs elsewhere."""
        found = []
        for pid in self.pids():
            with contextlib.suppress(psutil.NoSuchProcess):
                found.append(psutil.Process(pid))
        return found

    def stop(self) -> None:
        """Remove the container and its disk; does nothing when they are gone."""
        entries = self._pending()
        if entries:
            with self._recorder.act("target", "stop") as note:
                reasons = self._take_back(entries)
                if reasons:
                    note.value, note.unknown = "; ".join(reasons), True
        self._client.close()

    def file(self, path: str) -> Path:
        """Where `path` (`{disk}/…`, as the container sees it, or relative to the disk) lies on this machine.

        Raises:
            BadInput: when that is outside of the disk.
            Surroundings: before `start`.
        """
        if self._disk is None:
            raise Surroundings(f"target '{self.name}' has no disk yet; expected it to be started")
        inside = self.form.disk.rstrip("/") + "/"
        return self._disk.resolve(path.removeprefix(inside))

    def pids(self) -> list[int]:
        """Its processes, as this machine numbers them; none where the engine runs elsewhere."""
        cgroup = self._cgroup()
        return cgroup.pids() if cgroup else []

    def meters(self) -> Sequence[Meter]:
        """What can be read of it; known after `start`."""
        container = self._given()
        direct = self._cgroup() is not None
        meters: list[Meter] = [
            EngineMeter(
                lambda: cast("Iterator[Mapping[str, Any]]", container.stats(stream=True, decode=True)),
                stands_in=not direct,
                errors=engine_errors(),
            )
        ]
        if direct:
            meters += [ProcessTreeMeter(self.pids), SmapsMeter(self.pids), Reopened(self._cgroup_meter)]
        if self._disk:
            meters.append(FilesystemMeter(self._disk))
        if self.spec.metrics:
            meters.append(ServiceMeter(self.base_url + self.spec.metrics))
        return meters

    def _cgroup_meter(self) -> CgroupMeter | None:
        cgroup = self._cgroup()
        return CgroupMeter(cgroup) if cgroup else None

    def _cgroup(self) -> Cgroup | None:
        pid = self._pid
        return cgroup_of(pid, str(self._container.id)) if pid and self._container else None

    def _create(self, image: str) -> None:
        name = f"{NAME_PREFIX}{self._run_id}-{self.name}"
        entry = self._journal.plan("container", part=PART, name=name, run_id=self._run_id, engine=where(self._client))
        self._container = self._ask(lambda: self._client.containers.create(image, **self._options(name)), "make it")
        self._journal.done(entry, id=str(self._container.id))

    def _options(self, name: str) -> dict[str, Any]:
        limits, disk = self.spec.limits, self._disk
        memory = {"mem_limit": limits.memory, "memswap_limit": limits.memory} if limits.memory else {}
        # As quota and period, because the engine does not change `nano_cpus` where these are set, nor the other way.
        cpus = {"cpu_period": PERIOD_US, "cpu_quota": round(limits.cpus * PERIOD_US)} if limits.cpus else {}
        return {
            "name": name,
            "command": self._command(),
            "environment": self._environment(),
            "labels": {RUN_LABEL: self._run_id},
            "ports": {f"{self.form.port}/tcp": (LOOPBACK, self.port)},
            "volumes": {
                **({str(disk.path): {"bind": self.form.disk, "mode": "rw"}} if disk else {}),
                str(self._scenario_dir): {"bind": SCENARIO_DIR, "mode": "ro"},
            },
            **memory,
            **cpus,
            **device_requests(self.spec.gpu),
        }

    def _command(self) -> list[str] | None:
        """What the container runs: its own words, else those of the process, seen from inside; None for the image's."""
        words = self.form.command
        return None if words is None else [fill(w, self._values(), place="target.container.command") for w in words]

    def _environment(self) -> dict[str, str]:
        values = self._values()
        added = {name: fill(text, values, place=f"target.env.{name}") for name, text in self.spec.env.items()}
        return {**added, "LEAKDRILL_TOKEN": self._token, "LEAKDRILL_DISK": self.form.disk}

    def _values(self) -> dict[str, str]:
        return {"python": "python", "port": str(self.form.port), "disk": self.form.disk, "scenario_dir": SCENARIO_DIR}

    def _launch(self, verb: str) -> None:
        container = self._given()
        log_start = self.log.stat().st_size if self.log.exists() else 0
        self._ask(container.start, f"{verb} it")
        self._ask(container.reload, "describe it")
        running = self._running = RunningContainer(container, log=self.log, recorder=self._recorder)
        took_s = Readiness(
            subject=f"target '{self.name}' (container {container.short_id})",
            url=self.base_url + self.spec.ready.path,
            timeout_s=self.spec.ready.timeout,
            exit_status=lambda: running.exit_status,
            log=self.log,
            log_start=log_start,
        ).wait()
        self._recorder.sample("target", "ready", {"pid": float(self._pid or 0), "took_s": round(took_s, 3)})

    @property
    def _pid(self) -> int | None:
        return self._container.attrs["State"]["Pid"] or None if self._container else None

    def _given(self) -> Container:
        if self._container is None:
            raise Surroundings(f"target '{self.name}' has no container yet; expected it to be started")
        return self._container

    def _ask(self, request: Any, what: str) -> Any:
        try:
            return request()
        except engine_errors() as e:
            raise Surroundings(f"target '{self.name}': the engine did not {what}: {e}") from e

    def _pending(self) -> list[Entry]:
        return [entry for entry in self._journal.pending() if entry.data.get("part") == PART]

    def _take_back(self, entries: Sequence[Entry]) -> list[str]:
        if self._running:
            self._running.asked = True
        reasons = [reason for entry in entries if (reason := take_back(self._journal, entry))]
        if self._running and not reasons:
            self._running.join()
        return reasons
