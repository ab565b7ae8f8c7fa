"""What is mounted on this machine, and which loop devices stand for which file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of /proc/self/mountinfo.

    Attributes:
        path: where it is mounted.
        device: the kernel's number of it, as `st_dev` has it.
        fstype: its filesystem.
        source: what is mounted, such as `/dev/loop0`.
    """

    path: Path
    device: int
    fstype: str
    source: str


def mounts() -> list[Mount]:
    """Every mount that shows here, the oldest first."""
    return [_parse(line) for line in Path("/proc/self/mountinfo").read_text(errors="surrogateescape").splitlines()]


def _parse(line: str) -> Mount:
    left, _, right = line.partition(" - ")
    _, _, numbers, _, path = left.split(" ")[:5]
    fstype, source = right.split(" ")[:2]
    major, _, minor = numbers.partition(":")
    return Mount(Path(_plain(path)), os.makedev(int(major), int(minor)), fstype, _plain(source))


def _plain(text: str) -> str:
    """The kernel writes blanks, tabs, line ends and backslashes as three octal digits."""
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text


def loop_devices(file: Path) -> list[Path]:
    """The loop devices that stand for `file`."""
    found = []
    for backing in Path("/sys/block").glob("loop*/loop/backing_file"):
        try:
            if backing.read_text(errors="surrogateescape").rstrip("\n") == str(file):
                found.append(Path("/dev") / backing.parents[1].name)
        except OSError:
            continue  # it was given back a moment ago
    return found
