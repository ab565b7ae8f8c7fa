"""The processes of one session, found and ended by the session's id alone."""

from __future__ import annotations

import os

import psutil


def members(session_id: int) -> list[psutil.Process]:
    """The processes of the session, its leader's orphans among them: a Locust that is killed leaves its workers."""
    return [psutil.Process(pid) for pid in psutil.pids() if _session_of(pid) == session_id and psutil.pid_exists(pid)]


def kill_session(session_id: int, *, timeout_s: float = 5.0) -> int:
    """Kill what is left of the session, and return how many processes that were."""
    left = [process for process in members(session_id) if process.status() != psutil.STATUS_ZOMBIE]
    for process in left:
        process.kill()
    psutil.wait_procs(left, timeout=timeout_s)
    return len(left)


def _session_of(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except (ProcessLookupError, PermissionError):
        return None
