"""Scores of rules on a terminal and as JSON: how many mutants are noticed, and what the others would take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from leakdrill.printable import printable
from leakdrill.record.verdict import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from leakdrill.mutation.accepted import Accepted
    from leakdrill.mutation.score import Score, Tried

SCHEMA_VERSION: Final = 1
"""Grows when a field changes its meaning."""
_TAKES: Final = {
    "threshold doubled": "a drill that expects the alert, and dies or is cured before twice the threshold",
    "threshold halved": "a healthy twin that stays between half the threshold and the threshold",
    "for four times as long": "a drill that expects the alert, with a fires_within shorter than four times its `for`",
    "severity swapped": "`labels: {severity: …}` where the drill expects the alert",
    "bool after the comparison": "a healthy twin that has the rule",
    "comparison turned": "a healthy twin that has the rule, or a drill that expects the alert",
    "by dropped": "a drill with several replicas, of which one leaks",
}
_EXPECTS: Final = "a drill that expects the alert"


def outcome(scores: Sequence[Score]) -> Outcome:
    """Returns FAIL where a mutant survives of a rule that some drill expects, UNKNOWN where no drill expects a rule."""
    expected = [score for score in scores if score.expecting]
    if any(score.survivors for score in expected):
        return Outcome.FAIL
    return Outcome.PASS if len(expected) == len(scores) else Outcome.UNKNOWN


def takes(tried: Tried) -> str:
    """Returns what it would take to notice a mutant."""
    return _TAKES.get(tried.mutant.what, _EXPECTS)


def print_scores(scores: Sequence[Score], unused: Sequence[Accepted], console: Console) -> None:
    """Prints the score of each rule and its survivors, then what was accepted for nothing."""
    for score in scores:
        style = "yellow" if not score.expecting else "bold red" if score.survivors else "green"
        place = f"{score.alert.file.name}:{score.alert.line}"
        _line(console, f"{score.noticed} of {len(score.tried)} {score.title} {place}", style=style)
        if not score.expecting:
            read = f"{len(score.drills)} drills read what it needs" if score.drills else "no drill reads what it needs"
            _line(console, f"no drill expects it; {read}", indent=4)
        for one in score.tried:
            if one.survives and score.expecting:
                _line(console, f"survives: {one.mutant.what}: {one.mutant.text}", indent=4)
                _line(console, f"it takes {takes(one)}", indent=14)
            elif one.accepted:
                _line(console, f"accepted: {one.mutant.what}: {one.accepted}", indent=4, style="dim")
    for entry in unused:
        _line(console, f"accepted for nothing: {entry.alert}, {entry.mutant}: it does not survive", style="yellow")
    tried = sum(len(score.tried) for score in scores if score.expecting)
    noticed = sum(score.noticed for score in scores if score.expecting)
    expected = sum(bool(score.expecting) for score in scores)
    _line(
        console,
        f"{expected} of {len(scores)} rules are expected by a drill; of their {tried} mutants {noticed} are noticed",
    )


def scores_as_json(scores: Sequence[Score], unused: Sequence[Accepted]) -> dict[str, Any]:
    """Returns the scores, every mutant included."""
    return {
        "schema": SCHEMA_VERSION,
        "outcome": str(outcome(scores)),
        "rules": [
            {
                "alert": score.alert.name,
                "labels": dict(score.alert.labels),
                "rule": f"{score.alert.file}:{score.alert.line}",
                "noticed": score.noticed,
                "mutants": len(score.tried),
                "drills": list(score.drills),
                "expected_by": list(score.expecting),
                "tried": [
                    {"what": one.mutant.what, "text": one.mutant.text, "noticed": one.noticed, "accepted": one.accepted,
                     "survives": one.survives, "takes": takes(one) if one.survives else ""}
                    for one in score.tried
                ],
            }
            for score in scores
        ],
        "accepted_for_nothing": [{"alert": one.alert, "mutant": one.mutant} for one in unused],
    }  # fmt: skip


def _line(console: Console, text: str, *, style: str = "", indent: int = 0) -> None:
    console.print(f"{' ' * indent}{printable(text)}", style=style, markup=False, soft_wrap=True, highlight=False)
