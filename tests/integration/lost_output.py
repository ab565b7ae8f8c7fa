"""Runs command lines whose standard output and error go away, each in a fork of this process, which has all loaded.

Reads from standard input: {"case": {"argv": [...], "stdout": KIND, "stderr": KIND, "env": {...}}, ...}
Writes to standard output: {"case": {"code": int, "out": str, "err": str}, ...}

KIND: `file`; `full` (/dev/full); `closed` (the descriptor); `gone` (a pipe whose reader has left); `hung up` (a
terminal whose other side is closed); `ascii` (a file, as an encoding that lacks most characters).
"""

from __future__ import annotations

import io
import json
import os
import pty
import sys
import tempfile
import traceback

import scipy.stats  # noqa: F401 - once, and not in each fork

from leakdrill.cli import commands, main


def opened(kind: str, path: str) -> int | None:
    """Returns the descriptor that stands for `kind`; None for a closed one."""
    if kind == "closed":
        return None
    if kind == "full":
        return os.open("/dev/full", os.O_WRONLY)
    if kind == "gone":
        reader, writer = os.pipe()
        os.close(reader)
        return writer
    if kind == "hung up":
        master, slave = pty.openpty()
        os.close(master)
        return slave
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)


def stream(descriptor: int, kind: str, *, line_buffering: bool) -> io.TextIOWrapper | None:
    """Returns what the interpreter makes of a standard descriptor when it starts."""
    if kind == "closed":
        return None
    encoding = "ascii" if kind == "ascii" else "utf-8"
    return io.TextIOWrapper(io.FileIO(descriptor, "wb"), encoding=encoding, line_buffering=line_buffering)


def run(case: dict, out: str, err: str) -> None:
    """Becomes the command."""
    os.environ.update(case.get("env", {}))
    descriptors = [opened(case["stdout"], out), opened(case["stderr"], err)]
    for number, descriptor in enumerate(descriptors, start=1):
        if descriptor is None:
            os.close(number)
        else:
            os.dup2(descriptor, number)
            os.close(descriptor)
    sys.stdout = sys.__stdout__ = stream(1, case["stdout"], line_buffering=False)
    sys.stderr = sys.__stderr__ = stream(2, case["stderr"], line_buffering=True)
    sys.argv = ["leakdrill", *(os.fsdecode(os.fsencode(word)) for word in case["argv"])]
    code = 99
    try:
        main.main()
    except SystemExit as e:
        code = e.code
        for left in (sys.stdout, sys.stderr):
            left.flush()
    except BaseException:  # noqa: BLE001 - a fork must not go on as its parent
        with open(err, "a") as file:  # noqa: PTH123 - after the streams are gone
            traceback.print_exc(file=file)
    os._exit(code)


def text(path: str) -> str:
    if not os.path.exists(path):  # noqa: PTH110 - likewise
        return ""
    with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - likewise
        return file.read()


def results(cases: dict) -> dict:
    for name in commands.SUMMARIES:
        commands.COMMAND_LINE.commands[name]
    found = {}
    for name, case in cases.items():
        with tempfile.TemporaryDirectory() as folder:
            out, err = f"{folder}/out", f"{folder}/err"
            pid = os.fork()
            if pid == 0:
                run(case, out, err)
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            found[name] = {"code": code, "out": text(out), "err": text(err)}
    return found


if __name__ == "__main__":
    answer = json.dumps(results(json.load(sys.stdin)))
    sys.stdout.write(answer)
