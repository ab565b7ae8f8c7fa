"""The processes of one session, found and ended by the session's id alone."""

from __future__ import annotations

import contextlib
import os

import psutil


def members(session_id: int) -> list[psutil.Process]:
    """The processes of the session, its leader's orphans among them: a Locust that is killed leaves its workers."""
    processes = []
    for pid in psutil.pids():
        with contextlib.suppress(psutil.NoSuchProcess):  # it may end while we look
            if _session_of(pid) == session_id:
                processes.append(psutil.Process(pid))
    return processes


def kill_session(session_id: int, *, timeout_s: float = 5.0) -> int:
    """Kill what is left of the session, and return how many processes that were."""
    left = members(session_id)
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(left, timeout=timeout_s)
    return len(left)


def _session_of(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except (ProcessLookupError, PermissionError):
        return None
