"""The listener inside the target: serves callers, and keeps its thread out of the way of forks; Python 3.9 and later.

`agent` is the object in `injected/sitecustomize.py`. It holds sockets, threads and locks as they were before anybody
patched them; nothing else may be used here for waiting.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False  # typing would be an import, and a service may have one of its own
if TYPE_CHECKING:
    from typing import Any

_FORK_WAITS_S = 0.25
_LOOKS_EVERY_S = 0.00005
_LONGEST_QUERY = 1 << 16


def serve(agent: Any, first: int | None) -> None:
    """Respond to one caller after the other, `first` first; returns when a fork asks for it.

    Costs nothing while nobody calls.
    """
    caller = first
    while True:
        _keep_listening(agent)  # before the response, so that whoever has it finds us again
        if caller is not None and not _serve_one(agent, caller):
            return
        _keep_listening(agent)
        try:
            caller = agent.listener._accept()[0]  # noqa: SLF001 - the raw socket has no other
        except OSError:
            caller = None
            agent.sleep(1.0)  # out of descriptors, most likely: that may be what the drill is about


def _keep_listening(agent: Any) -> None:
    """Listen anew where a daemon closed all descriptors; the number may be somebody else's by now."""
    if not _owned(agent):
        agent.listener.detach()
        agent.open()


def _serve_one(agent: Any, descriptor: int) -> bool:
    """Respond to one caller; returns False when the thread is to end."""
    connection = agent.socket(fileno=descriptor)
    try:
        return _respond(agent, connection)
    except OSError:
        return True  # the caller is gone
    finally:
        connection.close()


def _owned(agent: Any) -> bool:
    """Whether the descriptor is still the socket that we opened."""
    try:
        return bool(os.fstat(agent.listener.fileno()).st_ino == agent.inode)
    except OSError:
        return False


def _respond(agent: Any, connection: Any) -> bool:
    """Read one line and respond with one; returns False when the line asked to rest and a fork is waiting."""
    connection.settimeout(5.0)
    line = b""
    while not line.endswith(b"\n"):
        part = connection.recv(_LONGEST_QUERY)
        if not part or len(line) > _LONGEST_QUERY:
            return True
        line += part
    if line == b"rest\n":
        with agent.lock:
            agent.alive = not agent.forking
            return bool(agent.alive)
    connection.sendall(agent.part("handler").respond(line))
    return True


def before_fork(agent: Any) -> None:
    """End the thread, so that a program of one thread forks as one: Python 3.12 and later warn of anything else."""
    if not agent.alive or agent.ident() == agent.thread[0]:
        return
    agent.forking = True
    try:
        _ask_to_rest(agent)
        if agent.rested.acquire(True, _FORK_WAITS_S):  # noqa: FBT003 - a raw lock knows no keywords in 3.9
            _wait_for_end(agent)
    except Exception:  # noqa: BLE001 - then the fork happens beside a sleeping thread, which does no harm
        return


def _ask_to_rest(agent: Any) -> None:
    folder = os.open(agent.folder, os.O_RDONLY | os.O_DIRECTORY)
    caller = agent.socket(agent.unix, agent.stream)
    try:
        caller.settimeout(_FORK_WAITS_S)
        caller.connect(f"/proc/self/fd/{folder}/{os.getpid()}.sock")
        caller.sendall(b"rest\n")
    finally:
        caller.close()
        os.close(folder)


def _wait_for_end(agent: Any) -> None:
    """Let the kernel finish the thread: it counts it for a moment longer than Python knows it."""
    for _ in range(int(_FORK_WAITS_S / _LOOKS_EVERY_S)):
        if not os.path.exists(f"/proc/self/task/{agent.thread[1]}"):  # noqa: PTH110 - pathlib would be an import
            return
        agent.sleep(_LOOKS_EVERY_S)


def after_fork(agent: Any) -> None:
    """Serve again in the parent."""
    with agent.lock:
        agent.forking = False
        ended = not agent.alive
    if ended:
        _revive(agent, agent.start)


def in_child(agent: Any, forker: Any) -> None:
    """Serve the child on a socket of its own, unless `forker` shows that it is about to become another program."""
    agent.alive = False
    if _owned(agent):
        agent.listener.close()
    else:
        agent.listener.detach()
    if forker.f_globals.get("__name__") == "subprocess":
        return
    _revive(agent, agent.open, agent.start)


def _revive(agent: Any, *steps: Any) -> None:
    """Take the steps; the caller notes why when they fail."""
    try:
        for step in steps:
            step()
    except Exception:
        agent.alive = False
        raise
