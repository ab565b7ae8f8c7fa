"""A Redis of the service's own: a child process, so that its memory counts with the service's, and it dies with it."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final

from redis import Redis
from redis.exceptions import RedisError

_LONGEST_SOCKET_PATH: Final = 107  # sun_path holds 108 bytes with the one that ends it; unix(7)
_READY_WITHIN_S: Final = 10.0
_PR_SET_PDEATHSIG: Final = 1  # prctl(2)
_LIBC: Final = ctypes.CDLL(None, use_errno=True)  # loaded before the fork: nothing may be imported in between


class RedisServer:
    """A redis-server that keeps nothing on disk and listens on a socket in `disk`, not on a port.

    Args:
        disk: its folder. The socket is `redis.sock` there, or in a folder of its own where that path is too long.
    """

    def __init__(self, disk: Path) -> None:
        self._disk = disk.resolve()
        self.socket = self._disk / "redis.sock"
        if len(str(self.socket)) > _LONGEST_SOCKET_PATH:
            self.socket = Path(tempfile.mkdtemp(prefix="redis-")) / "redis.sock"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL that a client connects to."""
        return f"unix://{self.socket}"

    @property
    def pid(self) -> int | None:
        """The process id; None while it does not run."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """Start it, unless it runs, and return when it answers.

        Raises:
            RuntimeError: when it is not installed, or does not answer.
        """
        if self.pid is not None:
            return
        program = shutil.which("redis-server")
        if program is None:
            raise RuntimeError(
                "redis-server is not on PATH; expected Debian's package redis-server, or REDIS_URL naming a Redis"
            )
        self._process = subprocess.Popen(
            [program, *self._arguments()],
            stdin=subprocess.DEVNULL,
            preexec_fn=_die_with_parent(os.getpid()),  # noqa: PLW1509 - it only makes system calls, and no import
        )
        self._wait()

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _arguments(self) -> list[str]:
        return [
            *("--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700"),
            *("--save", "", "--appendonly", "no", "--dir", str(self._disk)),
            *("--loglevel", "warning", "--daemonize", "no"),
        ]

    def _wait(self) -> None:
        deadline = time.monotonic() + _READY_WITHIN_S
        while not self._answers():
            if self.pid is None or time.monotonic() > deadline:
                raise RuntimeError(f"redis-server did not answer at {self.socket}; its own words are in the log")
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            with Redis.from_url(self.url) as client:
                return bool(client.ping())
        except RedisError:
            return False


class _die_with_parent:  # noqa: N801 - reads as what is done in the child
    """Called in the child before it becomes redis-server: the kernel shall kill it when its parent ends, however."""

    def __init__(self, parent: int) -> None:
        self._parent = parent

    def __call__(self) -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != self._parent:
            os._exit(1)  # it ended before the kernel was asked
