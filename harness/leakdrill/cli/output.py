"""Standard output and error that may go away while a command works: `| head`, a full disk, a closed terminal.

What cannot be written is dropped, and remembered: the work goes on, and its exit code stays its own. Where printing
was all the work, `code_for` makes of the loss an error. A reader that has seen enough (`| head`) is none.
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import select
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TextIO

from leakdrill.errors import BadInput, EnvironmentProblem, LeakdrillError
from leakdrill.machine.signals import uninterruptible
from leakdrill.printable import printable_json, printable_lines
from leakdrill.screenful import screenful

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ONLY_PRINTS: Final = (
    "compare",
    "runs",
    "runbook lint",
    "runbook plan",
    "runbook bind",
    "runbook documents",
    "schema",
    "scenarios",
    "check",
    "doctor",
    "docs",
    "completion",
    "version",
    "--version",
    "--help",
    "-h",
)
"""The commands whose whole work is what they print."""
_NO_PLACE: Final = {errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.EINVAL, errno.ELOOP}
_ERRORS: Final = "leakdrill.escape"


def _escape(error: UnicodeError) -> tuple[str, int]:
    r"""Writes what an encoding lacks as `\uXXXX`, in two halves where it needs them, which is valid in JSON too."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4)), error.end


codecs.register_error(_ERRORS, _escape)


class _LastingFile(io.RawIOBase):
    """A file descriptor that takes everything, and drops it from the first failure on."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.lost: OSError | None = None

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        while self.lost is None:
            try:
                return os.write(self._descriptor, view)
            except BlockingIOError:
                select.select([], [self._descriptor], [])
            except OSError as e:
                self.lost = e
        return len(view)


@dataclass(frozen=True, slots=True)
class Output:
    """Our standard output and error."""

    stdout: _LastingFile
    stderr: _LastingFile

    def code_for(self, arguments: Sequence[str], code: int) -> int:
        """Returns the exit code of the command line `arguments`, whose work ended with `code`, and tells of a loss."""
        sys.stdout.flush()
        lost = self.stdout.lost
        if lost is None or lost.errno == errno.EPIPE:
            return code
        sys.stderr.write(f"leakdrill: standard output: {lost.strerror}; the rest of it is lost\n")
        printing = any(word in ONLY_PRINTS for word in (*arguments[:1], " ".join(arguments[:2]), *arguments[-1:]))
        return code or (EnvironmentProblem.exit_code if printing else code)


def lasting_output() -> Output:
    """Puts streams that outlive their files in the place of `sys.stdout` and `sys.stderr`.

    A standard descriptor that was closed is taken, by something on which reading and writing fail as before:
    otherwise the next file that is opened, the record, would be standard output.
    """
    for descriptor, wrong_way in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_RDONLY)):
        _occupy(descriptor, wrong_way)
    output = Output(_LastingFile(1), _LastingFile(2))
    sys.stdout = _text(output.stdout, sys.stdout, line_buffering=output.stdout.isatty())
    sys.stderr = _text(output.stderr, sys.stderr, line_buffering=True)
    return output


def _occupy(descriptor: int, flags: int) -> None:
    try:
        os.fstat(descriptor)
    except OSError:
        opened = os.open(os.devnull, flags)
        if opened != descriptor:
            os.dup2(opened, descriptor)
            os.close(opened)
        os.set_inheritable(descriptor, True)  # noqa: FBT003 - takes no keyword


def _text(raw: _LastingFile, before: TextIO | None, *, line_buffering: bool) -> TextIO:
    encoding = before.encoding if before is not None else "utf-8"
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding=encoding, errors=_ERRORS, newline="\n", line_buffering=line_buffering
    )


def print_json(text: str) -> None:
    """Prints JSON text on standard output, harmless on a terminal and in a log."""
    sys.stdout.write(printable_json(text))
    sys.stdout.flush()


def print_lines(text: str) -> None:
    """Prints text on standard output, each line of it harmless."""
    sys.stdout.write(printable_lines(text) + "\n")


def complain(error: object) -> None:
    """Prints an error on standard error, no longer than a screen."""
    sys.stderr.write(screenful(printable_lines(f"leakdrill: {error}")) + "\n")
    sys.stderr.flush()


def unwritable(error: OSError, what: str) -> LeakdrillError:
    """Returns the error to raise where `what` cannot be written: the user's where no file can be in that place."""
    kind = BadInput if error.errno in _NO_PLACE else EnvironmentProblem
    return kind(f"{what} cannot be written: {error.strerror}")


def deliver(code: int, *reports: Callable[[], object]) -> int:
    """Calls each of `reports`, which write what was asked for beside the verdict that `code` stands for.

    Returns:
        `code`; where a report could not be written that error's code in place of 0, and standard error says why.

    Raises:
        Interrupted: when a signal came, and only after every report was written whole.
    """
    with uninterruptible():
        for report in reports:
            try:
                report()
            except OSError as e:
                complain(e)
                code = code or EnvironmentProblem.exit_code
            except LeakdrillError as e:
                complain(e)
                code = code or e.exit_code
    return code
