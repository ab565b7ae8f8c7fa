"""`leakdrill runs`: the stored runs, the worst first, on the terminal, as JSON, and as one HTML page with trends."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from leakdrill.cli.options import AsJson  # noqa: TC001 - typer reads the annotations when it runs
from leakdrill.cli.output import deliver, print_json
from leakdrill.cli.run_many import write_report
from leakdrill.errors import BadInput
from leakdrill.files import is_folder, real_path
from leakdrill.record.ownership import owner_lives
from leakdrill.reports.console import SafeConsole
from leakdrill.reports.index.run_row import read_row, run_folders
from leakdrill.reports.index.terminal import print_index
from leakdrill.reports.index.write import index_html, index_json
from leakdrill.reports.page.run_page import PAGE


def runs(
    folder: Annotated[Path, typer.Argument(metavar="RUNS", help="The folder in which run folders are kept.")] = Path(
        "runs"
    ),
    as_json: AsJson = False,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write an HTML page of them, such as runs/index.html.")
    ] = None,
) -> int:
    """List stored runs by scenario, with their verdicts and how their numbers went from run to run."""
    if not is_folder(folder):
        raise BadInput(f"{folder}: is no folder; expected one with run folders, such as runs")
    root = folder.resolve()
    rows = [read_row(run, root, runs_still=owner_lives(run)) for run in run_folders(root)]
    code = 0
    if html is not None:
        base = _from(real_path(html).parent, root)
        text = index_html(
            rows,
            title=root.name,
            link=lambda row: quote(os.fsencode(f"{base}{row.place}/{PAGE}")) if row.has_page else "",
        )
        code = deliver(code, lambda: write_report(html, text))
    if as_json:
        print_json(index_json(rows))
    else:
        print_index(rows, SafeConsole())
    return code


def _from(start: Path, root: Path) -> str:
    """The way from the folder `start` to `root`, as a link has it: empty, or with `/` at its end."""
    way = Path(os.path.relpath(root, start)).as_posix()
    return "" if way == "." else f"{way}/"
