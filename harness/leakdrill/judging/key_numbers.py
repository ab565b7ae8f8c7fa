"""The few numbers by which a person knows a run: read from its verdicts, never measured anew.

How fast the alert came, what was to spare before the damage, how near a resource came back to where it was; of a gate
the growth a request, of a watched command its peak. A number that a verdict does not have is not made up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from leakdrill.resources import RESOURCES
from leakdrill.units import show_duration, show_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from leakdrill.record.verdict import Outcome, Verdict
    from leakdrill.resources import Resource

KeyUnit = Literal["seconds", "bytes", "count", "cores", "bytes_per_request", "count_per_request", "seconds_per_request"]

_WORDS: Final = {
    "time_to_detect": "time to detect",
    "spare": "to spare before the damage",
    "above_baseline": "above its baseline",
    "growth": "growth",
    "peak": "peak of memory",
}
_DAMAGES: Final = {
    "alert_fires_before_oom_kill": "the OOM kill",
    "alert_fires_before_disk_full": "the disk was full",
}
_LEAK_UNITS: Final[dict[KeyUnit, Callable[[float], str]]] = {
    "bytes_per_request": show_size,
    "count_per_request": "{:.3g}".format,
    "seconds_per_request": show_duration,
}
_RESOURCES: Final = {claim: one for one in RESOURCES.values() for claim in (one.returns, one.stays)}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyNumber:
    """One number of a run.

    Attributes:
        name: `time_to_detect`, `spare`, `above_baseline`, `growth` or `peak`.
        check: the claim that it belongs to.
        subject: what the claim is about: an alert, a leak; empty where there is only one.
        outcome: of the claim.
        value: in `unit`.
        low: the lower end of its 95 % interval, in `unit`; None where the verdict has none.
        high: the upper end.
        limit: what was allowed, in `unit`; None where nothing was said.
        unit: of the four numbers.
        text: the number for a person, without the name of a scenario: `HighMemoryUsage fired after 27 s (budget 38 s)`.
    """

    name: str
    check: str
    subject: str
    outcome: Outcome
    value: float
    low: float | None = None
    high: float | None = None
    limit: float | None = None
    unit: KeyUnit
    text: str

    @property
    def what(self) -> str:
        """The number without its value, for a heading: `HighMemoryUsage: time to detect`."""
        noun = self.check.split("_")[0] if self.name == "above_baseline" else self.subject
        return ": ".join(filter(None, (noun, _WORDS[self.name])))


def key_numbers(verdicts: Iterable[Verdict]) -> list[KeyNumber]:
    """Returns the numbers of `verdicts` by which a person knows the run, in their order."""
    return [number for verdict in verdicts if (number := _key_number(verdict)) is not None]


def _key_number(verdict: Verdict) -> KeyNumber | None:
    if verdict.check == "alert_fires_in_time":
        return _time_to_detect(verdict)
    if verdict.check in _DAMAGES:
        return _spare(verdict)
    if verdict.check in _RESOURCES:
        return _above_baseline(verdict, _RESOURCES[verdict.check])
    return _NAMED[verdict.check](verdict) if verdict.check in _NAMED else None


def _of(
    verdict: Verdict,
    name: str,
    *,
    value: float,
    unit: KeyUnit,
    text: str,
    low: float | None = None,
    high: float | None = None,
    limit: float | None = None,
) -> KeyNumber:
    return KeyNumber(
        name=name,
        check=verdict.check,
        subject=verdict.subject,
        outcome=verdict.outcome,
        value=value,
        low=low,
        high=high,
        limit=limit,
        unit=unit,
        text=text,
    )


def _time_to_detect(verdict: Verdict) -> KeyNumber | None:
    after_s, budget_s = _number(verdict, "fired_after_s"), _number(verdict, "budget_s")
    if after_s is None:
        return None
    budget = "" if budget_s is None else f" (budget {show_duration(budget_s)})"
    floor_s = _number(verdict, "floor_s")
    return _of(
        verdict,
        "time_to_detect",
        value=after_s,
        low=None if floor_s is None else after_s - floor_s,
        high=None if floor_s is None else after_s,
        limit=budget_s,
        unit="seconds",
        text=f"{verdict.subject} fired after {show_duration(after_s)}{budget}",
    )


def _spare(verdict: Verdict) -> KeyNumber | None:
    spare_s = _number(verdict, "spare_s")
    if spare_s is None:
        return None
    side = "to spare before" if spare_s > 0 else "too late: after"
    return _of(
        verdict,
        "spare",
        value=spare_s,
        low=_number(verdict, "spare_low_s"),
        high=_number(verdict, "spare_high_s"),
        limit=0.0,
        unit="seconds",
        text=f"{show_duration(abs(spare_s))} {side} {_DAMAGES[verdict.check]}",
    )


def _above_baseline(verdict: Verdict, resource: Resource) -> KeyNumber | None:
    difference = _number(verdict, f"difference_{resource.unit}")
    if difference is None:
        return None
    shown = resource.show(abs(difference))
    where = f"{shown} {'above' if difference >= 0 else 'below'}" if shown != resource.show(0) else "at"
    when = "under load" if verdict.check == resource.stays else "at the end"
    return _of(
        verdict,
        "above_baseline",
        value=difference,
        low=_number(verdict, f"difference_low_{resource.unit}"),
        high=_number(verdict, f"difference_high_{resource.unit}"),
        limit=_number(verdict, f"level_margin_{resource.unit}"),
        unit=resource.unit,
        text=f"{resource.name} {when} {where} {resource.its} baseline",
    )


def _growth(verdict: Verdict) -> KeyNumber | None:
    growth = _number(verdict, "growth_bytes_per_request")
    if growth is None:
        return None
    low, high = (_number(verdict, f"growth_{end}_bytes_per_request") for end in ("low", "high"))
    between = "" if low is None or high is None else f" (95 % interval {show_size(low)} to {show_size(high)})"
    return _of(
        verdict,
        "growth",
        value=growth,
        low=low,
        high=high,
        limit=_number(verdict, "budget_bytes_per_request"),
        unit="bytes_per_request",
        text=f"memory grew by {show_size(growth)} a request{between}",
    )


def _leak(verdict: Verdict) -> KeyNumber | None:
    for unit, show in _LEAK_UNITS.items():
        growth = _number(verdict, unit)
        if growth is not None:
            return _of(
                verdict,
                "growth",
                value=growth,
                low=_number(verdict, f"{unit}_low"),
                high=_number(verdict, f"{unit}_high"),
                unit=unit,
                text=f"{verdict.subject} leaked {show(growth)} a request",
            )
    return None


def _peak(verdict: Verdict) -> KeyNumber | None:
    peak = _number(verdict, "peak_bytes")
    if peak is None:
        return None
    return _of(
        verdict,
        "peak",
        value=peak,
        low=_number(verdict, "peak_low_bytes"),
        high=_number(verdict, "peak_high_bytes"),
        unit="bytes",
        text=f"peak {show_size(peak)}",
    )


_NAMED: Final[dict[str, Callable[[Verdict], KeyNumber | None]]] = {
    "leak_grows_as_declared": _leak,
    "memory_does_not_leak": _growth,
    "memory_is_measured": _peak,
}


def _number(verdict: Verdict, name: str) -> float | None:
    """Returns the figure `name` of `verdict`; None where it has none, or one that is no finite number."""
    value = verdict.numbers.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < float("inf") else None
