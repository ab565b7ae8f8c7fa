"""The head of a page: the verdict in a word and a sentence, and the numbers that matter."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from leakdrill.record.verdict import Outcome, worst
from leakdrill.resources import RESOURCES
from leakdrill.units import show_duration, show_share, show_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from leakdrill.record.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number that matters.

    Attributes:
        label: what it is.
        value: with its unit; `not known` where it is not.
        also: the same in production time, where that differs.
        word: in place of the outcome's own, such as `better`.
        note: what it is to be compared with, or why it is not known.
        outcome: of the claim that it comes from; None where there is no such claim.
        anchor_of: check and subject of that claim.
    """

    label: str
    value: str
    note: str
    also: str = ""
    word: str = ""
    outcome: Outcome | None = None
    anchor_of: tuple[str, str] | None = None


def sentence(verdicts: Sequence[Verdict]) -> str:
    """What the verdicts come to, in a sentence; of a run that does not pass, the worst claim's own words."""
    outcome = worst(verdicts)
    first = next((v for v in verdicts if v.outcome is outcome), None)
    if first is None:
        return "Nothing was checked, and silence proves nothing."
    if outcome is Outcome.PASS:
        return f"All {len(verdicts)} claims hold." if len(verdicts) > 1 else "The one claim holds."
    count = sum(v.outcome is outcome for v in verdicts)
    verb = "could not be shown" if outcome is Outcome.UNKNOWN else "do not hold" if count > 1 else "does not hold"
    subject = f" ({first.subject})" if first.subject else ""
    others = f"{count} of {len(verdicts)} claims {verb}"
    return f"{others}. {'The first' if count > 1 else 'It'} is {first.check}{subject}: {first.message}"


def drill_figures(verdicts: Sequence[Verdict], time_scale: float) -> tuple[Figure, ...]:
    """Time to detect against its budget, what was left before the damage, and how near the resource came back."""
    return (_detected(verdicts, time_scale), _spare(verdicts, time_scale), _back(verdicts))


def _detected(verdicts: Sequence[Verdict], time_scale: float) -> Figure:
    label = "time to detect"
    found = _worst_of(verdicts, ["alert_fires_in_time"], lambda v: _number(v, "fired_after_s") or float("inf"))
    if found is None:
        silent = next((v for v in verdicts if v.check == "other_alerts_stay_silent"), None)
        absent = _absent(label, "no alert is expected", silent)
        return replace(absent, value="none") if silent else absent
    took_s, budget_s = _number(found, "fired_after_s"), _number(found, "budget_s")
    if took_s is None:
        return _absent(label, found.message, found)
    note = "" if budget_s is None else f"budget {show_duration(budget_s)}"
    return _figure(label, show_duration(took_s), note, found, _in_production(took_s, time_scale))


def _spare(verdicts: Sequence[Verdict], time_scale: float) -> Figure:
    label = "to spare before the damage"
    checks = ["alert_fires_before_oom_kill", "alert_fires_before_disk_full"]
    found = _worst_of(verdicts, checks, lambda v: -(_number(v, "spare_s") or float("-inf")))
    if found is None:
        return _absent(label, "no claim is about it", None)
    spare_s, damage_s = _number(found, "spare_s"), _number(found, "damage_after_s")
    if spare_s is None:
        return _absent(label, found.message, found)
    what = "OOM kill" if found.check.endswith("kill") else "disk full"
    note = "" if damage_s is None else f"{what} after {show_duration(damage_s)}"
    return _figure(label, show_duration(spare_s), note, found, _in_production(spare_s, time_scale))


def _back(verdicts: Sequence[Verdict]) -> Figure:
    claims = {claim: resource for resource in RESOURCES.values() for claim in (resource.returns, resource.stays)}
    found = _worst_of(verdicts, claims, lambda _: 0.0)
    if found is None:
        return _relieved(verdicts)
    resource = claims[found.check]
    name = resource.name.replace("_", " ")
    label = f"{name} above its baseline at the end"
    base, level, margin = (
        _number(found, f"{part}_{resource.unit}") for part in ("baseline", "difference", "level_margin")
    )
    if base is None or level is None:
        return _absent(f"{name} at the end", found.message, found)
    is_share = base > 0 and abs(level) <= base and (margin is None or margin <= base)
    value = show_share(level / base) if is_share else resource.show(level)
    if level < 0:
        label, value = f"{name} below its baseline at the end", value.lstrip("-")
    shown = show_size(base) if resource.unit == "bytes" else resource.show(base)
    allowed = "" if margin is None else f"; margin {show_share(margin / base) if is_share else resource.show(margin)}"
    return _figure(label, value, f"baseline {shown}{allowed}", found)


def _relieved(verdicts: Sequence[Verdict]) -> Figure:
    """Of a rehearsed runbook, after which nothing has to be back at its baseline: how long it took to relieve."""
    found = next((v for v in verdicts if v.check == "runbook_relieves"), None)
    if found is None:
        return _absent("back to the baseline", "no claim is about it", None)
    took_s = _number(found, "relieved_after_s")
    if took_s is None:
        return _absent("relieved after", found.message, found)
    return _figure("relieved after", show_duration(took_s), "from the alert to its clearing", found)


def _worst_of(verdicts: Sequence[Verdict], checks: Iterable[str], rank: Callable[[Verdict], float]) -> Verdict | None:
    """Of the verdicts on these claims the worst, among equals the one that ranks highest, else the first."""
    wanted = set(checks)
    found = [v for v in verdicts if v.check in wanted]
    return max(found, key=lambda v: (v.outcome.severity, rank(v)), default=None)


def _number(verdict: Verdict, name: str) -> float | None:
    value = verdict.numbers.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _in_production(seconds: float, time_scale: float) -> str:
    return "" if time_scale == 1 else f"production {show_duration(seconds * time_scale)}"


def _figure(label: str, value: str, note: str, verdict: Verdict, also: str = "") -> Figure:
    subject = f"{verdict.subject}: " if verdict.subject else ""
    return Figure(
        label=label, value=value, note=subject + note, also=also, outcome=verdict.outcome,
        anchor_of=(verdict.check, verdict.subject),
    )  # fmt: skip


def _absent(label: str, why: str, verdict: Verdict | None) -> Figure:
    known = (verdict.check, verdict.subject) if verdict else None
    return Figure(
        label=label, value="not known", note=why, outcome=verdict.outcome if verdict else None, anchor_of=known
    )
