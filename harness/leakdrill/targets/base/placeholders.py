"""The user's command line, ready to run: placeholders filled in, the program found, its cgroup entered first."""

from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING, Final

from leakdrill.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_PLACEHOLDER: Final = re.compile(r"\{([a-z_]+)\}")

# The shell enters each control group and then becomes the command, so that not one page is charged elsewhere. A
# preexec_fn would do it too, but Python runs it between fork and exec, where a lock of another thread may be held.
_ENTER_AND_BECOME: Final = (
    'n=$1; shift; while [ "$n" -gt 0 ]; do echo $$ > "$1" || exit 125; shift; n=$((n-1)); done; exec "$@"'
)


def fill(text: str, values: Mapping[str, str], *, place: str) -> str:
    """`text` with each `{name}` replaced.

    Raises:
        BadInput: for a name that is not in `values`; `place` says where it stands.
    """

    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            known = ", ".join(f"{{{name}}}" for name in sorted(values))
            raise BadInput(f'{place}: "{match[0]}" in "{text}" is not a placeholder; expected one of {known}')
        return values[match[1]]

    return _PLACEHOLDER.sub(value, text)


def find_program(name: str, *, cwd: Path, path: str | None, place: str = "target.command") -> str:
    """Where the program `name` lies: seen from `cwd` when it holds a slash, else on the search path `path`.

    `place` says where in the scenario it stands.

    Raises:
        BadInput: when it is not there or cannot be run.
    """
    if "/" not in name:
        program = shutil.which(name, path=path)
        if program is None:
            raise BadInput(
                f'{place}: "{name}" was not found on PATH; expected a program',
                hint="{python} is the Python that runs leakdrill; paths are relative to target.cwd",
            )
        return program
    path_given = cwd / name
    if not path_given.is_file():
        raise BadInput(f'{place}: there is no file "{path_given}"; expected a program')
    if not os.access(path_given, os.X_OK):
        raise BadInput(f'{place}: "{path_given}" cannot be run', hint=f"chmod +x {path_given}")
    return str(path_given)


def entering(cgroups: Sequence[Path], argv: Sequence[str]) -> list[str]:
    """`argv`, run inside `cgroups` from its first instruction on."""
    if not cgroups:
        return list(argv)
    procs = [str(folder / "cgroup.procs") for folder in cgroups]
    return ["/bin/sh", "-c", _ENTER_AND_BECOME, "leakdrill", str(len(procs)), *procs, *argv]
