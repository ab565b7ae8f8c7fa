"""`leakdrill run` with several scenarios: which they are, how many at once, and what is printed."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from rich.text import Text

from leakdrill.cli.output import deliver, print_json, unwritable
from leakdrill.errors import BadInput, Interrupted
from leakdrill.files import make_parents, write_named
from leakdrill.record.verdict import Outcome
from leakdrill.reports.junit import junit_of_runs
from leakdrill.runs.catalogue.catalogue import catalogue, catalogue_root, find_scenario
from leakdrill.runs.catalogue.drill_result import overall
from leakdrill.runs.catalogue.parallel import DrillsInParallel
from leakdrill.runs.catalogue.result_table import STYLE, print_results
from leakdrill.runs.catalogue.schedule import default_jobs, planned
from leakdrill.runs.session import print_to
from leakdrill.scenario.reader import read_scenario
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from rich.console import Console

    from leakdrill.runs.catalogue.drill_result import DrillResult
    from leakdrill.runs.catalogue.schedule import PlannedDrill


def chosen(names: Sequence[str], *, everything: bool, subset: bool, on: str | None = None) -> list[Path]:
    """The scenario files that a command line means; of the catalogue, those that run on a process, or else `on`.

    Raises:
        BadInput: when nothing is named, or names and a choice stand together, or a name is none.
    """
    if bool(names) + everything + subset != 1:
        raise BadInput(
            "expected scenarios, or one of --all and --subset", hint="`leakdrill scenarios` lists the catalogue"
        )
    if names:
        return [find_scenario(name) for name in names]
    scenarios = {entry.path: read_scenario(entry.path) for entry in catalogue()}
    paths = [
        path
        for path, scenario in scenarios.items()
        if (everything or scenario.subset) and scenario.target.platform in {"process", on}
    ]
    if not paths:
        raise BadInput(f"{catalogue_root()}: no scenario has `subset: true`; expected some")
    return paths


def run_many(
    paths: Sequence[Path],
    *,
    runs: Path,
    jobs: int | None,
    as_json: bool,
    junit: Path | None,
    console: Console,
    on: str | None = None,
    allow: str | None = None,
) -> int:
    """Run the drills in `paths` and print one table; the exit code is that of the worst.

    Raises:
        BadInput: when a scenario cannot be used; nothing was started then.
        Interrupted: after Ctrl-C or SIGTERM, when every drill has ended and undone what it did.
    """
    drills = [planned(path, on, allow) for path in paths]
    began = time.monotonic()
    together = DrillsInParallel(
        drills,
        runs=runs,
        jobs=jobs or default_jobs(),
        report=_teller(console, len(drills)),
        notify=print_to(console),
    )
    complete = together.run()
    took_s, results = time.monotonic() - began, together.results
    code = overall(results).exit_code
    if junit is not None:
        suites = [(result.name, result.verdicts) for result in results]
        code = deliver(code, lambda: write_report(junit, junit_of_runs(suites)))
    if as_json:
        print_json(_as_json(results, took_s))
    else:
        print_results(results, console, took_s=took_s, missing=len(drills) - len(results))
    if not complete:
        raise Interrupted(f"stopped after {show_duration(took_s)}; everything was undone")
    return code


def _teller(console: Console, total: int) -> Callable[[PlannedDrill, DrillResult | None], None]:
    done = 0

    def report(drill: PlannedDrill, result: DrillResult | None) -> None:
        nonlocal done
        if result is None:
            console.print(Text(f"begins   {drill.name} (at most {drill.budget_s:.0f} s)", style="dim"))
            return
        done += 1
        line = Text(f"{result.outcome:<8}", style=STYLE[result.outcome])
        also = "" if result.outcome is Outcome.PASS else f": {result.sentence}"
        console.print(line.append(f" {done}/{total} {drill.name} ({result.seconds:.0f} s){also}", style="default"))

    return report


def _as_json(results: list[DrillResult], took_s: float) -> str:
    outcome = overall(results)
    content = {
        "outcome": str(outcome),
        "exit_code": outcome.exit_code,
        "seconds": round(took_s, 1),
        "drills": [result.as_dict() for result in sorted(results, key=lambda r: r.name)],
    }
    return json.dumps(content, indent=2) + "\n"


def write_report(path: Path, text: str) -> None:
    """Write `text` to `path`, and its folder where there is none.

    Raises:
        BadInput: when no file can be there.
        EnvironmentProblem: when it cannot be written.
    """
    try:
        make_parents(path)
        write_named(path, text)
    except OSError as e:
        raise unwritable(e, f"{path}:") from e
