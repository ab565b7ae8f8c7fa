"""Which other ways to write an alert are better: they see more, lose nothing, and are silent without a leak."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from leakdrill.envelope.sentence import least_seen_s
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from leakdrill.envelope.candidates import Candidate
    from leakdrill.envelope.envelope import Envelope, Sight

MOST_SHOWN: Final = 5
_ENOUGH_S: Final = 1800.0
"""A leak that leaves that much is as well seen as one that leaves more."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One way that is better.

    Attributes:
        candidate: the rule, and what was changed.
        envelope: what it sees.
        gains: one clause for each thing that is better.
        costs: one clause for what is less, though enough.
    """

    candidate: Candidate
    envelope: Envelope
    gains: tuple[str, ...]
    costs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestions:
    """What was found for one alert.

    Attributes:
        envelope: of the alert as it is written.
        best: the better ways, best first.
        tried: how many ways were tried.
        fire_for_nothing: how many of them fire in a healthy course, or before a leak, or would with a little less room.
        refused: how many the engine refuses.
        leaks: the shapes of leaks that the best were tried on.
        healthy: the healthy courses that all were tried on.
    """

    envelope: Envelope
    best: tuple[Suggestion, ...] = ()
    tried: int = 0
    fire_for_nothing: int = 0
    refused: int = 0
    leaks: tuple[str, ...] = ()
    healthy: tuple[str, ...] = ()

    @property
    def see_no_more(self) -> int:
        """How many are silent without a leak, and see no more, or lose something, or do no more than a better one."""
        return self.tried - self.fire_for_nothing - self.refused - len(self.best)


def fires_without_a_leak(envelope: Envelope) -> bool:
    """Returns whether the alert fires in a healthy course, or before anything leaks."""
    early = any(sight.is_early for sights in envelope.sights.values() for sight in sights)
    return early or bool(envelope.false_alarms)


def gains(old: Envelope, new: Envelope) -> tuple[str, ...]:
    """Returns what `new` is better at than `old`; nothing where it loses anything, or fires without a leak.

    Only leaks that both were tried on are compared. Less time to spare is no loss where half an hour is left.
    """
    pairs = list(_pairs(old, new))
    if new.reason or fires_without_a_leak(new) or any(_loses(was, now) for _, was, now in pairs):
        return ()
    won = [*_silence(old), *_faster(old, new)]
    newly = dict.fromkeys(shape for shape, was, now in pairs if now.is_seen and not was.is_seen)
    others = [shape for shape in newly if shape != "steady"]
    if others:
        won.append(f"sees more of {', '.join(others)}")
    return (*won, *_longer(pairs))


def costs(old: Envelope, new: Envelope) -> tuple[str, ...]:
    """Returns where `new` leaves less time to spare than `old`: the leak for which it is the smallest share of that."""
    less = [
        ((now.spare_s or 0.0) / (was.spare_s or 1.0), shape, was, now)
        for shape, was, now in _pairs(old, new)
        if was.is_seen and (now.spare_s or 0.0) < (was.spare_s or 0.0) - max(was.within_s, now.within_s)
    ]
    if not less:
        return ()
    _, shape, was, now = min(less, key=lambda one: one[0])
    return (f"less: {_left(shape, was, now)}",)


def best_of(found: Sequence[Suggestion], *, most: int) -> tuple[Suggestion, ...]:
    """Returns at most `most` of `found`, best first; one that changes as much and does no better is left out."""
    kept: list[Suggestion] = []
    for one in sorted(found, key=_rank):
        changed = len(one.candidate.changes)
        beaten = (len(other.candidate.changes) <= changed and not gains(other.envelope, one.envelope) for other in kept)
        if not any(beaten):
            kept.append(one)
    return tuple(kept[:most])


def _rank(one: Suggestion) -> tuple[float, float, int]:
    least_s = least_seen_s(one.envelope.steady)
    return (least_s or float("inf"), -_spare_share(one.envelope), len(one.candidate.changes))


def _spare_share(envelope: Envelope) -> float:
    """The time to spare as a share of the leak's, over all leaks tried."""
    sights = [sight for of_shape in envelope.sights.values() for sight in of_shape]
    spares = [(sight.spare_s or 0.0) / sight.takes_s for sight in sights if sight.is_seen]
    return sum(spares) / len(sights) if sights else 0.0


def _pairs(old: Envelope, new: Envelope) -> Iterator[tuple[str, Sight, Sight]]:
    for shape, sights in old.sights.items():
        now = {sight.takes_s: sight for sight in new.sights.get(shape, ())}
        yield from ((shape, was, now[was.takes_s]) for was in sights if was.takes_s in now)


def _loses(was: Sight, now: Sight) -> bool:
    if not was.is_seen:
        return False
    least_s = min((was.spare_s or 0.0) - max(was.within_s, now.within_s), _ENOUGH_S)
    return not now.is_seen or (now.spare_s or 0.0) < least_s


def _silence(old: Envelope) -> Iterator[str]:
    shapes = [alarm.shape for alarm in old.false_alarms]
    shapes += [shape for shape, sights in old.sights.items() if any(sight.is_early for sight in sights)]
    if shapes:
        yield f"silent in {', '.join(dict.fromkeys(shapes))}"


def _faster(old: Envelope, new: Envelope) -> Iterator[str]:
    was_s, now_s = least_seen_s(old.steady), least_seen_s(new.steady)
    if now_s is not None and now_s < (float("inf") if was_s is None else was_s):
        yield f"from {show_duration(now_s)} on, before {'none' if was_s is None else show_duration(was_s)}"


def _longer(pairs: Sequence[tuple[str, Sight, Sight]]) -> Iterator[str]:
    """The leak for which the time to spare grows most, as a share of the leak's."""
    longer = [
        ((now.spare_s or 0.0) - (was.spare_s or 0.0), shape, was, now)
        for shape, was, now in pairs
        if was.is_seen and (now.spare_s or 0.0) > (was.spare_s or 0.0) + max(was.within_s, now.within_s)
    ]
    if longer:
        _, shape, was, now = max(longer, key=lambda one: (one[1] == "steady", one[0] / one[2].takes_s))
        yield _left(shape, was, now)


def _left(shape: str, was: Sight, now: Sight) -> str:
    leak = "" if shape == "steady" else f" ({shape})"
    left, before = show_duration(now.spare_s or 0.0), show_duration(was.spare_s or 0.0)
    return f"{left} to spare at {show_duration(was.takes_s)}{leak}, before {before}"
