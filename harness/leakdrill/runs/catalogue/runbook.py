"""The runbooks that come with the catalogue, found by name as its scenarios are."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Final

from leakdrill.errors import BadInput
from leakdrill.files import exists, is_file
from leakdrill.runs.catalogue.catalogue import catalogue_root

FOLDER: Final = "runbooks"
"""The folder of the catalogue that holds them."""


def find_runbook(name_or_file: str) -> Path:
    """The runbook that `name_or_file` means: a path where something is, else a name such as `runbooks/first`.

    Raises:
        BadInput: when it is neither, with the nearest name.
    """
    path = Path(name_or_file)
    if exists(path):
        return path
    named = catalogue_root() / f"{name_or_file}.md"
    if not is_file(named):
        known = [f"{FOLDER}/{file.stem}" for file in sorted((catalogue_root() / FOLDER).glob("*.md"))]
        close = difflib.get_close_matches(name_or_file, known, n=1, cutoff=0.5)
        hint = f"did you mean {close[0]}?" if close else f"those that come along: {', '.join(known)}"
        raise BadInput(f"{name_or_file}: No such file; expected a runbook in Markdown", hint=hint)
    return named
