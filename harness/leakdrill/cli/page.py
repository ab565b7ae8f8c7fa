"""Where a command leaves the page of its run, and how a person is shown it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from leakdrill.files import is_file, write_below
from leakdrill.reports.page.run_page import PAGE, run_page

if TYPE_CHECKING:
    from rich.console import Console

    from leakdrill.runs.session import FinishedRun

OpenPage = Annotated[bool, typer.Option("--open", help="Open the page of the run in a browser.")]


def leave_page(done: FinishedRun) -> None:
    """Write the page of a run into its folder.

    Raises:
        OSError: when it cannot be written.
        BadInput: when a file of the run cannot be read.
    """
    write_below(done.folder.path, PAGE, run_page(done.folder, done.verdicts, done.seal))


def name_page(done: FinishedRun, console: Console) -> None:
    """Say where the page of a run is, if it could be written, and its record."""
    if is_file(done.folder.path / PAGE):
        console.print(f"page: {done.folder.path / PAGE}", markup=False, soft_wrap=True)
    console.print(f"record: {done.folder.path}", markup=False, soft_wrap=True)


def open_page(done: FinishedRun) -> bool:
    """Show the page of a run in the user's browser; False when there is no page, or no browser to be had."""
    import webbrowser  # noqa: PLC0415 - only who asks for it waits for it

    path = done.folder.path / PAGE
    return is_file(path) and webbrowser.open(path.resolve().as_uri())
