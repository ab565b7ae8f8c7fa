"""The client of the agents in a target: finds them, and queries all of them at once."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from typing import TYPE_CHECKING, Any, Final

from leakdrill.agent.diagnosis import unannounced, why_absent
from leakdrill.agent.reading import AgentReading, AllocationSite, ProcessReading, TypeCounts
from leakdrill.errors import EnvironmentProblem

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

_SUFFIX: Final = ".sock"
_CHUNK: Final = 1 << 16


class AgentClient:
    """Queries every Python process that announced itself in `folder`.

    Each call finds the processes anew: workers come and go. A process that ended is left out; one that lives and does
    not respond, or has not announced itself yet, is named in `silent`. With the first query a process loads a handler,
    which costs it a megabyte or two: call `ping` or `quiet` once before the readings that count.

    Args:
        folder: what `agent_environment` was given.
        pids: the target's processes, to name those that have not announced themselves, and why none responds;
            without it only those that did are known, and the reasons are general.
        timeout_s: seconds that one query may take, over all processes.
        inside: maps one of `pids` to the pid that the process has for itself, which differs in a container.

    Attributes:
        silent: the processes that did not respond to the last query, and why; one sentence each.
    """

    def __init__(
        self,
        folder: Path,
        *,
        pids: Callable[[], Collection[int]] | None = None,
        timeout_s: float = 30.0,
        inside: Callable[[int], int] = int,
    ) -> None:
        self.silent: tuple[str, ...] = ()
        self._folder = folder.resolve()
        self._pids = pids
        self._timeout_s = timeout_s
        self._inside = inside

    def available(self) -> str | None:
        """Returns None when a process responds, otherwise `no agent answered: …` with the reason."""
        return None if self._query("ping") else self._no_response()

    def ping(self) -> list[dict[str, Any]]:
        """Returns each process's pid, parent, argv, Python, implementation, `allocator` and library of `malloc`."""
        return self._responses("ping")

    def collect(self, times: int = 1) -> list[list[int]]:
        """Returns the number of unreachable objects that each of `times` collections freed, for each process."""
        return self._responses("collect", times=times)

    def trim(self) -> list[dict[str, Any]]:
        """Returns for each process whether the heap gave pages back (`trimmed`), or `why` it cannot be asked to."""
        return self._responses("trim")

    def reading(self, *, objects: bool = True) -> AgentReading:
        """Returns the figures with nothing collected; `objects` false saves a list as long as their number."""
        return self._reading("reading", objects)

    def quiet(self, *, objects: bool = True) -> AgentReading:
        """Collects twice, trims once and reads, in one round trip; all processes at the same time.

        Raises:
            EnvironmentProblem: when no process responds.
        """
        return self._reading("quiet", objects)

    def types(self, *, sizes: bool = False, untracked: bool = False, top: int | None = None) -> TypeCounts:
        """Returns the objects by type.

        Args:
            sizes: bytes as well.
            untracked: also the strings, bytes and numbers that the collector's objects refer to; takes several times
                as long, and in the target up to some 100 bytes for each object while it runs.
            top: only so many types of each process; all by default, because a difference needs them.

        Raises:
            EnvironmentProblem: when no process responds.
        """
        return TypeCounts.of(self._responses("types", sizes=sizes, untracked=untracked, top=top))

    def tracemalloc_start(self, frames: int = 1) -> None:
        """Trace allocations from now on, with so many frames each. This slows the target: do it after judging."""
        self._responses("tracemalloc_start", frames=frames)

    def tracemalloc_mark(self) -> None:
        """Take the snapshot that differences count from."""
        self._responses("tracemalloc_mark")

    def tracemalloc_diff(self, top: int = 10) -> list[AllocationSite]:
        """Returns the `top` allocation sites by bytes gained since the mark, or since the start without one."""
        return AllocationSite.merged(self._responses("tracemalloc_diff", top=top), top)

    def tracemalloc_stop(self) -> None:
        """Stop tracing and forget the mark; a target that traced on its own goes on."""
        self._responses("tracemalloc_stop")

    def _reading(self, command: str, objects: bool) -> AgentReading:
        responses = self._responses(command, objects=objects)
        return AgentReading.of(map(ProcessReading.from_response, responses), self.silent)

    def _responses(self, command: str, **arguments: Any) -> list[Any]:
        responses = self._query(command, **arguments)
        if not responses:
            raise EnvironmentProblem(
                self._no_response(), hint="the gate also works from outside, with a lower resolution"
            )
        return responses

    def _query(self, command: str, **arguments: Any) -> list[Any]:
        """Returns the responses of all processes; the query goes to all before the first response is read."""
        query = json.dumps({"ask": command, **arguments}).encode() + b"\n"
        deadline = time.monotonic() + self._timeout_s
        unannounced_now = self._unannounced()
        silent: list[str] = []
        responses: list[Any] = []
        with contextlib.ExitStack() as stack:
            for pid, connection in [(pid, stack.enter_context(call)) for pid, call in self._connections(query, silent)]:
                reply = _receive(connection, deadline)
                if "answer" in reply:
                    responses.append(reply["answer"])
                else:
                    silent.append(f"pid {pid} did not answer '{command}': {reply['error']}")
        self.silent = (*silent, *unannounced_now) if responses else tuple(silent)  # else `_no_response` knows more
        return responses

    def _unannounced(self) -> list[str]:
        """Returns the processes that should have announced themselves and have not, one sentence each."""
        announced = self._announced()
        return unannounced([pid for pid in (self._pids() if self._pids else ()) if self._inside(pid) not in announced])

    def _connections(self, query: bytes, silent: list[str]) -> Iterator[tuple[int, socket.socket]]:
        """Yields a connection to each living process that took the query; sockets of ended processes are removed."""
        for pid in self._announced():
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(min(5.0, self._timeout_s))
            try:
                with self._address(f"{pid}{_SUFFIX}") as address:
                    connection.connect(address)
                connection.sendall(query)
            except (ConnectionRefusedError, FileNotFoundError):
                connection.close()
                (self._folder / f"{pid}{_SUFFIX}").unlink(missing_ok=True)  # it listens before it has this name
            except OSError as error:
                connection.close()
                silent.append(f"pid {pid} took no question: {error}")
            else:
                yield pid, connection

    def _announced(self) -> list[int]:
        try:
            names = [path.stem for path in self._folder.glob(f"*{_SUFFIX}")]
        except OSError:
            return []
        return sorted(int(name) for name in names if name.isdecimal())

    @contextlib.contextmanager
    def _address(self, name: str) -> Iterator[str]:
        """Yields a short path to a socket, because its address has room for 107 bytes."""
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield f"/proc/self/fd/{folder}/{name}"
        finally:
            os.close(folder)

    def _no_response(self) -> str:
        reasons = self.silent or why_absent(self._folder, self._pids() if self._pids else ())
        return f"no agent answered: {'; '.join(reasons)}"


def _receive(connection: socket.socket, deadline: float) -> dict[str, Any]:
    """Returns the reply, or an error in its place."""
    received = bytearray()
    try:
        while not received.endswith(b"\n"):
            connection.settimeout(max(0.001, deadline - time.monotonic()))
            part = connection.recv(_CHUNK)
            if not part:
                return {"error": "it ended or closed the connection before it had answered"}
            received += part
        reply = json.loads(received)
    except TimeoutError:
        return {"error": "it was silent until the time was over; it may be stopped, or busy in native code"}
    except (OSError, ValueError) as error:
        return {"error": str(error)}
    return reply if isinstance(reply, dict) and reply.keys() & {"answer", "error"} else {"error": f"it said {reply!r}"}
