"""What the commands that read a stored run are told about its record."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from leakdrill.record.signature import KEY_VARIABLE

Unsealed = Annotated[
    bool, typer.Option("--unsealed", help="Judge a record of an old version, which has no hash chain, all the same.")
]
KeyFile = Annotated[
    Path | None,
    typer.Option("--key", metavar="FILE", envvar=KEY_VARIABLE, help="The key that the record must be signed with."),
]
