"""What closes the record off: the files that it covers, and its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from leakdrill.record.event_class import Sample
from leakdrill.record.parts import Label


@dataclass(frozen=True)
class RecordCovers(Sample, source="record", name="covers", written_by=("record",), read_by=("judging", "record")):
    """A file that the verdicts depend on beside the history, as it was when the run began."""

    file: Annotated[str, Label("its name in the run folder")] = ""
    sha256: Annotated[str, Label("SHA-256 of its content")] = ""
    lines: Annotated[
        str, Label("the first 8 digits of each line's own SHA-256, which tell the line that was edited")
    ] = ""


@dataclass(frozen=True)
class RecordEnd(Sample, source="record", name="end", written_by=("record",), read_by=("judging", "record")):
    """The record was closed; no line follows."""
