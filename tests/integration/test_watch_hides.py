"""Commands that keep memory where no reading of a process shows it, under a limit that they break."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.long]

FILE = "import os, sys; open(sys.argv[1], 'wb').write(bytes(80 << 20))"
MEMFD = "import os; fd = os.memfd_create('x'); [os.write(fd, bytes(1 << 20)) for _ in range(80)]"
SHORT = "bytearray(b'x') * (80 << 20)"
DAEMON = """
import os, sys
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execve(sys.executable, [sys.executable, '-c', "x = b'x' * (80 << 20); import time; time.sleep(5)"], {})
    os._exit(0)
os.wait()
"""
TOGETHER = """
import os, time
for _ in range(5):
    if os.fork() == 0:
        x = b'x' * (20 << 20)
        time.sleep(0.06)
        os._exit(0)
for _ in range(5):
    os.wait()
"""
PIPES = """
import fcntl, os
for _ in range(80):
    r, w = os.pipe()
    fcntl.fcntl(w, 1031, 1 << 20)
    os.set_blocking(w, False)
    os.write(w, bytes(1 << 20))
"""
CACHE = "import os, sys; open(sys.argv[1], 'wb').write(bytes(1 << 20) * 8); os.unlink(sys.argv[1])"


def budget(tmp_path, script, *arguments):
    """The outcome of the limit of 60 MiB, and its sentence."""
    command = [sys.executable, "-I", "-S", "-c", script, *map(str, arguments)]
    subprocess.run(
        [sys.executable, "-m", "leakdrill", "watch", "--limit", "60MiB", "--runs", str(tmp_path), "--", *command],
        capture_output=True,
        check=False,
        env={**os.environ, "COLUMNS": "200"},
    )
    (path,) = (p for p in tmp_path.glob("*/*/verdicts.json") if not p.parent.is_symlink())
    told = {v["check"]: v for v in json.loads(path.read_bytes())["verdicts"]}["peak_stays_within_budget"]
    return told["outcome"], told["message"]


@pytest.mark.parametrize(
    "script", [MEMFD, SHORT, DAEMON, TOGETHER, PIPES], ids=["memfd", "short", "daemon", "together", "pipes"]
)
def test_memory_that_hides_breaks_the_limit(tmp_path, script):
    outcome, message = budget(tmp_path, script)
    grouped = "control group" not in message and Path("/sys/fs/cgroup").is_dir()
    assert outcome == "FAIL" if grouped and os.geteuid() == 0 else outcome != "PASS", message


def test_a_file_that_is_left_in_memory_breaks_the_limit(tmp_path):
    place = Path(f"/dev/shm/leakdrill-test-{os.getpid()}")  # noqa: S108 - a filesystem in memory is what is tested
    try:
        outcome, message = budget(tmp_path, FILE, place)
    finally:
        place.unlink(missing_ok=True)
    assert outcome != "PASS", message


def test_page_cache_of_a_file_does_not(tmp_path):
    outcome, message = budget(tmp_path, CACHE, tmp_path / "file")
    assert outcome == "PASS", message
