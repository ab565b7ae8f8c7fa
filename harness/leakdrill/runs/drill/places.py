"""Where something of a drill stands: in the scenario's file, or for the steps of a rehearsal in the runbook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.scenario.reader import scenario_document

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from leakdrill.scenario.rehearsal import Rehearsal
    from leakdrill.yaml_file import Loc


def places(path: Path, rehearsal: Rehearsal | None) -> Callable[[Loc], str]:
    """Returns what tells `file:line` of a place in the scenario at `path`, as the beginning of a message."""
    file = scenario_document(path)

    def place(loc: Loc) -> str:
        if rehearsal is not None and len(loc) > 1 and loc[0] == "steps" and isinstance(loc[1], int):
            return f"{rehearsal.runbook}:{rehearsal.steps[loc[1]].line}"
        return file.place(loc)

    return place
