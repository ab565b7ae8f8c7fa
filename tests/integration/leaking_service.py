"""A sample service started for the tests of its leaks, and what its processes hold, read from /proc."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import psutil

from leakdrill.machine.ports import free_port
from leakdrill.wait import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_TOKEN: Final = "the-token"  # noqa: S105 - of a service that lives for a test
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_RESET_PEAK: Final = "5"
_LOOK_S: Final = 0.002


@dataclass
class LeakingService:
    """One running service; what is read is of its process and of all processes below it.

    Attributes:
        warm: the kinds of requests that it has had enough of to be measured.
    """

    client: httpx.Client
    process: psutil.Process
    disk: Path
    warm: set[object] = field(default_factory=set)

    def leaks(self) -> dict[str, dict[str, Any]]:
        """Every leak that it lists, by name."""
        return {leak["name"]: leak for leak in self.admin("leaks", method="GET")["leaks"]}

    def switch(self, name: str, *, on: bool) -> None:
        """Start or end a leak."""
        self.admin("leaks", {name: on})

    def collect(self) -> None:
        """Have it collect garbage and hand free memory back."""
        self.admin("gc")

    def read(self, resource: str) -> float:
        """How much it holds of `resource`: bytes, a number, or seconds of processor time used."""
        if resource == "disk":
            return sum(path.stat().st_size for path in self.disk.rglob("*") if path.is_file())
        return sum(self._of_each(_READERS[resource]))

    def settled(self, resource: str) -> float:
        """What `read` says once it says the same three times, a little apart: work after the answer is over by then."""
        looks: list[float] = []

        def same() -> bool:
            looks.append(self.read(resource))
            return len(looks) > 2 and len(set(looks[-3:])) == 1

        wait_for(same, what=f"a steady level of {resource}", timeout_s=30, every_s=0.02)
        return looks[-1]

    def peak(self, work: Callable[[], None]) -> float:
        """The most anonymous memory that all processes held together while `work` was done, in bytes.

        The kernel keeps the highest level of each process to the page; children that come and go are looked at.
        """
        root = Path(f"/proc/{self.process.pid}")
        beside = self.read("memory") - _status(root, "VmRSS")
        (root / "clear_refs").write_text(_RESET_PEAK, encoding="ascii")
        with _highest(lambda: self.read("memory")) as seen:
            work()
        return max(seen[0], beside + _status(root, "VmHWM"))

    def _of_each(self, read: Callable[[Path], float]) -> Iterator[float]:
        for process in [self.process, *self.process.children(recursive=True)]:
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                yield read(Path(f"/proc/{process.pid}"))

    def config(self, **settings: object) -> None:
        """Change settings of the service."""
        self.admin("config", settings)

    def admin(self, name: str, body: object = None, method: str = "POST") -> Any:
        """What the admin endpoint `name` answers."""
        headers = {"Authorization": f"Bearer {_TOKEN}"}
        return self.client.request(method, f"/admin/{name}", json=body, headers=headers).raise_for_status().json()


@contextlib.contextmanager
def leaking_service(name: str, disk: Path) -> Iterator[LeakingService]:
    """`python -m leaky_apps.NAME`, from when it answers until it has ended."""
    disk.mkdir(parents=True, exist_ok=True)
    port = free_port()
    env = {**os.environ, "LEAKDRILL_DISK": str(disk), "LEAKDRILL_TOKEN": _TOKEN}
    command = [sys.executable, "-m", f"leaky_apps.{name}", "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    with (
        (disk.parent / f"{name}.txt").open("wb") as output,
        subprocess.Popen(command, env=env, stdout=output, stderr=output) as process,
        httpx.Client(base_url=url, trust_env=False, timeout=60) as client,
    ):
        try:
            wait_for(lambda: answers(client), what=f"the service {name}", timeout_s=90)
            yield LeakingService(client, psutil.Process(process.pid), disk)
        finally:
            process.terminate()


def answers(client: httpx.Client) -> bool:
    """Whether the service is ready."""
    try:
        return client.get("/health").status_code == 200
    except httpx.TransportError:
        return False


@contextlib.contextmanager
def _highest(read: Callable[[], float]) -> Iterator[list[float]]:
    seen, over = [0.0], threading.Event()

    def look() -> None:
        while not over.wait(_LOOK_S):
            seen[0] = max(seen[0], read())

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def _status(process: Path, field: str) -> float:
    """A field of /proc/PID/status; memory in bytes."""
    for line in (process / "status").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return float(value.split()[0]) * (1024 if "kB" in value else 1)
    return 0.0


def _cpu_seconds(process: Path) -> float:
    """Used by its threads and by the children that it has waited for."""
    fields = (process / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / _TICKS


_READERS: Final[dict[str, Callable[[Path], float]]] = {
    "memory": lambda process: _status(process, "RssAnon"),
    "threads": lambda process: _status(process, "Threads"),
    "descriptors": lambda process: float(len(list((process / "fd").iterdir()))),
    "cpu": _cpu_seconds,
}
