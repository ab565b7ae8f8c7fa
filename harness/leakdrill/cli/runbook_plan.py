"""`leakdrill runbook plan`: what a rehearsal would carry out, in order; nothing is started."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 - typer reads the annotations when it runs
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leakdrill.cli.options import AsJson, Platform  # noqa: TC001 - typer reads the annotations when it runs
from leakdrill.cli.output import print_json
from leakdrill.cli.runbook_plan_table import print_plan
from leakdrill.printable import printable_json
from leakdrill.reports.console import SafeConsole
from leakdrill.runbooks.bindings import BoundFile
from leakdrill.runbooks.options import ways
from leakdrill.runbooks.plan import make_plan
from leakdrill.runbooks.read import read_runbook
from leakdrill.runs.catalogue.catalogue import find_scenario
from leakdrill.runs.catalogue.runbook import find_runbook
from leakdrill.runs.placement import placed
from leakdrill.runs.rehearsal.prepared import beside, refuse_unbound
from leakdrill.scenario.reader import read_scenario

if TYPE_CHECKING:
    from leakdrill.runbooks.plan import Plan


def runbook_plan(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The runbook: a file, or a name such as runbooks/first.")],
    bind: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Bindings; default: NAME.bind.yaml beside the runbook.")
    ] = None,
    scenario: Annotated[str | None, typer.Option(help="The drill on whose target it would be rehearsed.")] = None,
    on: Annotated[Platform | None, typer.Option(help="Where the target runs; without a scenario: docker.")] = None,
    allow: Annotated[str | None, typer.Option(metavar="NAME", help="As for `rehearse`.")] = None,
    as_json: AsJson = False,
) -> int:
    """Say which commands of a runbook a rehearsal would carry out, where and as what, and which not."""
    runbook = read_runbook(find_runbook(file))
    bound = BoundFile(bind or beside(runbook.path))
    platform, target = str(on or "docker"), ""
    if scenario is not None:
        drill = placed(read_scenario(find_scenario(scenario)), on, allow)
        platform, target = drill.target.platform, drill.target.name
    plans = {
        way.option: make_plan(runbook, bound.bindings, way, platform=platform, target=target) for way in ways(runbook)
    }
    if as_json:
        print_json(printable_json(json.dumps(_as_data(file, platform, plans), indent=2) + "\n"))
    else:
        console = SafeConsole()
        for option, plan in plans.items():
            print_plan(option, plan, console)
    refuse_unbound(runbook, list(plans.values()), bound)
    return 0


def _as_data(file: str, platform: str, plans: dict[str, Plan]) -> dict[str, Any]:
    return {
        "runbook": file,
        "platform": platform,
        "ways": [
            {
                "option": option,
                "steps": [
                    {
                        **planned.rehearsed.model_dump(mode="json"),
                        "as": planned.step.model_dump(mode="json", include={planned.step.action_name}),
                        "effect": planned.step.seen.effect if planned.step.seen else "falls_by",
                    }
                    for planned in plan.steps
                ],
                "left_out": [one.model_dump(mode="json") for one in plan.left_out],
                "unbound": [{"line": one.line, "text": one.text} for one in plan.unbound],
            }
            for option, plan in plans.items()
        ],
    }
