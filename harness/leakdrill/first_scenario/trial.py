"""Starts a service once, for a moment, to find out what its scenario must say: where it answers, and with what.

A scenario that is only filled in with defaults fails at its first run for most services: there is no /health, the port
is fixed, the metrics are not scraped. A person would learn that one drill at a time.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx
import psutil

from leakdrill.errors import BadInput
from leakdrill.files import users_umask
from leakdrill.machine.child_signals import with_default_sigint
from leakdrill.machine.http_client import bounded_client
from leakdrill.machine.ports import free_port
from leakdrill.machine.process_tree import RUN_ID_VARIABLE, ProcessTree
from leakdrill.machine.reaped import reap
from leakdrill.targets.base.placeholders import fill, find_program
from leakdrill.targets.base.readiness import last_lines, show_exit
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HEALTH_PATHS: Final = ("/health", "/healthz", "/ready", "/readyz", "/-/healthy", "/ping", "/")
"""Tried in this order where none is named."""
_METRICS: Final = "/metrics"
_TRY_TIMEOUT_S: Final = 2.0
_STARTS_WITHIN_S: Final = 30.0
_SETTLES_S: Final = 3.0
"""How long a service that answers, but not with 2xx, or on another port, may still change its mind."""
_OTHER_PORT_AFTER_S: Final = 1.0
"""How long a service that listens elsewhere may take until it listens on the port that it was given, too."""
_ENDS_WITHIN_S: Final = 5.0
_NO_TRIAL: Final = "--no-try writes the files without starting the service"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a service showed.

    Attributes:
        health: a path that answered 2xx.
        port: where it listened although it was given another port; None where it took the one that it was given.
        metrics: the path of its Prometheus metrics; None where it has none.
        rest_bytes: what its processes held when it answered.
        ready_s: seconds until it answered.
    """

    health: str
    port: int | None
    metrics: str | None
    rest_bytes: int
    ready_s: float


def try_service(words: Sequence[str], *, cwd: Path, scenario_dir: Path, health: str | None) -> Found:
    """Start the service, see where it answers, and end it with all its processes.

    Args:
        words: the command; `{port}` and the other placeholders of a scenario are filled in.
        cwd: where it runs.
        scenario_dir: the folder of the scenario that is to be written.
        health: the path that must answer 2xx; None looks for one.

    Raises:
        BadInput: when it cannot be started, ends, or answers 2xx nowhere, with the last lines that it logged.
    """
    with tempfile.TemporaryDirectory(prefix="leakdrill-init-") as folder:
        values = {"scenario_dir": str(scenario_dir.resolve()), "python": sys.executable, "disk": f"{folder}/disk"}
        paths = (health,) if health else HEALTH_PATHS
        trial = _Trial(words, values, cwd=cwd.resolve(), paths=paths, folder=Path(folder))
        try:
            return trial.found()
        finally:
            trial.end()


