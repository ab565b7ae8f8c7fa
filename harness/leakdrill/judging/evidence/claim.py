"""Words the verdict of a check: one claim about one subject, which holds, does not hold, or is unknown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from leakdrill.record.verdict import Outcome, Verdict
from leakdrill.screenful import HEIGHT, WIDTH, shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from leakdrill.record.verdict import Number

_MOST_HINT: Final = 6 * WIDTH
_MOST_CHARS: Final = (HEIGHT - 8) * WIDTH
"""A verdict is no longer than a screen, whatever an error or a selector in it says."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The name of a claim, and its subject."""

    check: str
    subject: str = ""

    def holds(
        self, message: str, *, numbers: Mapping[str, Number] | None = None, events: Iterable[int] = ()
    ) -> Verdict:
        """PASS."""
        return self._verdict(Outcome.PASS, message, numbers, events, "")

    def fails(
        self,
        message: str,
        *,
        numbers: Mapping[str, Number] | None = None,
        events: Iterable[int] = (),
        hint: str,
    ) -> Verdict:
        """FAIL: what was seen contradicts the claim."""
        return self._verdict(Outcome.FAIL, message, numbers, events, hint)

    def unknown(
        self,
        message: str,
        *,
        numbers: Mapping[str, Number] | None = None,
        events: Iterable[int] = (),
        hint: str,
    ) -> Verdict:
        """UNKNOWN: what was seen neither shows nor contradicts the claim."""
        return self._verdict(Outcome.UNKNOWN, message, numbers, events, hint)

    def _verdict(
        self, outcome: Outcome, message: str, numbers: Mapping[str, Number] | None, events: Iterable[int], hint: str
    ) -> Verdict:
        return Verdict(
            check=self.check,
            subject=self.subject,
            outcome=outcome,
            message=shortened(message, _MOST_CHARS),
            numbers={name: _rounded(number) for name, number in (numbers or {}).items()},
            events=tuple(sorted(set(events))),
            hint=shortened(hint, _MOST_HINT),
        )


def _rounded(number: Number) -> Number:
    """Six significant figures: what a meter can mean, and what reads well."""
    return float(f"{number:.6g}") if isinstance(number, float) else number
