"""`leakdrill version`."""

from __future__ import annotations

from leakdrill import __version__
from leakdrill.cli.output import print_lines


def version() -> int:
    """Print the version."""
    print_lines(f"leakdrill {__version__}")
    return 0
