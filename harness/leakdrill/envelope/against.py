"""What a change of rules won and lost: the envelopes of two rules files beside each other, alert by alert.

An alert is the same in both where its name and its labels are, and the how manieth of these it is; then by name alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from leakdrill.alerting.same_alert import counterpart, title_of
from leakdrill.envelope.sentence import least_seen_s
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from leakdrill.envelope.envelope import Envelope


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one alert.

    Attributes:
        name: of the alert, with its severity.
        won: one clause for each thing that is better.
        lost: one clause for each thing that is worse.
    """

    name: str
    won: tuple[str, ...]
    lost: tuple[str, ...]

    def __str__(self) -> str:
        parts = [*(f"won: {one}" for one in self.won), *(f"lost: {one}" for one in self.lost)]
        return f"{self.name}: {'; '.join(parts) or 'sees what it saw'}"


def changes(old: Sequence[Envelope], new: Sequence[Envelope]) -> list[Change]:
    """Returns what the rules of `new` won and lost against those of `old`, in the order of `new`, lost alerts last."""
    left = list(old)
    found = []
    for one in new:
        before = counterpart(one, left)
        if before is None:
            found.append(Change(title_of(one.alert), ("it is new",), ()))
            continue
        left.remove(before)
        found.append(_change(before, one))
    return [*found, *(Change(title_of(one.alert), (), ("it is gone",)) for one in left)]


def changes_as_json(found: Sequence[Change]) -> list[dict[str, Any]]:
    """Returns `found` as JSON."""
    return [{"alert": one.name, "won": list(one.won), "lost": list(one.lost)} for one in found]


def _change(old: Envelope, new: Envelope) -> Change:
    if old.reason or new.reason:
        won = () if new.reason or not old.reason else ("it has an envelope now",)
        lost = () if old.reason or not new.reason else (f"it has no envelope any more: {new.reason}",)
        return Change(title_of(new.alert), won, lost)
    better: list[str] = []
    worse: list[str] = []
    for text, is_better in (*_seen(old, new), *_spare(old, new), *_false(old, new)):
        (better if is_better else worse).append(text)
    return Change(title_of(new.alert), tuple(better), tuple(worse))


def _seen(old: Envelope, new: Envelope) -> Iterator[tuple[str, bool]]:
    was_s, is_s = least_seen_s(old.steady), least_seen_s(new.steady)
    if was_s == is_s:
        return
    was = "none" if was_s is None else show_duration(was_s)
    now = "none" if is_s is None else show_duration(is_s)
    yield f"sees leaks from {now} on, before {was}", (is_s or float("inf")) < (was_s or float("inf"))


def _spare(old: Envelope, new: Envelope) -> Iterator[tuple[str, bool]]:
    """The speed at which the time to spare differs most, of those that both see."""
    before = {sight.takes_s: sight for sight in old.steady if sight.is_seen}
    both = [
        (abs(sight.spare_s - known.spare_s) / sight.takes_s, sight.takes_s, known.spare_s, sight.spare_s)
        for sight in new.steady
        if sight.is_seen and (known := before.get(sight.takes_s)) is not None
        if sight.spare_s is not None and known.spare_s is not None
        if abs(sight.spare_s - known.spare_s) > sight.within_s
    ]
    if both:
        _, takes_s, was_s, is_s = max(both)
        yield f"{show_duration(is_s)} to spare at {show_duration(takes_s)}, before {show_duration(was_s)}", is_s > was_s


def _false(old: Envelope, new: Envelope) -> Iterator[tuple[str, bool]]:
    was, now = ({alarm.shape for alarm in one.false_alarms} for one in (old, new))
    for shape in sorted(was - now):
        yield f"silent in {shape}", True
    for shape in sorted(now - was):
        yield f"fires for nothing in {shape}", False
