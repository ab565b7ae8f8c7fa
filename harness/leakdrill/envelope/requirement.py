"""What a user requires of the alerts of a file: which leaks one of them must see, how early, and no false alarm.

Alerts are levels of one warning more often than not, so what must be seen must be seen by one of the alerts that watch
the resource; that none fires for nothing is required of each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from leakdrill.envelope.sentence import fires_for_nothing
from leakdrill.record.verdict import Outcome
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakdrill.envelope.envelope import Envelope, Sight


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """What the alerts must do.

    Attributes:
        must_see_s: steady leaks that take that long or longer must be seen; None where nothing is required.
        spare_s: seconds to spare that they must leave.
        no_false_alarms: whether none may fire in a healthy course.
    """

    must_see_s: float | None = None
    spare_s: float = 0.0
    no_false_alarms: bool = False

    def __bool__(self) -> bool:
        return self.must_see_s is not None or self.no_false_alarms


@dataclass(frozen=True, slots=True)
class Judged:
    """One sentence of the verdict."""

    outcome: Outcome
    text: str


def judge(envelopes: Sequence[Envelope], required: Requirement) -> list[Judged]:
    """Returns whether the alerts do what is required: one sentence for each resource, one for each false alarm.

    Where no alert has an envelope nothing is known, and where one that has none might be the one that sees it neither.
    """
    played = [one for one in envelopes if not one.reason]
    if not played:
        return [Judged(Outcome.UNKNOWN, "no alert has an envelope")]
    judged = []
    if required.must_see_s is not None:
        resources = dict.fromkeys(resource for one in played for resource in one.resources)
        judged += [
            _sees(resource, [one for one in played if resource in one.resources], required) for resource in resources
        ]
    if required.no_false_alarms:
        judged += _silent(played)
    return judged


def _sees(resource: str, envelopes: Sequence[Envelope], required: Requirement) -> Judged:
    must_see_s = required.must_see_s or 0.0
    asked = f"leaks of {resource} that take {show_duration(must_see_s)} or longer"
    by_time: dict[float, list[tuple[Envelope, Sight]]] = {}
    for one in envelopes:
        for sight in one.steady:
            if sight.takes_s >= must_see_s:
                by_time.setdefault(sight.takes_s, []).append((one, sight))
    complete = {time: pairs for time, pairs in by_time.items() if len(pairs) == len(envelopes)}
    if not complete:
        return Judged(Outcome.UNKNOWN, f"{asked}: no such speed was tried")
    for takes_s, pairs in sorted(complete.items()):
        spares = [sight.spare_s for _, sight in pairs if sight.is_seen and sight.spare_s is not None]
        if not spares:
            return Judged(Outcome.FAIL, f"{asked}: all alerts are blind to one of {show_duration(takes_s)}")
        if max(spares) < required.spare_s:
            left, least = show_duration(max(spares)), show_duration(required.spare_s)
            text = f"{asked}: one of {show_duration(takes_s)} leaves {left} to spare; expected {least} at least"
            return Judged(Outcome.FAIL, text)
    spare = f" with {show_duration(required.spare_s)} to spare" if required.spare_s else ""
    return Judged(Outcome.PASS, f"{asked} are seen{spare}, {len(complete)} speeds tried")


def _silent(played: Sequence[Envelope]) -> list[Judged]:
    wrong = [one for one in played if one.false_alarms]
    if not wrong:
        return [Judged(Outcome.PASS, f"none of {len(played)} alerts fires for nothing")]
    return [Judged(Outcome.FAIL, f"{one.alert.name} {fires_for_nothing(one)}") for one in wrong]
