"""`leakdrill version`."""

from __future__ import annotations

import typer

from leakdrill import __version__


def version() -> int:
    """Print the version."""
    typer.echo(f"leakdrill {__version__}")
    return 0
