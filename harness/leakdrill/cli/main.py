"""The command line: find the command, load it, call it, and map errors to exit codes; nothing else.

A command's module is imported when that command is called, so that `leakdrill version` does not pay for SciPy.

Exit codes: 0 PASS, 1 FAIL, 2 UNKNOWN, 3 bad input, 4 the harness or its environment broke, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
import traceback
from typing import Any, Final

import typer
from typer.completion import get_completion_inspect_parameters

from leakdrill.cli.commands import COMMAND_LINE, COMPLETION_VARIABLE
from leakdrill.cli.output import complain, lasting_output
from leakdrill.errors import BadInput, EnvironmentProblem, Interrupted, LeakdrillError
from leakdrill.files import private_by_default
from leakdrill.machine.signals import interruptible
from leakdrill.printable import printable_lines

# Typer brings a Click of its own, or uses the installed one, as its version pleases; either way this is its base.
_WrongUsage: Final[Any] = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")


def main() -> None:
    """Run the command line and exit with the code that its outcome has, also where nobody can read what it prints."""
    output, arguments = lasting_output(), sys.argv[1:] or ["--help"]
    with interruptible(to_the_end=True):
        try:
            code = output.code_for(arguments, exit_code(arguments))
        except Interrupted as e:
            code = _complain(e)
    sys.exit(code)


def exit_code(arguments: list[str]) -> int:
    """Run one command line; returns its exit code, and prints an error on standard error."""
    try:
        if COMPLETION_VARIABLE in os.environ:
            get_completion_inspect_parameters()  # makes Typer's forms of a shell's questions known to Click
        with private_by_default():
            result = COMMAND_LINE.main(args=arguments, prog_name="leakdrill", standalone_mode=False)
    except (LeakdrillError, Interrupted) as e:
        return _complain(e)
    except (KeyboardInterrupt, typer.Abort, _WrongUsage) as e:
        return _complain(_from_click(e))
    except OSError as e:
        return _complain(_from_system(e))
    except Exception:  # noqa: BLE001 - an uncaught error would exit 1, and 1 means FAIL
        sys.stderr.write(printable_lines(traceback.format_exc()))
        return LeakdrillError.exit_code
    return result if isinstance(result, int) else 0


def _from_system(error: OSError) -> LeakdrillError:
    """Returns the error that a person can use: a full disk, or a folder that is gone, is no mistake of the program."""
    place = f"{error.filename}: " if error.filename else ""
    return EnvironmentProblem(f"{place}{error.strerror or error}")


def _from_click(error: BaseException) -> LeakdrillError | Interrupted:
    if not isinstance(error, _WrongUsage):
        return Interrupted("interrupted")
    context = getattr(error, "ctx", None)
    return BadInput(error.format_message(), hint=f"{context.command_path if context else 'leakdrill'} --help")


def _complain(error: LeakdrillError | Interrupted) -> int:
    complain(error)
    return error.exit_code
