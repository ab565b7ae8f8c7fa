"""Whether each command that bindings speak of is in the runbook, and is spoken of once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.errors import BadInput
from leakdrill.runbooks.plan import means

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.runbooks.bindings import BoundFile
    from leakdrill.runbooks.runbook import Runbook


def refuse_unused(runbook: Runbook, bound: BoundFile) -> None:
    """Refuse bindings of commands that `runbook` does not have, or that two bindings are for.

    Raises:
        BadInput: names each with file and line.
    """
    problems = list(_problems(runbook, bound))
    if problems:
        hint = f"`leakdrill runbook lint {runbook.path}` lists the commands with their lines"
        raise BadInput("\n".join(problems), hint=hint)


def _problems(runbook: Runbook, bound: BoundFile) -> Iterator[str]:
    if bound.document is None:
        return
    first: dict[int, int] = {}
    for index, binding in enumerate(bound.bindings.steps):
        meant = [at for at, fragment in enumerate(runbook.fragments) if means(binding, fragment)]
        place = bound.document.place(("steps", index))
        if not meant:
            what = f"begins on line {binding.line}" if binding.line is not None else "has that text"
            yield f"{place}: no command of {runbook.path} {what}"
        elif all(at in first for at in meant):
            yield f"{place}: line {runbook.fragments[meant[0]].line} is bound already, by steps[{first[meant[0]]}]"
        for at in meant:
            first.setdefault(at, index)
