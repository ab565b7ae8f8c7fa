"""`leakdrill compare`: two stored runs of one scenario, and what differs between them beyond its noise."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotation when it runs
from typing import TYPE_CHECKING, Annotated

import typer

from leakdrill.cli.options import AsJson  # noqa: TC001 - typer reads the annotations when it runs
from leakdrill.cli.output import deliver, print_json
from leakdrill.cli.record_options import KeyFile, Unsealed  # noqa: TC001 - typer reads the annotations when it runs
from leakdrill.cli.run_many import write_report
from leakdrill.judging.compare.comparison import compare as compared
from leakdrill.judging.compare.stored_run import read_stored_run
from leakdrill.printable import printable_json
from leakdrill.record.signature import read_key
from leakdrill.record.store import open_run
from leakdrill.reports.comparison import comparison_json, comparison_markdown, print_comparison
from leakdrill.reports.console import SafeConsole
from leakdrill.reports.page.comparison_page import comparison_page
from leakdrill.reports.page.write import page_html

if TYPE_CHECKING:
    from leakdrill.judging.compare.stored_run import StoredRun


def compare(
    before: Annotated[Path, typer.Argument(metavar="BEFORE", help="A run folder, such as runs/NAME/START.")],
    after: Annotated[Path, typer.Argument(metavar="AFTER", help="A later run of the same scenario.")],
    as_json: AsJson = False,
    markdown: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the comparison as Markdown.")] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Print what is not distinguishable too, each with the reason.")
    ] = False,
    page: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the comparison as an HTML page.")] = None,
    unsealed: Unsealed = False,
    key: KeyFile = None,
) -> int:
    """Compare two runs of one scenario: what is better, worse, or not distinguishable."""
    used_key = read_key(key) if key else None
    runs = [read_stored_run(open_run(path), unsealed=unsealed, key=used_key) for path in (before, after)]
    comparison = compared(runs[0], runs[1])
    code = comparison.exit_code
    written: list[str] = []
    if markdown is not None:
        code = deliver(code, lambda: _leave(markdown, comparison_markdown(comparison), "Markdown", written))
    if page is not None:
        html = page_html(comparison_page(runs[0], runs[1], comparison))
        code = deliver(code, lambda: _leave(page, html, "page", written))
    if as_json:
        print_json(comparison_json(comparison))
    else:
        console = SafeConsole()
        print_comparison(comparison, console, verbose=verbose)
        for line in written:
            console.print(line, markup=False, soft_wrap=True)
    return code


def _leave(path: Path, text: str, what: str, written: list[str]) -> None:
    """Write a file, and add to `written` the line that says where it is."""
    write_report(path, text)
    written.append(f"{what}: {path}")


def comparison_reports(before: StoredRun, after: StoredRun) -> dict[str, str]:
    """Returns the files that `leakdrill report --against` writes beside the others: a page, Markdown and JSON.

    Raises:
        BadInput: when the two runs cannot be compared; it says why.
    """
    comparison = compared(before, after)
    return {
        "comparison.html": page_html(comparison_page(before, after, comparison)),
        "comparison.md": comparison_markdown(comparison),
        "comparison.json": printable_json(comparison_json(comparison)),
    }
