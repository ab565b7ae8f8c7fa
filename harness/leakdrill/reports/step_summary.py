"""The report on the page of a GitHub Actions run: Markdown, appended to the file that the runner names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from leakdrill.errors import EnvironmentProblem
from leakdrill.files import append_named
from leakdrill.reports.markdown import fitting_markdown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from leakdrill.record.verdict import Verdict

VARIABLE: Final = "GITHUB_STEP_SUMMARY"

_MOST_BYTES: Final = 1024 * 1024
"""GitHub shows none of a step's summary when it is larger."""


def append_step_summary(
    verdicts: Sequence[Verdict], *, name: str, environ: Mapping[str, str] = os.environ
) -> Path | None:
    """Append the verdicts on scenario `name` and return the file; None outside of GitHub Actions.

    Raises:
        EnvironmentProblem: when the variable is set and its file cannot be written.
    """
    place = environ.get(VARIABLE, "")
    if not place:
        return None
    path = Path(place)
    try:
        written = path.stat().st_size if path.exists() else 0
        append_named(path, fitting_markdown(verdicts, name=name, room_bytes=_MOST_BYTES - written) + "\n")
    except OSError as e:
        raise EnvironmentProblem(f"{VARIABLE}={place}: cannot be written: {e.strerror}") from e
    return path
