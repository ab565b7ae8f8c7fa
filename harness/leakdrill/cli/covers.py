"""`leakdrill scenarios --covers`: what the catalogue covers, and what it does not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from leakdrill.cli.output import print_json
from leakdrill.runs.catalogue.alert_coverage import alert_coverage, step_coverage
from leakdrill.runs.catalogue.catalogue import catalogue, catalogue_root, catalogue_rules
from leakdrill.runs.catalogue.coverage import FILE_NAME, problems, read_coverage
from leakdrill.runs.catalogue.coverage_table import print_coverage, print_drilled
from leakdrill.runs.catalogue.matrix_plan import FILE_NAME as MATRIX
from leakdrill.runs.catalogue.matrix_plan import read_matrix
from leakdrill.runs.catalogue.runbook_coverage import covered_by_runbooks
from leakdrill.scenario.reader import read_scenario

if TYPE_CHECKING:
    from rich.console import Console


def show_coverage(console: Console, *, as_json: bool) -> int:
    """Print instructions, alerts and steps with their drills; 1 when an instruction has neither drill nor reason."""
    scenarios = [read_scenario(entry.path) for entry in catalogue()]
    cells = [cell for path in sorted(catalogue_root().glob(f"*/{MATRIX}")) for cell in read_matrix(path)]
    runbooks = covered_by_runbooks()
    documents = read_coverage(sorted(catalogue_root().glob(f"*/{FILE_NAME}")), scenarios, runbooks)
    alerts, steps = alert_coverage(catalogue_rules(), scenarios), step_coverage(scenarios, cells)
    wrong = problems(documents, scenarios, runbooks)
    if as_json:
        content = {
            "documents": [
                {
                    "document": d.document,
                    "title": d.title,
                    **d.counts(),
                    "instructions": [one.as_dict() for one in d.instructions],
                }
                for d in documents
            ],
            "alerts": [alert.as_dict() for alert in alerts],
            "steps": [step.as_dict() for step in steps],
            "problems": wrong,
        }
        print_json(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    else:
        print_coverage(documents, console)
        print_drilled(alerts, steps, console)
        for problem in wrong:
            console.print(problem, markup=False, style="bold red")
    return 1 if wrong else 0
