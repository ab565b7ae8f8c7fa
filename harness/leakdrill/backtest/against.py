"""Two rules files over the same past: which alerts fire earlier, later, newly, or no more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from leakdrill.alerting.same_alert import counterpart
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakdrill.backtest.alert_past import Backtested

ChangeWord = Literal["earlier", "later", "new", "lost", "same", "unknown", "added", "removed"]


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one alert.

    Attributes:
        alert: its name and severity.
        word: `new` fires only by the new rules, `lost` only by the old ones; `added` and `removed` rules stand in one
            file alone, and fire in no case.
        seconds: of production time between the two, where both fire.
        detail: a sentence more; may be empty.
    """

    alert: str
    word: ChangeWord
    seconds: float | None = None
    detail: str = ""

    def __str__(self) -> str:
        by = f" by {show_duration(self.seconds)}" if self.seconds else ""
        return f"{self.alert}: {self.word}{by}{f': {self.detail}' if self.detail else ''}"


def changes(old: Sequence[Backtested], new: Sequence[Backtested]) -> list[Change]:
    """Returns what became of each alert, in the order of `new`, those of `old` alone last."""
    left = list(old)
    found = []
    for one in new:
        before = counterpart(one, left)
        if before is not None:
            left.remove(before)
        found.append(_change(before, one))
    return [*found, *(_change(one, None) for one in left)]


def _change(before: Backtested | None, after: Backtested | None) -> Change:
    known = [one for one in (before, after) if one is not None]
    title = known[-1].title
    reason = next((one.reason for one in known if one.reason), "")
    if reason:
        return Change(title, "unknown", detail=reason)
    was_s, is_s = (None if one is None else one.fires_s for one in (before, after))
    if was_s is not None and is_s is not None:
        word: ChangeWord = "same" if is_s == was_s else "earlier" if is_s < was_s else "later"
        return Change(title, word, abs(is_s - was_s))
    if is_s is not None:
        return Change(title, "new", detail=f"it fires first at {show_duration(is_s)}")
    if was_s is not None:
        return Change(title, "lost", detail=f"it fired first at {show_duration(was_s)}")
    return Change(title, "added" if before is None else "removed" if after is None else "same")
