"""`leakdrill serve`: the index and the pages of stored runs in a browser, on loopback, for reading alone."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from leakdrill.cli.output import print_lines
from leakdrill.errors import BadInput, Interrupted
from leakdrill.files import is_folder
from leakdrill.serving.pages import Pages
from leakdrill.serving.server import PageServer

_PORT = 8337


def serve(
    runs: Annotated[Path, typer.Argument(help="The folder in which run folders are kept.")] = Path("runs"),
    port: Annotated[int, typer.Option(min=0, max=65535, help="The loopback port; 0 takes a free one.")] = _PORT,
) -> int:
    """Serve the index and the pages of stored runs on loopback, until Ctrl-C; writes nothing."""
    if not is_folder(runs):
        raise BadInput(f"{runs}: is no folder; expected one with run folders, such as runs")
    try:
        server = PageServer(Pages(runs.resolve()), port)
    except OSError as e:
        raise BadInput(f"127.0.0.1:{port}: cannot be listened on: {e.strerror}", hint="name another --port") from e
    with server:
        print_lines(f"{server.url} shows the runs in {runs}; Ctrl-C ends it")
        sys.stdout.flush()  # who reads it from a file or a pipe waits for the port
        try:
            server.serve_forever()
        except Interrupted:
            return 0
    return 0
