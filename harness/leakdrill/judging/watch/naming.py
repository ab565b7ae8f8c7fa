"""The name of a process in a split: its program, and for an interpreter the script that it runs."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from leakdrill.expression import is_found
from leakdrill.judging.watch.plan import OTHER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakdrill.judging.watch.plan import PhaseRule

_INTERPRETER: Final = re.compile(
    r"(python|pypy|node|nodejs|ruby|perl|php|bash|dash|sh|zsh|deno|bun|tclsh|Rscript)[\d.]*"
)
_INLINE: Final = ("-c", "-e", "--eval")


def program_name(argv: Sequence[str]) -> str:
    """The name of what `argv` runs: `cc1plus`, `python3 build.py`, `python3 -m pytest`, `sh -c`."""
    # A process may write over its own command line, so argv[0] can be a whole sentence.
    program = _base((argv[0].split() or ["?"])[0])
    if not _INTERPRETER.fullmatch(program):
        return program
    for argument, following in pairwise([*argv[1:], ""]):
        if argument.startswith(_INLINE):
            return f"{program} {argument[:2]}"
        if argument == "-m" and following:
            return f"{program} -m {following}"
        if not argument.startswith("-"):
            return f"{program} {_base(argument)}"
    return program


def phase_of(command: str, parent_phase: str, rules: Sequence[PhaseRule]) -> str:
    """The first phase whose pattern is found in `command`; else its parent's."""
    return next((rule.name for rule in rules if is_found(rule.pattern, command)), parent_phase or OTHER)


def _base(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2] or path
