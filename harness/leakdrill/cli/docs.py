"""`leakdrill docs`: the pages that come with Leakdrill, for whoever has no checkout."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Annotated

import typer

from leakdrill.cli.output import print_lines
from leakdrill.errors import BadInput
from leakdrill.runs.catalogue.catalogue import files_root

if TYPE_CHECKING:
    from pathlib import Path

_INDEX = "README"


def docs(
    page: Annotated[
        str | None, typer.Argument(help="A page of the list, such as tasks/gate; default: the list.")
    ] = None,
    files: Annotated[
        bool, typer.Option("--files", help="Print the folder of the catalogue, the manifests and the compose file.")
    ] = False,
) -> int:
    """Print a page of the documentation, or the list of pages."""
    if files:
        print_lines(str(files_root()))
        return 0
    pages = _pages()
    if page is None:
        width = max(map(len, pages))
        print_lines("\n".join(f"{name:{width}}  {_title(path)}" for name, path in pages.items()))
        return 0
    name = page.removeprefix("docs/").removesuffix(".md")
    by_end = [known for known in pages if known.endswith(f"/{name}")]
    if len(by_end) == 1:
        name = by_end[0]
    if name not in pages:
        close = by_end or difflib.get_close_matches(name, pages, n=1, cutoff=0.5)
        hint = f"leakdrill docs {close[0]}" if close else "`leakdrill docs` lists the pages"
        raise BadInput(f"{page}: there is no such page", hint=hint)
    print_lines(pages[name].read_text(encoding="utf-8").rstrip())
    return 0


def _pages() -> dict[str, Path]:
    """Each page by its path below docs/, without `.md`; the index is what is printed, and no page."""
    folder = files_root() / "docs"
    paths = {str(path.relative_to(folder).with_suffix("")): path for path in folder.rglob("*.md")}
    order = ("start", "tasks", "reference", "background")
    return {
        name: paths[name]
        for name in sorted(paths, key=lambda name: (order.index(name.split("/")[0]) if "/" in name else -1, name))
        if name != _INDEX
    }


def _title(path: Path) -> str:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next((line.removeprefix("# ") for line in lines if line.startswith("# ")), "")
