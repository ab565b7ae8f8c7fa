"""A drill in one line, for whoever looks at its container: Kubernetes shows it as the termination message."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from leakdrill.errors import EnvironmentProblem
from leakdrill.files import append_named
from leakdrill.printable import printable
from leakdrill.record.verdict import Outcome, worst
from leakdrill.units import show_count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from leakdrill.record.verdict import Verdict

VARIABLE: Final = "LEAKDRILL_TERMINATION_MESSAGE"

_MOST_LETTERS: Final = 500
"""Kubernetes keeps 4096 bytes of a container's message, in which several drills may have their lines."""


def leave_termination_message(
    verdicts: Sequence[Verdict], *, name: str, environ: Mapping[str, str] = os.environ
) -> Path | None:
    """Append the line of scenario `name` to the file that the variable names, and return it; None without one.

    Raises:
        EnvironmentProblem: when the variable is set and its file cannot be written.
    """
    place = environ.get(VARIABLE, "")
    if not place:
        return None
    try:
        append_named(Path(place), one_line(verdicts, name=name) + "\n")
    except OSError as e:
        raise EnvironmentProblem(f"{VARIABLE}={place}: cannot be written: {e.strerror}") from e
    return Path(place)


def one_line(verdicts: Sequence[Verdict], *, name: str) -> str:
    """The outcome of scenario `name`, and the sentence of the first of its worst verdicts unless that is PASS."""
    outcome = worst(verdicts)
    alike = [verdict for verdict in verdicts if verdict.outcome is outcome]
    if outcome is Outcome.PASS or not alike:
        return f"{outcome} {printable(name)}: {show_count(len(alike), 'claim holds', 'claims hold')}"
    first = alike[0]
    claim = f"{first.check} {first.subject}".rstrip()
    also = f" (and {len(alike) - 1} more)" if len(alike) > 1 else ""
    text = printable(f"{outcome} {name}: {claim}: {first.message}")
    return (text if len(text) <= _MOST_LETTERS else text[: _MOST_LETTERS - 1] + "…") + also
