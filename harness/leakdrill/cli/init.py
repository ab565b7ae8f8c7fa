"""`leakdrill init`: a first scenario for a service of the user's own."""

from __future__ import annotations

import shlex
from pathlib import Path  # noqa: TC003 - typer reads the annotation when it runs
from typing import TYPE_CHECKING, Annotated

import typer

from leakdrill.cli.output import print_lines
from leakdrill.first_scenario import Service, write_first_scenario
from leakdrill.units import show_duration, show_size

if TYPE_CHECKING:
    from leakdrill.first_scenario.trial import Found


def init(
    folder: Annotated[Path, typer.Argument(help="A new folder; its name becomes the drill's.")],
    command: Annotated[
        str | None, typer.Option(help="What starts the service, typed as here; {port} stands for its port.")
    ] = None,
    health: Annotated[
        str | None, typer.Option(help="A path that answers 2xx when the service is ready; default: looked for.")
    ] = None,
    image: Annotated[
        str | None, typer.Option(help="An image, in place of --command: the drill runs on Docker.")
    ] = None,
    build: Annotated[Path | None, typer.Option(help="A folder with the Dockerfile of the image.")] = None,
    port: Annotated[
        int | None, typer.Option(help="The port on which the image's service listens; default: 8000.")
    ] = None,
    trial: Annotated[
        bool, typer.Option("--try/--no-try", help="Start the command once, to find its health path, port and metrics.")
    ] = True,
) -> int:
    """Write a first scenario for your own service, which runs as it is."""
    service = Service(command=command, image=image, build=build, port=port, health=health)
    written = write_first_scenario(folder, service, tried=trial)
    if written.found is not None:
        print_lines(_shown(written.found))
    for path in written.paths:
        print_lines(str(path))
    print_lines(f"run it: leakdrill run {shlex.quote(str(folder / 'scenario.yaml'))}")
    return 0


def _shown(found: Found) -> str:
    where = "" if found.port is None else f" on port {found.port}, not on the one that {{port}} and $PORT named,"
    metrics = f"its metrics are at {found.metrics}" if found.metrics else "it shows no metrics at /metrics"
    return (
        f"tried it: GET {found.health} answered{where} after {show_duration(found.ready_s)}; {metrics}; "
        f"{show_size(found.rest_bytes)} at rest"
    )
