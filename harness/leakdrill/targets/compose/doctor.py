"""Examines whether compose files can be targets here."""

from __future__ import annotations

from typing import Final

from leakdrill.errors import EnvironmentProblem
from leakdrill.machine.finding import Finding
from leakdrill.targets.compose.cli import compose_program, predates_the_format

_OLD: Final = ", version 1: files in today's format are read by Leakdrill, as far as it can do what they say"


def examine() -> list[Finding]:
    """Returns which program runs compose, or why none does."""
    try:
        program = " ".join(compose_program()) + (_OLD if predates_the_format() else "")
    except EnvironmentProblem as e:
        return [Finding(name="compose (compose files as targets)", ok=False, detail=e.message, hint=e.hint)]
    return [Finding(name="compose (compose files as targets)", ok=True, detail=program)]
