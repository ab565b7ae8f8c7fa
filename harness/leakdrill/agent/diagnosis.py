"""Diagnosis of missing agents: the reasons that processes noted themselves, and those that show from outside."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import psutil

from leakdrill.agent.environment import AGENT_VARIABLE, INJECTED

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

_PYTHON: Final = re.compile(r"(python|pypy)[\d.]*t?")
_ON_PATH: Final = "/".join(INJECTED.parts[-2:])  # the end of the injected folder's path, in a container too
_TAKES_AN_ARGUMENT: Final = "WX"
_ENDS_THE_OPTIONS: Final = "cm"
_MAY_BE_STARTING: Final = "and did not announce itself; it may still be starting"
_FLAGS_WITHOUT_AGENT: Final = {
    "I": "-I, which ignores the environment",
    "E": "-E, which ignores the environment",
    "S": "-S, which leaves out `site`",
}


def why_absent(folder: Path, pids: Collection[int] = ()) -> list[str]:
    """Returns the reasons why no agent responds, one clause each; never empty.

    Args:
        folder: where the agents would have announced themselves.
        pids: the target's processes, when they are known.
    """
    if not folder.is_dir():
        return [f"there is no folder {folder}"]
    noted = [f"pid {path.stem}: {path.read_text().strip()}" for path in sorted(folder.glob("*.why"))]
    diagnosed = [reason for pid in sorted(pids) if (reason := _reason(pid))]
    return noted + diagnosed or [
        f"no Python process announced itself in {folder} (not Python, or started with -I, -E or -S)"
    ]


def unannounced(pids: Collection[int]) -> list[str]:
    """Returns a clause for each of the unannounced `pids` that should have announced itself: a forked child is late."""
    return [reason for pid in sorted(pids) if (reason := _reason(pid)).endswith(_MAY_BE_STARTING)]


def _reason(pid: int) -> str:
    """Returns the reason that keeps the agent out of this process, as far as it shows; empty when the process ended."""
    try:
        process = psutil.Process(pid)
        argv, environment = process.cmdline(), process.environ()
        program = process.exe().rpartition("/")[2]
    except psutil.Error:
        return ""
    return f"pid {pid} ({program}) {_cause(program, argv, environment)}"


def _cause(program: str, argv: Sequence[str], environment: Mapping[str, str]) -> str:
    if not _PYTHON.fullmatch(program):
        return "is no Python interpreter"
    flags = sorted(set(interpreter_flags(argv)) & _FLAGS_WITHOUT_AGENT.keys())
    if flags:
        return f"was started with {' and '.join(_FLAGS_WITHOUT_AGENT[flag] for flag in flags)}"
    if AGENT_VARIABLE not in environment or _ON_PATH not in environment.get("PYTHONPATH", ""):
        return f"was started without {AGENT_VARIABLE} or with a PYTHONPATH of its own"
    return f"has the agent's environment {_MAY_BE_STARTING}"


def interpreter_flags(argv: Sequence[str]) -> str:
    """Returns the one-letter options in the command line of a Python interpreter: `IB` in `python -IB app.py -S`."""
    flags = ""
    rest = iter(argv[1:])
    for word in rest:
        if not word.startswith("-") or word in ("-", "--") or word.startswith("--"):
            break
        for at, letter in enumerate(word[1:], start=1):
            if letter in _ENDS_THE_OPTIONS:
                return flags
            if letter in _TAKES_AN_ARGUMENT:
                if at == len(word) - 1:
                    next(rest, None)
                break
            flags += letter
    return flags
