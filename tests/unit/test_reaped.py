"""A killed child is waited for, and no wait lasts for ever."""

from __future__ import annotations

import subprocess
import sys

import psutil
import pytest

from leakdrill.machine.reaped import reap


def _child() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])


def test_a_killed_child_is_reaped_with_its_exit_status() -> None:
    child = _child()
    child.kill()
    reap(child)
    assert child.returncode == -9


@pytest.mark.timeout(20)
def test_a_child_is_reaped_although_an_earlier_wait_was_broken_off_with_the_lock_taken() -> None:
    child = _child()
    child._waitpid_lock.acquire()  # type: ignore[attr-defined]
    child.kill()
    reap(child, usually_s=0.2)
    assert not psutil.pid_exists(child.pid)
    child._waitpid_lock.release()  # type: ignore[attr-defined]
    child.wait()


def test_a_child_that_somebody_else_reaped_is_no_error() -> None:
    child = _child()
    child.kill()
    psutil.Process(child.pid).wait()
    reap(child, usually_s=0.2)
