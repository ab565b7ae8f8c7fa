"""Examines whether compose files can be targets here."""

from __future__ import annotations

from leakdrill.errors import EnvironmentProblem
from leakdrill.machine.finding import Finding
from leakdrill.targets.compose.cli import compose_program


def examine() -> list[Finding]:
    """Returns which program runs compose, or why none does."""
    try:
        program = " ".join(compose_program())
    except EnvironmentProblem as e:
        return [Finding(name="compose (compose files as targets)", ok=False, detail=e.message, hint=e.hint)]
    return [Finding(name="compose (compose files as targets)", ok=True, detail=program)]
