"""PASS, FAIL or UNKNOWN, with the sentence, the numbers and the events behind it."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - pydantic reads the annotations of Verdict
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

Number = float | int | str | bool | None


class Outcome(StrEnum):
    """The outcome of a check. There is one order everywhere: FAIL is worse than UNKNOWN, which is worse than PASS."""

    PASS = "PASS"  # noqa: S105 - an outcome, no password
    UNKNOWN = "UNKNOWN"
    FAIL = "FAIL"

    @property
    def severity(self) -> int:
        """0 for PASS, 1 for UNKNOWN, 2 for FAIL."""
        return _SEVERITY[self]

    @property
    def exit_code(self) -> int:
        """0 for PASS, 1 for FAIL, 2 for UNKNOWN."""
        return _EXIT_CODE[self]


_SEVERITY = {Outcome.PASS: 0, Outcome.UNKNOWN: 1, Outcome.FAIL: 2}
_EXIT_CODE = {Outcome.PASS: 0, Outcome.FAIL: 1, Outcome.UNKNOWN: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer of one check.

    Attributes:
        check: the check's name, which is its claim, such as `alert_fires_in_time`.
        subject: what the claim is about (an alert, a step, a leak); empty where there is only one.
        outcome: PASS, FAIL or UNKNOWN.
        message: one sentence a person understands: what was seen, what was wanted, in which unit.
        numbers: the figures behind the sentence; names carry units (`fired_after_s`).
        events: the indices of the events that it rests on.
        hint: what to look at next, when it is not a PASS.
    """

    check: str
    subject: str = ""
    outcome: Outcome
    message: str
    numbers: Mapping[str, Number] = field(default_factory=dict)
    events: tuple[int, ...] = ()
    hint: str = ""


def worst(verdicts: Iterable[Verdict]) -> Outcome:
    """The most severe outcome. Nothing checked is UNKNOWN: silence proves nothing."""
    return max((v.outcome for v in verdicts), key=lambda o: o.severity, default=Outcome.UNKNOWN)
