"""Serves callers inside the target, and keeps the thread out of the way of forks; any Python from 3.9 on.

`ear` is the object in `injected/sitecustomize.py`. It holds sockets, threads and locks as they were before anybody
patched them; nothing else may be used here for waiting.
"""

from __future__ import annotations

import os
from typing import Any

_FORK_WAITS_S = 0.25
_LOOKS_EVERY_S = 0.00005
_LONGEST_QUESTION = 1 << 16


def serve(ear: Any, first: int | None) -> None:
    """Answer one caller after the other, `first` first; returns when a fork asks for it.

    Costs nothing while nobody calls.
    """
    caller = first
    while True:
        _keep(ear)  # before the answer, so that whoever has it finds us again
        if caller is not None and not _serve_one(ear, caller):
            return
        _keep(ear)
        try:
            caller = ear.listener._accept()[0]  # noqa: SLF001 - the raw socket has no other
        except OSError:
            caller = None
            ear.sleep(1.0)  # out of descriptors, most likely: that may be what the drill is about


def _keep(ear: Any) -> None:
    """Listen anew where a daemon closed all descriptors; the number may be somebody else's by now."""
    if not _owned(ear):
        ear.listener.detach()
        ear.open()


def _serve_one(ear: Any, descriptor: int) -> bool:
    """Answer one caller; False when the thread is to end."""
    connection = ear.socket(fileno=descriptor)
    try:
        return _answer(ear, connection)
    except OSError:
        return True  # the caller is gone
    finally:
        connection.close()


def _owned(ear: Any) -> bool:
    """Whether the descriptor is still the socket that we opened."""
    try:
        return bool(os.fstat(ear.listener.fileno()).st_ino == ear.inode)
    except OSError:
        return False


def _answer(ear: Any, connection: Any) -> bool:
    """Read one line and answer it with one; False when the line asked to rest and a fork does wait."""
    connection.settimeout(5.0)
    line = b""
    while not line.endswith(b"\n"):
        part = connection.recv(_LONGEST_QUESTION)
        if not part or len(line) > _LONGEST_QUESTION:
            return True
        line += part
    if line == b"rest\n":
        with ear.lock:
            ear.alive = not ear.forking
            return bool(ear.alive)
    connection.sendall(ear.part("inside").answer(line))
    return True


def before_fork(ear: Any) -> None:
    """End the thread, so that a program of one thread forks as one: Python 3.12 and later warn of anything else."""
    if not ear.alive or ear.ident() == ear.thread[0]:
        return
    ear.forking = True
    try:
        _ask_to_rest(ear)
        if ear.rested.acquire(True, _FORK_WAITS_S):  # noqa: FBT003 - a raw lock knows no keywords in 3.9
            _wait_for_end(ear)
    except Exception:  # noqa: BLE001 - then the fork happens beside a sleeping thread, which does no harm
        return


def _ask_to_rest(ear: Any) -> None:
    folder = os.open(ear.folder, os.O_RDONLY | os.O_DIRECTORY)
    caller = ear.socket(ear.unix, ear.stream)
    try:
        caller.settimeout(_FORK_WAITS_S)
        caller.connect(f"/proc/self/fd/{folder}/{os.getpid()}.sock")
        caller.sendall(b"rest\n")
    finally:
        caller.close()
        os.close(folder)


def _wait_for_end(ear: Any) -> None:
    """Let the kernel finish the thread: it counts it for a moment longer than Python knows it."""
    for _ in range(int(_FORK_WAITS_S / _LOOKS_EVERY_S)):
        if not os.path.exists(f"/proc/self/task/{ear.thread[1]}"):  # noqa: PTH110 - pathlib would be an import
            return
        ear.sleep(_LOOKS_EVERY_S)


def after_fork(ear: Any) -> None:
    """Serve again in the parent."""
    with ear.lock:
        ear.forking = False
        ended = not ear.alive
    if ended:
        _revive(ear, ear.start)


def in_child(ear: Any, forker: Any) -> None:
    """Serve the child on a socket of its own, unless `forker` shows that it is about to become another program."""
    ear.alive = False
    if _owned(ear):
        ear.listener.close()
    else:
        ear.listener.detach()
    if forker.f_globals.get("__name__") == "subprocess":
        return
    _revive(ear, ear.open, ear.start)


def _revive(ear: Any, *steps: Any) -> None:
    """Take the steps; whoever called says why when they fail."""
    try:
        for step in steps:
            step()
    except Exception:
        ear.alive = False
        raise
