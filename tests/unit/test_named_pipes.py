"""A pipe that a person names is read, and never waited for without end."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from leakdrill.cli.named_file import read_named

CONTENT = b"t,requests,rss_bytes\n" + b"".join(b"%d,%d,10000000\n" % (n, n * 10) for n in range(9000))
TRACE = (sys.executable, "-m", "leakdrill", "trace")


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


def test_what_is_written_in_pieces_is_read_to_its_end(tmp_path: Path) -> None:
    path = pipe(tmp_path)

    def write() -> None:
        with path.open("wb", buffering=0) as file:
            for at in range(0, len(CONTENT), 40_000):
                file.write(CONTENT[at : at + 40_000])
                time.sleep(0.02)

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    assert read_named(path) == CONTENT
    writer.join()


def test_a_pipe_that_nobody_opens_or_nobody_ends_is_given_up(tmp_path: Path) -> None:
    path = pipe(tmp_path)
    with pytest.raises(OSError, match="in time"):
        read_named(path, idle_s=0.1)
    ours = os.open(path, os.O_RDWR)
    try:
        os.write(ours, b"t,requests\n")
        with pytest.raises(OSError, match="in time"):
            read_named(path, idle_s=0.1)
        os.write(ours, b"x" * 2000)
        with pytest.raises(OSError, match="larger than"):
            read_named(path, most_bytes=1000, idle_s=0.1)
    finally:
        os.close(ours)


def test_a_writer_that_never_ends_is_given_up(tmp_path: Path) -> None:
    path = pipe(tmp_path)
    ours, over = os.open(path, os.O_RDWR), threading.Event()

    def write() -> None:
        while not over.wait(0.02):
            os.write(ours, b"x")

    writer = threading.Thread(target=write)
    writer.start()
    began = time.monotonic()
    try:
        with pytest.raises(OSError, match="in time"):
            read_named(path, idle_s=0.2, total_s=0.4)
    finally:
        over.set()
        writer.join()
        os.close(ours)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("place", ["/dev/zero", "/dev/null", "/", "/proc/self/mem\0"])
def test_devices_and_folders_are_no_files(place: str) -> None:
    with pytest.raises(OSError, match=r"is a device|is a folder|no file can have this name"):
        read_named(Path(place))


@pytest.mark.long
def test_a_trace_comes_from_standard_input_in_every_way(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_bytes(CONTENT)
    given = subprocess.run([*TRACE, str(file)], capture_output=True, check=False)
    assert given.returncode in (0, 1, 2), given.stderr
    for place in ("-", "/dev/stdin"):
        piped = subprocess.run([*TRACE, place], input=CONTENT, capture_output=True, check=False)
        assert piped.returncode == given.returncode
        assert piped.stdout == given.stdout.replace(str(file).encode(), place.encode())
    with file.open("rb") as opened:
        assert subprocess.run([*TRACE, "-"], stdin=opened, capture_output=True, check=False).returncode == (
            given.returncode
        )
    nothing = subprocess.run([*TRACE, "-"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert (nothing.returncode, b"is a device" in nothing.stderr) == (3, True)
    empty = subprocess.run([*TRACE, "-"], input=b"", capture_output=True, check=False)
    assert empty.returncode == 3
