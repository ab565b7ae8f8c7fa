"""Children can be interrupted, even when a shell in the background made us ignore SIGINT."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from leakdrill.machine.child_signals import with_default_sigint

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.integration

WAIT = "import time; print('up', flush=True); time.sleep(60)"


@pytest.fixture
def ignored() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, before)


def survives_an_interrupt(argv: list[str]) -> bool:
    """Whether the command goes on after SIGINT; it is ended afterwards."""
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout
        assert process.stdout.readline() == b"up\n"
        process.send_signal(signal.SIGINT)
        try:
            process.wait(1)
        except subprocess.TimeoutExpired:
            return True
        finally:
            process.kill()
    return False


@pytest.mark.usefixtures("ignored")
def test_a_child_hears_the_interrupt_that_we_ignore() -> None:
    argv = [sys.executable, "-c", WAIT]
    assert survives_an_interrupt(argv), "without the helper the test would show nothing"
    assert not survives_an_interrupt(with_default_sigint(argv))


@pytest.mark.usefixtures("ignored")
def test_it_stays_the_same_process_with_the_same_arguments() -> None:
    argv = with_default_sigint([sys.executable, "-c", "import os, sys; print(os.getpid(), *sys.argv[1:])", "a b", ""])
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.communicate()[0] == f"{process.pid} a b \n"


def test_nothing_is_in_front_of_the_command_where_the_interrupt_is_not_ignored() -> None:
    assert with_default_sigint(["sleep", "1"]) == ["sleep", "1"]


def test_a_child_of_a_test_ignores_and_blocks_nothing_that_tests_send() -> None:
    status = subprocess.run(["cat", "/proc/self/status"], capture_output=True, text=True, check=True).stdout
    fields = dict(line.split(":\t", 1) for line in status.splitlines())
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT, signal.SIGUSR1):
        for field in ("SigIgn", "SigBlk"):
            assert not int(fields[field], 16) >> number - 1 & 1, f"{field} has {number.name}"


@pytest.mark.long
@pytest.mark.parametrize("start", ["trap '' INT HUP TERM QUIT USR1", "sigmask"])
def test_that_holds_however_the_tests_were_started(start: str) -> None:
    test = f"{__file__}::{test_a_child_of_a_test_ignores_and_blocks_nothing_that_tests_send.__name__}"
    pytest_command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", test]
    if start == "sigmask":
        block = "import os, signal, sys; signal.pthread_sigmask(0, range(1, 16)); os.execv(sys.argv[1], sys.argv[1:])"
        command = [sys.executable, "-c", block, *pytest_command]
    else:
        command = ["sh", "-c", f'{start}; exec "$@"', "sh", *pytest_command]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
