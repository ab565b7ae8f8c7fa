"""`leakdrill init`: a first scenario for a service of the user's own."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotation when it runs
from typing import Annotated

import typer

from leakdrill.cli.output import print_lines
from leakdrill.first_scenario import write_first_scenario


def init(
    folder: Annotated[Path, typer.Argument(help="A new folder; its name becomes the drill's.")],
    command: Annotated[
        str, typer.Option(help="What starts the service, seen from the new folder; {port} is its port.")
    ],
    health: Annotated[str, typer.Option(help="A path that answers 2xx when the service is ready.")] = "/health",
) -> int:
    """Write a first scenario for your own service, which runs as it is."""
    for path in write_first_scenario(folder, command=command, health=health):
        print_lines(str(path))
    print_lines(f"run it: leakdrill run {folder / 'scenario.yaml'}")
    return 0
