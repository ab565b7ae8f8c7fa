"""One way to spoil a good record, and the verdict that it must get. `make sabotage` runs all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tape import Tape

from leakdrill.record.verdict import worst

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakdrill.record.verdict import Verdict

    Spoil = Callable[[Tape], Tape]


@dataclass(frozen=True)
class Sabotage:
    """A spoilt record.

    Attributes:
        kind: what it is an example of.
        name: what was done.
        base: the good record.
        spoil: does it.
        check: the claim that must not pass, as the verdict names it.
        outcome: what it must get.
        word: a word of the reason.
    """

    kind: str
    name: str
    base: str
    spoil: Spoil
    check: str
    outcome: str
    word: str

    def verdicts(self) -> list[Verdict]:
        """What the spoilt record gets."""
        return self.spoil(Tape(self.base)).verdicts()

    def escaped(self, verdicts: list[Verdict]) -> str:
        """Why `verdicts` do not catch it as they must; empty when they do."""
        mine = [v for v in verdicts if v.check == self.check]
        if str(worst(verdicts)) == "PASS":
            return "it passes"
        if not any(v.outcome == self.outcome and self.word in v.message for v in mine):
            return f"expected {self.outcome} with `{self.word}`; found {[(str(v.outcome), v.message) for v in mine]}"
        return ""


SABOTAGES: list[Sabotage] = []
"""All of them, in the order of the files."""


def sabotage(kind: str, base: str, check: str, outcome: str, word: str) -> Callable[[Spoil], Spoil]:
    """Adds a function that spoils a record to `SABOTAGES`."""

    def added(spoil: Spoil) -> Spoil:
        add(kind, spoil.__name__.replace("_", " "), base, spoil, check, outcome, word)
        return spoil

    return added


def add(kind: str, name: str, base: str, spoil: Spoil, check: str, outcome: str, word: str) -> None:
    """Adds one that is made of a function and its arguments."""
    SABOTAGES.append(Sabotage(kind, name, base, spoil, check, outcome, word))