class _Trial:
    """One start of the service."""

    def __init__(
        self, words: Sequence[str], values: Mapping[str, str], *, cwd: Path, paths: Sequence[str], folder: Path
    ) -> None:
        self._paths = paths
        self._log = folder / "log"
        self._given = free_port()
        self._answers: dict[str, str] = {}
        (folder / "disk").mkdir()
        argv = [fill(word, {**values, "port": str(self._given)}, place="--command") for word in words]
        argv[0] = find_program(argv[0], cwd=cwd, path=os.environ.get("PATH"), place="--command")
        run_id = f"init-{secrets.token_hex(8)}"
        self._began = time.monotonic()
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                with_default_sigint(argv),
                env={**os.environ, "PORT": str(self._given), RUN_ID_VARIABLE: run_id},
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=users_umask(),
            )
        born = psutil.Process(self._process.pid).create_time()
        self._tree = ProcessTree(run_id=run_id, pid=self._process.pid, create_time=born)

    def found(self) -> Found:
        """Returns what it shows, as soon as it answers 2xx."""
        answered_at: float | None = None
        with bounded_client(timeout_s=_TRY_TIMEOUT_S) as client:
            while time.monotonic() < (answered_at or self._began) + (_SETTLES_S if answered_at else _STARTS_WITHIN_S):
                self._check_alive()
                patient = answered_at is None or time.monotonic() < answered_at + _OTHER_PORT_AFTER_S
                for port in self._ports(elsewhere=not patient):
                    found = self._look(client, port)
                    if found is not None:
                        return found
                if answered_at is None and (self._answers or self._ports(elsewhere=True)):
                    answered_at = time.monotonic()
                time.sleep(0.1)
        raise self._nowhere()

    def end(self) -> None:
        """End it and all that came of it."""
        self._tree.end(term_timeout_s=_ENDS_WITHIN_S)
        reap(self._process)

    def _look(self, client: httpx.Client, port: int) -> Found | None:
        for path in self._paths:
            status = _status(client, f"http://127.0.0.1:{port}{path}")
            if status is None:
                return None
            self._answers[f"http://127.0.0.1:{port}{path}"] = str(status)
            if 200 <= status < 300:  # noqa: PLR2004 - what HTTP calls success
                ready_s = time.monotonic() - self._began
                return Found(
                    health=path,
                    port=None if port == self._given else port,
                    metrics=_METRICS if _has_metrics(client, port) else None,
                    rest_bytes=sum(_resident(process) for process in self._tree.members()),
                    ready_s=ready_s,
                )
        return None

    def _ports(self, *, elsewhere: bool) -> list[int]:
        """The port that it was given; with `elsewhere`, and where it does not listen there, those where it does."""
        listening = {
            connection.laddr.port
            for process in self._tree.members()
            for connection in _connections(process)
            if connection.status == psutil.CONN_LISTEN
        }
        if self._given in listening or not elsewhere:
            return [self._given] if self._given in listening or not listening else []
        return sorted(listening)

    def _check_alive(self) -> None:
        status = self._process.poll()
        if status is not None and not self._tree.members():
            after = show_duration(time.monotonic() - self._began)
            ended = f"ended with {show_exit(status)} after {after}, before it answered"
            raise BadInput(
                f"--command: the service {ended}.{self._logged()}",
                hint=f"expected a command that stays in the foreground; {_NO_TRIAL}",
            )

    def _nowhere(self) -> BadInput:
        if not self._answers:
            asked = f"port {self._given}, which {{port}} and $PORT named, was asked"
            return BadInput(
                f"--command: the service answers no HTTP: {asked} for {show_duration(time.monotonic() - self._began)}, "
                f"and it answers on no other.{self._logged()}",
                hint=f"put {{port}} where the command takes its port; {_NO_TRIAL}",
            )
        seen = ", ".join(f"{url} {status}" for url, status in self._answers.items())
        return BadInput(
            f"--command: the service answers, but nowhere with 2xx: {seen}",
            hint=f"name a path that answers 2xx without a login: --health /PATH; {_NO_TRIAL}",
        )

    def _logged(self) -> str:
        lines = last_lines(self._log)
        return "".join(f"\n  {line}" for line in lines) if lines else " It logged nothing."


def _status(client: httpx.Client, url: str) -> int | None:
    """The status of the answer; None where no HTTP comes."""
    try:
        with client.stream("GET", url) as response:
            return response.status_code
    except (httpx.HTTPError, httpx.InvalidURL):
        return None


def _has_metrics(client: httpx.Client, port: int) -> bool:
    try:
        response = client.get(f"http://127.0.0.1:{port}{_METRICS}")
    except httpx.HTTPError:
        return False
    page = response.content.decode(errors="replace")  # its charset may be none
    return response.is_success and any(line.startswith(("# TYPE ", "# HELP ")) for line in page.splitlines())


def _connections(process: psutil.Process) -> Sequence[psutil._ntuples.pconn]:
    try:
        return process.net_connections(kind="tcp")
    except psutil.Error:
        return ()


def _resident(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss
    except psutil.Error:
        return 0
