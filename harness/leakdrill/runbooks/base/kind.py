"""The kinds of a fragment."""

from __future__ import annotations

from enum import StrEnum


class FragmentKind(StrEnum):
    """The effect of a fragment, as `leakdrill runbook lint` prints it. What is not known to be a look never is one."""

    LOOK = "look"
    """A command that changes nothing."""
    CHANGE = "change"
    """A command that changes something; `Fragment.undo` says how it is taken back, where that is known."""
    DESTRUCTIVE = "destructive"
    """A command by which data, or things of somebody else's, may be lost."""
    RULE = "rule"
    """Rules of Prometheus."""
    QUERY = "query"
    """A PromQL expression."""
    CONFIGURATION = "configuration"
    """Settings of a program: YAML, JSON, INI, a Dockerfile."""
    CODE = "code for the application"
    """Source code for the service itself."""
    OUTPUT = "output"
    """What a command prints."""
    PROSE = "prose"
    UNKNOWN = "unknown"
    """Not understood. A rehearsal treats it as a change that cannot be taken back."""


COMMANDS = frozenset({FragmentKind.LOOK, FragmentKind.CHANGE, FragmentKind.DESTRUCTIVE})
"""The kinds that a shell would carry out."""
