"""One sentence for what an alert sees, and one for what it fires at without a leak."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.units import show_count, show_duration, show_share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakdrill.envelope.envelope import Envelope, Sight

_ENDS: Final = {
    "memory": "the kill",
    "GPU memory": "the first failed allocation",
    "disk": "a full disk",
    "inodes": "the last inode",
    "descriptors": "the last descriptor",
    "threads": "the last thread",
    "CPU": "saturation",
}


def sees(envelope: Envelope, baseline: float) -> str:
    """Returns what the alert sees of a steady leak: `sees leaks that take 17 min 30 s or longer from 35 % …`."""
    if envelope.reason:
        return f"no envelope: {envelope.reason}"
    sights = envelope.steady
    if any(sight.is_early for sight in sights):
        return f"fires at {show_share(baseline)} already, before anything leaks"
    way = f"from {show_share(baseline)} to {_ENDS[envelope.resources[0]]}"
    if len(envelope.resources) > 1:
        way += f" ({', '.join(envelope.resources)} growing together)"
    seen = [sight for sight in sights if sight.is_seen]
    if not seen:
        return f"blind to every leak tried, {_span(sights)} {way}"
    if len(seen) == len(sights):
        return f"sees every leak tried, {_span(sights)} {way}; {_spare(seen[0])}"
    span, blind = _from_to(sights, seen)
    return f"sees leaks that take {span} {way}; blind to {blind}; {_spare(_worth_naming(seen))}"


def fires_for_nothing(envelope: Envelope) -> str:
    """Returns where the alert fires without a leak; empty where it does not."""
    told = [
        f"{alarm.shape} ({show_duration(alarm.fired_s)} of {show_duration(alarm.lasts_s)})"
        for alarm in envelope.false_alarms
    ]
    return f"fires for nothing: {', '.join(told)}" if told else ""


def silent(envelope: Envelope) -> str:
    """Returns in how many healthy courses the alert is silent, where it fires in none."""
    tried = len(envelope.healthy)
    return f"silent in {show_count(tried, 'healthy course')}" if tried else "no healthy course was tried"


def least_seen_s(sights: Sequence[Sight]) -> float | None:
    """Returns the time to the kill from which on every leak tried is seen, or all up to a slow end; None for none."""
    seen = [index for index, sight in enumerate(sights) if sight.is_seen]
    if not seen:
        return None
    last = seen[-1]
    first = next((index + 1 for index in range(last, -1, -1) if not sights[index].is_seen), 0)
    return sights[first].takes_s


def _from_to(sights: Sequence[Sight], seen: Sequence[Sight]) -> tuple[str, str]:
    """The times to the kill that are seen, and those that are not."""
    least_s = least_seen_s(sights) or 0.0
    some = "some " if seen[0].takes_s < least_s else ""
    if sights[-1].is_seen:
        return f"{show_duration(least_s)} or longer", f"{some}faster ones"
    longest = show_duration(seen[-1].takes_s)
    if sights[0].is_seen and not some:
        return f"{longest} or less", "slower ones"
    return f"{show_duration(least_s)} to {longest}", f"{some}faster and to slower ones"


def _worth_naming(seen: Sequence[Sight]) -> Sight:
    """The first that leaves a person a minute, or else the one that leaves most."""
    enough = [sight for sight in seen if sight.spare_s is not None and sight.spare_s >= 60]  # noqa: PLR2004 - a minute
    return enough[0] if enough else max(seen, key=lambda sight: sight.spare_s or 0.0)


def _spare(sight: Sight) -> str:
    return f"{show_duration(sight.spare_s or 0.0)} to spare at {show_duration(sight.takes_s)}"


def _span(sights: Sequence[Sight]) -> str:
    return f"{show_duration(sights[0].takes_s)} to {show_duration(sights[-1].takes_s)}"
