"""The numbers of two runs' verdicts, side by side, and the claims whose outcome changed."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Final

from leakdrill.judging.compare.difference import LEAST_SHARE, Difference, Direction, Figure, Word, difference
from leakdrill.judging.compare.shares import share_interval
from leakdrill.judging.key_numbers import key_numbers
from leakdrill.record.verdict import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from leakdrill.judging.key_numbers import KeyNumber
    from leakdrill.record.verdict import Verdict

_WANTED: Final[dict[str, Direction]] = {
    "time_to_detect": "lower",
    "spare": "higher",
    "above_baseline": "lower",
    "growth": "lower",
    "peak": "lower",
}
_BOUNDED: Final = ("time_to_detect", "spare")
_Key = tuple[str, str, str]
_WITHIN: Final = ("above_baseline", "growth")
"""Below their limit these are what the scenario, or the gate's budget, calls none."""
_SINGLE: Final[tuple[tuple[str, str, str, str, Direction], ...]] = (
    ("notification_arrives", "delivered_after_s", "delivered after", "seconds", "lower"),
    ("alert_resolves_and_stays_resolved", "cleared_after_s", "cleared after", "seconds", "lower"),
    ("step_works", "took_s", "took", "seconds", "lower"),
    ("step_works", "fell_by_share", "took away of the growth", "share", "higher"),
    ("runbook_relieves", "relieved_after_s", "relieved after", "seconds", "lower"),
    ("requests_keep_latency", "p99_s", "p99 of the whole run", "seconds", "lower"),
)
"""Figures of which a run has one value: claim, figure, words, unit, and what is better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimChange:
    """One claim in both runs; an outcome is None where that run does not make the claim."""

    check: str
    subject: str
    before: Outcome | None
    after: Outcome | None
    word: Word
    reason: str = ""


def claim_changes(before: Sequence[Verdict], after: Sequence[Verdict]) -> list[ClaimChange]:
    """Returns a row for each claim that either run makes: only PASS against FAIL is better or worse."""
    old, new = _by_claim(before), _by_claim(after)
    return [_claim_change(key, old.get(key), new.get(key)) for key in [*old, *(key for key in new if key not in old)]]


def _claim_change(key: tuple[str, str], before: Verdict | None, after: Verdict | None) -> ClaimChange:
    outcomes = (before.outcome if before else None, after.outcome if after else None)
    word, reason = Word.NOT_DISTINGUISHABLE, ""
    if None in outcomes:
        reason = f"missing in the {'first' if before is None else 'second'} run"
    elif outcomes[0] is outcomes[1]:
        reason = f"{outcomes[0]} in both"
    elif Outcome.UNKNOWN in outcomes:
        reason = f"UNKNOWN in the {'first' if outcomes[0] is Outcome.UNKNOWN else 'second'} run"
    else:
        word = Word.BETTER if outcomes[1] is Outcome.PASS else Word.WORSE
    return ClaimChange(check=key[0], subject=key[1], before=outcomes[0], after=outcomes[1], word=word, reason=reason)


def number_differences(before: Sequence[Verdict], after: Sequence[Verdict]) -> Iterator[Difference]:
    """Yields a row for each number of the verdicts by which a person knows a run."""
    old, new = _key_figures(before), _key_figures(after)
    for key in [*old, *(key for key in new if key not in old)]:
        one = new[key] if key in new else old[key]
        yield difference(
            one.what,
            one.unit,
            _figure(old.get(key), old),
            _figure(new.get(key), new),
            wanted=_WANTED[one.name],
            least=_least(old.get(key), new.get(key)),
        )
    yield from _single_differences(_by_claim(before), _by_claim(after))


def _single_differences(
    old: Mapping[tuple[str, str], Verdict], new: Mapping[tuple[str, str], Verdict]
) -> Iterator[Difference]:
    for check, name, words, unit, wanted in _SINGLE:
        for key in dict.fromkeys([*old, *new]):
            one, other = _single(old.get(key), name), _single(new.get(key), name)
            if key[0] == check and (one or other):
                yield difference(": ".join(filter(None, (key[1], words))), unit, one, other, wanted=wanted)
    key = ("requests_keep_error_rate", "")
    if key in old or key in new:
        rates = [_error_rate(found.get(key)) for found in (old, new)]
        yield difference("failed requests of the whole run", "share", rates[0], rates[1], wanted="lower")


def _key_figures(verdicts: Sequence[Verdict]) -> dict[_Key, KeyNumber]:
    return {(one.check, one.subject, one.name): one for one in key_numbers(verdicts)}


def _figure(one: KeyNumber | None, run: Mapping[_Key, KeyNumber]) -> Figure | None:
    if one is None:
        return None
    doubt = f"{one.check} is UNKNOWN" if one.outcome is Outcome.UNKNOWN else ""
    high = one.high if one.high is None or one.name != "spare" else one.high + _late_by_chance_s(one.subject, run)
    return Figure(value=one.value, low=one.low, high=high, is_bounded=one.name in _BOUNDED, doubt=doubt)


def _late_by_chance_s(alert: str, run: Mapping[_Key, KeyNumber]) -> float:
    """How much of an alert's delay is where the leak began between two scrapes and evaluations."""
    detected = run.get(("alert_fires_in_time", alert, "time_to_detect"))
    return 0.0 if detected is None or detected.low is None else detected.value - detected.low


def _least(before: KeyNumber | None, after: KeyNumber | None) -> float:
    """The largest change that says nothing: within the margin of the scenario, else what runs differ by anyway."""
    if before is None or after is None:
        return 0.0
    limits = [one.limit for one in (before, after) if one.limit is not None]
    if before.name in _WITHIN and limits and max(before.value, after.value) <= min(limits):
        return inf
    return LEAST_SHARE * abs(before.value)


def _single(verdict: Verdict | None, name: str) -> Figure | None:
    value = None if verdict is None else verdict.numbers.get(name)
    if verdict is None or isinstance(value, bool) or not isinstance(value, int | float):
        return None
    doubt = f"{verdict.check} is UNKNOWN" if verdict.outcome is Outcome.UNKNOWN else ""
    return Figure(value=float(value), doubt=doubt)


def _error_rate(verdict: Verdict | None) -> Figure | None:
    failures, requests = _single(verdict, "failures"), _single(verdict, "requests")
    if failures is None or requests is None or not requests.value:
        return None
    low, high = share_interval(failures.value, requests.value)
    return Figure(value=failures.value / requests.value, low=low, high=high, doubt=failures.doubt)


def _by_claim(verdicts: Sequence[Verdict]) -> dict[tuple[str, str], Verdict]:
    return {(verdict.check, verdict.subject): verdict for verdict in verdicts}
