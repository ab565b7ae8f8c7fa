"""Work whose time and memory nobody can foresee, done in a child that has little of both.

The child is a copy of this process, so that the work needs no arguments that can be sent. It ends without what this
process does at its own end. A call into C is not interrupted by a signal: then the kernel ends the child.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import sys
import time
import traceback
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from leakdrill.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable

CPU_S: Final = 10
"""Seconds of CPU time that the work may take."""
TOO_LONG: Final = f"takes longer than {CPU_S} s"
"""What the `TimeoutError` says that the work gets when that time is over."""
MORE_BYTES: Final = 512 * 2**20
"""Memory that it may take beside what this process has."""
_WALL_S: Final = 6 * CPU_S
_GRACE_S: Final = 2
_AT_ONCE: Final = 2**16


class ChildLost(Exception):  # noqa: N818 - it was lost by no mistake of ours
    """The child ended before the work did: it took too long, or something in it broke."""


def in_limited_child(work: Callable[[], str]) -> str:
    """Returns what `work` returns.

    Raises:
        BadInput: when `work` does.
        ChildLost: when it did not come to its end.
        RuntimeError: when it raises anything else; says what.
    """
    reads, writes = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a copy with one thread is all that the child needs
        child = os.fork()
    if not child:
        _do(work, writes)
    os.close(writes)
    try:
        answer = _read(reads, time.monotonic() + _WALL_S)
    finally:
        os.close(reads)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return _result(answer)


def _do(work: Callable[[], str], writes: int) -> NoReturn:
    """Do the work and end this process, which is the child."""
    try:
        _limit()
        answer: dict[str, Any] = {"text": work()}
    except BadInput as e:
        answer = {"refused": e.message, "hint": e.hint}
    except BaseException:  # noqa: BLE001 - the parent says what it was
        answer = {"broke": traceback.format_exc()}
    signal.signal(signal.SIGXCPU, signal.SIG_IGN)
    with open(writes, "wb") as file:
        file.write(json.dumps(answer).encode())
    os._exit(0)


def _limit() -> None:
    def ring(*_: object) -> None:
        raise TimeoutError(TOO_LONG)

    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGXCPU, ring)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    _lower(resource.RLIMIT_AS, pages * resource.getpagesize() + MORE_BYTES)
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_CPU, CPU_S, CPU_S + _GRACE_S)


def _lower(kind: int, soft: int, hard: int | None = None) -> None:
    most = resource.getrlimit(kind)[1]
    wanted = [soft, soft if hard is None else hard]
    if most != resource.RLIM_INFINITY:
        wanted = [min(one, most) for one in wanted]
    resource.setrlimit(kind, (wanted[0], wanted[1]))


def _read(reads: int, until: float) -> bytes:
    """Everything that the child writes; nothing when that takes too long."""
    pieces: list[bytes] = []
    waits = select.poll()
    waits.register(reads)
    while waits.poll(max(0.0, until - time.monotonic()) * 1000):
        piece = os.read(reads, _AT_ONCE)
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)
    return b""


def _result(answer: bytes) -> str:
    if not answer:
        raise ChildLost(TOO_LONG)
    content = json.loads(answer)
    if "refused" in content:
        raise BadInput(content["refused"], hint=content["hint"])
    if "broke" in content:
        raise RuntimeError(content["broke"])
    return str(content["text"])
