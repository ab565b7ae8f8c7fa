"""What a doubt about the record makes of a verdict: a PASS that rests on it is UNKNOWN, and says why."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from leakdrill.in_words import in_words
from leakdrill.judging.evidence.doubt import Doubt
from leakdrill.record.verdict import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from leakdrill.record.verdict import Verdict

_HINT: Final = "the record contradicts itself; run {it} again, and look at what wrote the lines that are named"
_HINT_SILENCE: Final = (
    "a busy machine misses readings, so run {it} again where less else runs; if they are missing there too, look at "
    "what wrote the record (`leakdrill verify` names a line that was edited)"
)
_HINT_CUT_SHORT: Final = "see to what ended it, and run {it} again: nothing can be told of what it did not reach"
_MOST_NAMED: Final = 3


def found_doubts(search: Callable[[], Iterable[Doubt]]) -> list[Doubt]:
    """What `search` finds. Never raises: a search that does is a doubt itself."""
    try:
        return list(search())
    except Exception as e:  # noqa: BLE001 - what cannot be examined is in doubt
        return [Doubt(f"the record could not be examined: {in_words(e)}", ())]


def in_doubt(verdict: Verdict, doubts: Sequence[Doubt], *, of_all: bool, it: str = "the drill") -> Verdict:
    """`verdict` as it is when `doubts` speak against its evidence.

    Args:
        verdict: what was concluded.
        doubts: those about what it rests on.
        of_all: whether it rests on the whole record, so that the doubts are all that there is to say.
        it: what is to be run again.
    """
    if verdict.outcome is not Outcome.PASS or not doubts:
        return verdict
    first = [doubt for doubt in doubts if doubt.cut_short][:1]
    named = first or doubts[:_MOST_NAMED]
    more = f"; and {len(doubts) - len(named)} more" if len(doubts) > len(named) and not first else ""
    reasons = "; ".join(doubt.text for doubt in named) + more
    return replace(
        verdict,
        outcome=Outcome.UNKNOWN,
        message=reasons if of_all else f"{verdict.message}; but this is in doubt: {reasons}",
        events=tuple(sorted({*verdict.events, *(index for doubt in doubts for index in doubt.events)})),
        hint=_hint(first or doubts).format(it=it),
    )


def _hint(doubts: Sequence[Doubt]) -> str:
    """What to do: the ordinary cause comes first, and who misses readings sees much else too late."""
    if doubts[0].cut_short:
        return _HINT_CUT_SHORT
    return _HINT_SILENCE if any(doubt.is_silence for doubt in doubts) else _HINT
