"""Starts a command as an orphan that comes straight back to us, so that the kernel's count of its memory is its own.

The kernel keeps the largest resident size of a child (`ru_maxrss`) from before it becomes the command, and a child that
we start directly lives in our own memory until then: a command that needs less than we do would seem to need as much.
So a small Python starts it and ends. Whoever calls this adopts orphans (see machine/orphans.py).
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SMALL_BYTES: Final = 24 << 20
"""More than the small Python ever needs: a larger `ru_maxrss` is the command's."""

_FORK_AND_BECOME: Final = """
import os, sys
report, group, *argv = sys.argv[1:]
report = int(report)
pid = os.fork()
if pid:
    os.write(report, b"%d " % pid)
    os._exit(0)
try:
    if group == "own":
        os.setpgid(0, 0)
    os.set_inheritable(report, False)
    os.execvp(argv[0], argv)
except OSError as e:
    os.write(report, b"!%d " % e.errno)
    os._exit(127)
"""


def start_adopted(argv: Sequence[str], *, env: Mapping[str, str], own_group: bool, umask: int) -> int:
    """Start `argv` with our standard streams; returns its process id, once it is the command.

    Raises:
        OSError: when the system refuses to start it.
    """
    ours, theirs = os.pipe()
    with open(ours, "rb") as report:  # noqa: PTH123 - a descriptor
        try:
            starter = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _FORK_AND_BECOME, str(theirs), "own" if own_group else "", *argv],
                env=env,
                pass_fds=(theirs,),
                umask=umask,
            )
        finally:
            os.close(theirs)
        words = report.read().split()
    starter.wait()
    failed = [int(word[1:]) for word in words if word.startswith(b"!")]
    if failed or not words:
        number = failed[0] if failed else 0
        raise OSError(number, os.strerror(number) if number else "it could not be forked")
    return int(words[0])
