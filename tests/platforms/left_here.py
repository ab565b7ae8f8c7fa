"""What tests have left on this machine: processes, folders and mounts, told apart from those of anybody else."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import psutil

from leakdrill.wait import TimedOut, wait_for

MARK = "LEAKDRILL_TESTS_OF"
"""In the environment of everything that these tests start, however it is started."""

_TIMEOUT_S = 15.0


def mark() -> None:
    """From now on what is started carries our mark, and what is made for a while lies in a folder of ours."""
    if MARK in os.environ:
        return
    os.environ[MARK] = str(os.getpid())
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())
    folder = tempfile.mkdtemp(prefix="lt-")  # short, because sockets lie below it
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["TMPDIR"] = tempfile.tempdir = folder


def left_here() -> set[str]:
    """Processes that carry our mark, and what lies in our folder or is mounted there."""
    own = Path(tempfile.gettempdir())
    found = {f"process {p.pid} {' '.join(p.info['cmdline'] or [])[:120]}" for p in _marked()}
    found |= {f"mount {m.mountpoint}" for m in psutil.disk_partitions(all=True) if own in Path(m.mountpoint).parents}
    return found | {f"folder {path}" for path in own.glob("leakdrill-*")}


def assert_nothing_new(looked, before: set[str]) -> None:
    """That nothing is there which `looked` did not see before; what is about to end may do so."""
    try:
        wait_for(lambda: looked() <= before, what="nothing is left", timeout_s=_TIMEOUT_S)
    except TimedOut:
        left = sorted(looked() - before)
        assert not left, left


def _marked() -> list[psutil.Process]:
    wanted = f"{MARK}={os.environ.get(MARK)}".encode()
    return [p for p in psutil.process_iter(["cmdline"]) if p.pid != os.getpid() and wanted in _environment(p.pid)]


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []
