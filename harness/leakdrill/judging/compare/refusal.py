"""Why two runs cannot be compared: their numbers would not mean the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.printable import printable

if TYPE_CHECKING:
    from leakdrill.judging.compare.stored_run import StoredRun


def refusal(before: StoredRun, after: StoredRun) -> str:
    """Returns why `before` and `after` cannot be compared, in a sentence; empty when they can."""
    if before.place == after.place:
        return f"{before.place} is named twice: a run says nothing against itself"
    if before.kind != after.kind:
        return f"{before.label} is a {before.kind} and {after.label} a {after.kind}; expected two runs of one kind"
    if before.name != after.name:
        what = "command" if before.kind == "watch" else "scenario"
        return f"one ran {printable(before.name)} and one {printable(after.name)}; expected two runs of one {what}"
    return _unlike_targets(before, after) or _nothing_recorded(before, after)


def _unlike_targets(before: StoredRun, after: StoredRun) -> str:
    if before.scenario is None or after.scenario is None:
        return ""
    scales = [run.scenario.alerts.time_scale for run in (before, after) if run.scenario]
    if scales[0] != scales[1] and before.kind != "gate":
        return f"their time scales are {scales[0]:g} and {scales[1]:g}: a second of one is not a second of the other"
    platforms = before.scenario.target.platform, after.scenario.target.platform
    if platforms[0] != platforms[1]:
        return f"one ran on {platforms[0]} and one on {platforms[1]}, where other meters measure other memory"
    return ""


def _nothing_recorded(before: StoredRun, after: StoredRun) -> str:
    empty = next((run for run in (before, after) if not len(run.history)), None)
    return "" if empty is None else f"{empty.place}: its record is empty"
