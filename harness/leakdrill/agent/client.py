"""The harness's side: finds the agents of a target and asks them all at once."""

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
    """Asks every Python process that announced itself in `folder`.

    Each call finds the processes anew: workers come and go. A process that ended is left out; one that lives and does
    not answer, or has not announced itself yet, is named in `silent`. The first question makes a process load what
    answers it, which costs it a megabyte or two: ask `ping` or `quiet` once before the readings that count.

    Args:
        folder: what `agent_environment` was given.
        pids: the target's processes, to say who of them has not announced itself, and why none of them answers;
            without it only those that did are known, and the reasons are general.
        timeout_s: seconds that one question may take, over all processes.
        inside: the number that one of `pids` has for itself, where that is another one: in a container.

    Attributes:
        silent: who did not answer the last question, and why; one sentence each.
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
        """None when a process answers, otherwise `no agent answered: …` with the reason."""
        return None if self._ask("ping") else self._nobody()

    def ping(self) -> list[dict[str, Any]]:
        """Of each process: pid, parent, argv, Python, implementation, `allocator` (Python's) and `malloc` (whose)."""
        return self._answers("ping")

    def collect(self, times: int = 1) -> list[list[int]]:
        """How many unreachable objects each of `times` collections found, for each process."""
        return self._answers("collect", times=times)

    def trim(self) -> list[dict[str, Any]]:
        """For each process whether the heap gave pages back (`trimmed`), or `why` it cannot be asked to."""
        return self._answers("trim")

    def reading(self, *, objects: bool = True) -> AgentReading:
        """The numbers as they are, with nothing collected; `objects` false saves a list as long as their number."""
        return self._reading("reading", objects)

    def quiet(self, *, objects: bool = True) -> AgentReading:
        """Collect twice, trim once and read, in one round trip; all processes at the same time.

        Raises:
            EnvironmentProblem: when nobody answers.
        """
        return self._reading("quiet", objects)

    def types(self, *, sizes: bool = False, untracked: bool = False, top: int | None = None) -> TypeCounts:
        """Objects by type.

        Args:
            sizes: bytes as well.
            untracked: also the strings, bytes and numbers that the collector's objects refer to; takes several times
                as long, and in the target up to some 100 bytes for each object while it runs.
            top: only so many types of each process; all by default, because a difference needs them.

        Raises:
            EnvironmentProblem: when nobody answers.
        """
        return TypeCounts.of(self._answers("types", sizes=sizes, untracked=untracked, top=top))

    def tracemalloc_start(self, frames: int = 1) -> None:
        """Trace allocations from now on, with so many frames each. This slows the target: do it after judging."""
        self._answers("tracemalloc_start", frames=frames)

    def tracemalloc_mark(self) -> None:
        """Take the snapshot that differences count from."""
        self._answers("tracemalloc_mark")

    def tracemalloc_diff(self, top: int = 10) -> list[AllocationSite]:
        """The `top` places by bytes gained since the mark, or since the start without one."""
        return AllocationSite.merged(self._answers("tracemalloc_diff", top=top), top)

    def tracemalloc_stop(self) -> None:
        """Stop tracing and forget the mark; a target that traced on its own goes on."""
        self._answers("tracemalloc_stop")

    def _reading(self, ask: str, objects: bool) -> AgentReading:
        answers = self._answers(ask, objects=objects)
        return AgentReading.of(map(ProcessReading.from_answer, answers), self.silent)

    def _answers(self, ask: str, **arguments: Any) -> list[Any]:
        answers = self._ask(ask, **arguments)
        if not answers:
            raise EnvironmentProblem(self._nobody(), hint="the gate also works from outside, with a lower resolution")
        return answers

    def _ask(self, ask: str, **arguments: Any) -> list[Any]:
        """The answers of all processes; first all are asked, then all are heard."""
        question = json.dumps({"ask": ask, **arguments}).encode() + b"\n"
        deadline = time.monotonic() + self._timeout_s
        late = self._late()
        silent: list[str] = []
        answers: list[Any] = []
        with contextlib.ExitStack() as calls:
            for pid, connection in [(pid, calls.enter_context(call)) for pid, call in self._calls(question, silent)]:
                reply = _hear(connection, deadline)
                if "answer" in reply:
                    answers.append(reply["answer"])
                else:
                    silent.append(f"pid {pid} did not answer '{ask}': {reply['error']}")
        self.silent = (*silent, *late) if answers else tuple(silent)  # where nobody answers, `_nobody` knows more
        return answers

    def _late(self) -> list[str]:
        """Who should have announced itself and has not, one sentence each."""
        announced = self._announced()
        return unannounced([pid for pid in (self._pids() if self._pids else ()) if self._inside(pid) not in announced])

    def _calls(self, question: bytes, silent: list[str]) -> Iterator[tuple[int, socket.socket]]:
        """A connection to each living process that took the question; what those that ended left is removed."""
        for pid in self._announced():
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(min(5.0, self._timeout_s))
            try:
                with self._address(f"{pid}{_SUFFIX}") as address:
                    connection.connect(address)
                connection.sendall(question)
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
        """A short way to a socket, for its address has room for 107 bytes."""
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield f"/proc/self/fd/{folder}/{name}"
        finally:
            os.close(folder)

    def _nobody(self) -> str:
        reasons = self.silent or why_absent(self._folder, self._pids() if self._pids else ())
        return f"no agent answered: {'; '.join(reasons)}"


def _hear(connection: socket.socket, deadline: float) -> dict[str, Any]:
    """The reply, or what came instead of one."""
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
