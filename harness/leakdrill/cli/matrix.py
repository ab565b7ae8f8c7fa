"""`leakdrill matrix`: runs the cells side by side, and prints what each step did to each leak."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leakdrill.cli.output import deliver, print_json
from leakdrill.cli.run_many import write_report
from leakdrill.errors import BadInput, Interrupted
from leakdrill.files import is_file
from leakdrill.printable import printable_json
from leakdrill.reports.console import SafeConsole
from leakdrill.runs.catalogue.catalogue import catalogue_root
from leakdrill.runs.catalogue.matrix_grid import matrix_html
from leakdrill.runs.catalogue.matrix_plan import FILE_NAME, Cell, read_matrix
from leakdrill.runs.catalogue.matrix_result import cell_result, overall
from leakdrill.runs.catalogue.matrix_table import print_matrix, sentence
from leakdrill.runs.catalogue.parallel import DrillsInParallel
from leakdrill.runs.catalogue.schedule import default_jobs, planned
from leakdrill.runs.session import print_to
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from leakdrill.runs.catalogue.drill_result import DrillResult
    from leakdrill.runs.catalogue.matrix_result import CellResult
    from leakdrill.runs.catalogue.schedule import PlannedDrill

_STDOUT = "-"


def matrix(
    services: Annotated[
        list[str] | None, typer.Argument(help="Services with a matrix, or matrix files; default: all.")
    ] = None,
    leak: Annotated[list[str] | None, typer.Option(help="Only this leak; may be repeated.")] = None,
    step: Annotated[list[str] | None, typer.Option(help="Only this step; may be repeated.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Cells to run at once; default: 2 per core.")] = None,
    runs: Annotated[Path, typer.Option(help="Where run folders are kept.")] = Path("runs"),
    data: Annotated[
        str | None, typer.Option("--json", metavar="FILE", help="Write the cells as JSON; - prints.")
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write an HTML table of leaks and steps, with links to the runs."),
    ] = None,
) -> int:
    """Run leaks against steps, each cell a short drill, and compare with what the catalogue declares."""
    cells = [cell for path in _files(services or []) for cell in read_matrix(path)]
    cells = [c for c in cells if (not leak or c.leak in leak) and (not step or c.step in step)]
    if not cells:
        raise BadInput(
            "no cell has this leak and this step", hint=f"leaks and steps are listed in scenarios/*/{FILE_NAME}"
        )
    console, began = SafeConsole(stderr=data == _STDOUT), time.monotonic()
    results, complete = run_cells(cells, runs=runs, jobs=jobs or default_jobs(), console=console)
    took_s = time.monotonic() - began
    if data != _STDOUT:
        print_matrix(results, console, took_s=took_s)
    code = overall(results).exit_code
    if data is not None:
        code = deliver(code, lambda: _write(data, results, took_s))
    if html is not None:
        code = deliver(code, lambda: write_report(html, matrix_html(results, took_s=took_s, beside=html)))
    if not complete:
        raise Interrupted(f"stopped after {show_duration(took_s)}; everything was undone")
    return code


def run_cells(cells: Sequence[Cell], *, runs: Path, jobs: int, console: SafeConsole) -> tuple[list[CellResult], bool]:
    """Run the drills of `cells`, and whether none was stopped before its end; the results are in the cells' order."""
    with tempfile.TemporaryDirectory(prefix="leakdrill-matrix-") as folder:
        drills = [planned(_written(cell, Path(folder))) for cell in cells]
        by_name = {cell.scenario.name: cell for cell in cells}
        together = DrillsInParallel(
            drills, runs=runs, jobs=jobs, report=_teller(console, by_name), notify=print_to(console)
        )
        complete = together.run()
    done = {result.name: result for result in together.results}
    return [cell_result(cell, done.get(cell.scenario.name)) for cell in cells], complete


def _files(services: Sequence[str]) -> list[Path]:
    known = sorted(catalogue_root().glob(f"*/{FILE_NAME}"))
    if not services:
        return known
    return [_file(service, [path.parent.name for path in known]) for service in services]


def _file(service: str, known: Sequence[str]) -> Path:
    path = Path(service)
    if is_file(path):
        return path
    if service in known:
        return catalogue_root() / service / FILE_NAME
    raise BadInput(f"{service}: is neither a matrix file nor a service with one; expected one of {', '.join(known)}")


def _written(cell: Cell, folder: Path) -> Path:
    path = folder / f"{cell.scenario.name.replace('/', '-')}.yaml"
    path.write_text(cell.as_yaml(), encoding="utf-8")
    return path


def _teller(console: SafeConsole, cells: dict[str, Cell]) -> Callable[[PlannedDrill, DrillResult | None], None]:
    done = 0

    def report(drill: PlannedDrill, result: DrillResult | None) -> None:
        nonlocal done
        if result is not None:
            done += 1
            text = sentence(cell_result(cells[drill.name], result))
            console.print(f"{done}/{len(cells)} {text}", markup=False, highlight=False, soft_wrap=True)

    return report


def _write(place: str, results: Sequence[CellResult], took_s: float) -> None:
    outcome = overall(results)
    content = {
        "outcome": str(outcome),
        "exit_code": outcome.exit_code,
        "seconds": round(took_s, 1),
        "cells": [result.as_dict() for result in results],
    }
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    if place == _STDOUT:
        print_json(text)
    else:
        write_report(Path(place), printable_json(text))
