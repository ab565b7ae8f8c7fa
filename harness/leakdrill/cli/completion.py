"""`leakdrill completion`: the script that lets a shell complete commands and options."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

import typer
from typer.completion import get_completion_script  # type: ignore[attr-defined]

from leakdrill.cli.commands import COMPLETION_VARIABLE
from leakdrill.cli.output import print_lines

Shell = Literal["bash", "zsh", "fish"]


def completion(
    shell: Annotated[Shell, typer.Argument(help=f"{', '.join(get_args(Shell)[:-1])} or {get_args(Shell)[-1]}")],
) -> int:
    """Print a script that completes commands and options in your shell."""
    print_lines(get_completion_script(prog_name="leakdrill", complete_var=COMPLETION_VARIABLE, shell=shell))
    return 0
