"""Mutants that may survive, with the reason: no run can tell them, or the drill that would is still to be written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from leakdrill.units import quoted
from leakdrill.yaml_file import read_yaml

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from leakdrill.mutation.score import Score, Tried
    from leakdrill.yaml_file import Document, Loc

_KEYS: Final = frozenset({"alert", "severity", "mutant", "kind", "reason", "drill"})
_KINDS: Final = ("equivalent", "weak")


@dataclass(frozen=True, slots=True)
class Accepted:
    """One entry.

    Attributes:
        alert: the name of the rule.
        severity: its severity; empty for any.
        mutant: what is wrong, as the command prints it.
        kind: `equivalent` where no run can tell, `weak` where a drill is missing.
        reason: why.
        drill: the drill that would have to be added; empty where the mutant is equivalent.
    """

    alert: str
    severity: str
    mutant: str
    kind: str
    reason: str
    drill: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.reason}{f'; it takes {self.drill}' if self.drill else ''}"

    def covers(self, score: Score, tried: Tried) -> bool:
        """Returns whether it speaks of this mutant of this rule."""
        severities = ("", score.alert.labels.get("severity", ""))
        return (self.alert, self.mutant) == (score.alert.name, tried.mutant.what) and self.severity in severities


def read_accepted(path: Path) -> list[Accepted]:
    """Returns the entries of a file.

    Raises:
        BadInput: when it cannot be read; names file and line.
    """
    document = read_yaml(path, expected="a list under `accepted`")
    owner = document.mapping(document.data, ())
    return [_entry(document, item, ("accepted", n)) for n, item in enumerate(document.items(owner, "accepted", ()))]


def with_accepted(scores: Sequence[Score], accepted: Sequence[Accepted]) -> tuple[list[Score], list[Accepted]]:
    """Returns `scores` with the reasons why mutants may survive, and the entries that speak of none that does."""
    used: set[Accepted] = set()
    told = []
    for score in scores:
        tried = []
        for one in score.tried:
            entry = next((entry for entry in accepted if not one.noticed and entry.covers(score, one)), None)
            used |= {entry} if entry else set()
            tried.append(one if entry is None else replace(one, accepted=str(entry)))
        told.append(replace(score, tried=tuple(tried)))
    return told, [entry for entry in accepted if entry not in used]


def _entry(document: Document, item: object, loc: Loc) -> Accepted:
    entry = document.mapping(item, loc)
    texts = {key: str(entry.get(key) or "") for key in _KEYS}
    unknown = [str(key) for key in entry if key not in _KEYS]
    if unknown:
        raise document.wrong(loc, f"{quoted(unknown[0])} is not known here; expected {', '.join(sorted(_KEYS))}")
    if texts["kind"] not in _KINDS:
        raise document.wrong(loc, f"kind is {quoted(texts['kind'])}; expected {' or '.join(_KINDS)}")
    lacking = [key for key in ("alert", "mutant", "reason") if not texts[key]]
    if lacking:
        raise document.wrong(loc, f"{lacking[0]} is missing")
    if texts["kind"] == "weak" and not texts["drill"]:
        raise document.wrong(loc, "drill is missing; expected the drill that would notice it")
    return Accepted(**texts)
