"""The options and arguments that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

Runs = Annotated[Path, typer.Option(help="Where run folders are kept.")]
Platform = Literal["process", "docker", "kubernetes"]
On = Annotated[Platform | None, typer.Option(help="Where the target runs, instead of what the scenario says.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, such as runs/NAME/latest.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Print each claim that holds in full, too.")]
