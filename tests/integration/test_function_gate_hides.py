"""Functions that keep memory where this process' own pages do not show it, and healthy ones that do not."""

from __future__ import annotations

import itertools
import mmap
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from leakdrill.pytest_plugin.gate import gate_function
from leakdrill.pytest_plugin.schedule import MeasurementLength

pytestmark = [pytest.mark.integration, pytest.mark.long]
KEEPER = "import sys\nkept = []\nfor line in sys.stdin:\n    kept.append(bytearray(2000))\n    print(flush=True)"


@pytest.fixture
def shm():
    """A folder in memory."""
    if not Path("/dev/shm").is_dir():  # noqa: S108 - a filesystem in memory is what is tested
        pytest.skip("there is no /dev/shm")
    folder = tempfile.mkdtemp(dir="/dev/shm")
    yield Path(folder)
    shutil.rmtree(folder)


def outcome(function, calls=400):
    verdict, text = gate_function(function, (), {}, length=MeasurementLength(calls=calls), budget="32B")
    return str(verdict.outcome), text


def test_files_left_in_memory_are_a_leak(shm):
    numbers = itertools.count()
    assert outcome(lambda: (shm / str(next(numbers))).write_bytes(b"x" * 100) and None)[0] != "CLEAN"


def test_files_that_are_removed_again_are_none(shm):
    def passing():
        (shm / "one").write_bytes(b"x" * 5000)
        (shm / "one").unlink()

    assert outcome(passing)[0] == "CLEAN"


def test_an_open_file_in_memory_that_grows_is_a_leak():
    fd = os.memfd_create("grows")
    try:
        assert outcome(lambda: os.write(fd, b"x" * 500))[0] != "CLEAN"
    finally:
        os.close(fd)


def test_pages_of_a_shared_mapping_are_a_leak():
    with mmap.mmap(-1, 64 << 20, flags=mmap.MAP_SHARED) as pages:
        positions = itertools.count(step=4096)

        def touch():
            pages[next(positions)] = 1

        assert outcome(touch)[0] != "CLEAN"


def test_memory_of_a_child_is_a_leak():
    child = subprocess.Popen([sys.executable, "-c", KEEPER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)

    def ask():
        child.stdin.write(b"x\n")
        child.stdout.readline()

    try:
        assert outcome(ask)[0] != "CLEAN"
    finally:
        child.kill()
        child.communicate()


def test_descriptors_are_a_leak():
    opened = []
    try:
        assert outcome(lambda: opened.append(os.dup(0)), calls=100)[0] != "CLEAN"
    finally:
        for fd in opened:
            os.close(fd)
