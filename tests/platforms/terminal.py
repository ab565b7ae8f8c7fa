"""A command on a terminal of its own, which can be closed under it."""

from __future__ import annotations

import subprocess
import sys

ON_A_TERMINAL = """
import os, pty, select, sys
pid, terminal = pty.fork()
if not pid:
    os.execvp(sys.argv[1], sys.argv[1:])
while 0 not in select.select([0, terminal], [], [])[0]:
    os.write(1, os.read(terminal, 65536))
os.close(terminal)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


def on_a_terminal(command: list[str]) -> subprocess.Popen[bytes]:
    """`command`, begun: its terminal is closed with our standard input, and its exit code becomes ours."""
    return subprocess.Popen(
        [sys.executable, "-c", ON_A_TERMINAL, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
