"""Whether the alert came before the damage, and whether the target lived through the drill."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.checks.alerts import expected_firing, for_each_alert
from leakdrill.judging.evidence.capacity import disk_size_bytes, memory_limit_bytes
from leakdrill.judging.evidence.check import always
from leakdrill.judging.evidence.claim import Claim
from leakdrill.judging.evidence.detection_limit import find_detection_limit
from leakdrill.judging.evidence.growth import growth_per_second
from leakdrill.judging.evidence.resource_series import resource_series
from leakdrill.judging.evidence.unwatched import unwatched
from leakdrill.judging.evidence.windows import (
    Span,
    leak_span,
    leaks_began_s,
    reached_recover,
    unasked_exits,
    watched_until_s,
)
from leakdrill.record.events import (
    AlertTransition,
    CgroupResources,
    FilesystemDisk,
    TargetExited,
    TargetStart,
)
from leakdrill.units import show_code, show_duration, show_size

if TYPE_CHECKING:
    from leakdrill.judging.evidence.detection_limit import DetectionLimit
    from leakdrill.record.history import Event, History, Series
    from leakdrill.record.verdict import Verdict
    from leakdrill.scenario.alerts import ExpectedAlert
    from leakdrill.scenario.scenario import Scenario


@dataclass(frozen=True, slots=True)
class _Damage:
    """The moment at which the limit was reached, or would have been, and within which stretch that is certain."""

    at_s: float
    within: Span
    really: bool
    events: tuple[int, ...]
    rate_bytes_per_s: float | None

    @property
    def projected(self) -> bool:
        """Whether it is only what the rate of growth would have led to; a peak has no such rate."""
        return self.rate_bytes_per_s is not None


def alert_fires_before_oom_kill(history: History, *, alert: ExpectedAlert, scenario: Scenario) -> Verdict:
    """Whether `alert` fired before the kernel killed the target, or would have, at the rate of the leak.

    The verdict also says how fast a leak this alert can see at all. A peak that stays below the limit is no danger, so
    there it is enough that the alert fired.
    """
    claim = Claim("alert_fires_before_oom_kill", str(alert))
    limit = memory_limit_bytes(history, scenario)
    began_s = leaks_began_s(history, scenario.leaks)
    if limit is None or began_s is None:
        return claim.unknown(
            "no memory limit is known" if limit is None else "the leak never began",
            hint="set `target.limits.memory`; see leak_grows_as_declared",
        )
    killed = [e for e in oom_kills(history) if e.when >= began_s]
    span = _leaking(history, scenario, "memory")
    if killed:
        damage: _Damage | None = _happened(killed[0].when, killed[0].when, killed[0].index)
        span = Span(span.start_s, min(span.end_s, killed[0].when))
    else:
        damage = _reached(resource_series(history, "memory"), span, limit)
    fired = expected_firing(history, scenario, alert)
    peaks = _only_peaks(scenario, "memory")
    if peaks and fired and (damage is None or damage.projected):
        return _below_the_limit(claim, alert, fired, resource_series(history, "memory"), span, ("memory", limit))
    growth = None if peaks else growth_per_second(resource_series(history, "memory"), span)
    detection = find_detection_limit(
        history, alert, growth_per_s=growth, limit_bytes=limit, time_scale=scenario.alerts.time_scale
    )
    phrases = ("the container was OOM-killed", "the container would have been OOM-killed")
    return _judge(claim, alert, fired, began_s, damage, phrases, limit, detection=detection)


def _only_peaks(scenario: Scenario, resource: str) -> bool:
    return all(leak.peak is not None for leak in scenario.leaks if leak.resource == resource)


def _below_the_limit(
    claim: Claim, alert: ExpectedAlert, fired: AlertTransition, series: Series, span: Span, limited: tuple[str, float]
) -> Verdict:
    """A peak that was seen in time: what stood how high, below which limit."""
    name, limit_bytes = limited
    part = series.between(span.start_s, span.end_s)
    most = float(part.values.max()) if len(part) else 0.0
    return claim.holds(
        f"{alert} fired after {show_duration(fired.when - span.start_s)}; {name} stood at most at {show_size(most)}, "
        f"{show_size(limit_bytes - most)} below its limit of {show_size(limit_bytes)}: nothing happened before",
        numbers={"limit_bytes": limit_bytes, "highest_bytes": most, "fired_after_s": fired.when - span.start_s},
        events=[fired.index, *part.indices[:1]],
    )


def alert_fires_before_disk_full(history: History, *, alert: ExpectedAlert, scenario: Scenario) -> Verdict:
    """Whether `alert` fired before the disk was full, or would have been, at the rate of the leak."""
    claim = Claim("alert_fires_before_disk_full", str(alert))
    size = disk_size_bytes(history, scenario)
    began_s = leaks_began_s(history, scenario.leaks)
    if not size or began_s is None:
        return claim.unknown(
            "the leak never began" if size else "the size of the disk is not known",
            hint="see leak_grows_as_declared and measurements_are_complete",
        )
    span = _leaking(history, scenario, "disk")
    left = history.series(FilesystemDisk, "avail_bytes").between(began_s, span.end_s)
    full = np.flatnonzero(left.values <= 0)
    damage: _Damage | None
    if len(full):
        first = int(full[0])
        damage = _happened(float(left.t[max(0, first - 1)]), float(left.t[first]), left.indices[first])
    else:
        damage = _reached(resource_series(history, "disk"), span, size)
    fired = expected_firing(history, scenario, alert)
    if _only_peaks(scenario, "disk") and fired and (damage is None or damage.projected):
        return _below_the_limit(claim, alert, fired, resource_series(history, "disk"), span, ("the disk", size))
    phrases = ("the disk was full", "the disk would have been full")
    return _judge(claim, alert, fired, began_s, damage, phrases, size)


def _leaking(history: History, scenario: Scenario, resource: str) -> Span:
    spans = [s for leak in scenario.leaks if leak.resource == resource and (s := leak_span(history, leak.name))]
    return Span(min((s.start_s for s in spans), default=0.0), max((s.end_s for s in spans), default=0.0))


def _reached(series: Series, span: Span, limit_bytes: float) -> _Damage | None:
    """The moment at which `series` reached the limit, or would have at its own rate; None when it does not grow."""
    part = series.between(span.start_s, span.end_s)
    beyond = np.flatnonzero(part.values >= limit_bytes)
    if len(beyond):
        first = int(beyond[0])
        seen = _happened(float(part.t[max(0, first - 1)]), float(part.t[first]), part.indices[first])
        return replace(seen, really=False)
    rate = growth_per_second(series, span)
    if rate is None or rate.low <= 0:
        return None
    level, level_at_s = float(np.median(part.values[-5:])), float(np.median(part.t[-5:]))
    soonest_s, at_s, latest_s = (
        level_at_s + (limit_bytes - level) / per_s for per_s in (rate.high, rate.estimate, rate.low)
    )
    events = (part.indices[0], part.indices[-1])
    return _Damage(at_s, Span(soonest_s, latest_s), really=False, events=events, rate_bytes_per_s=rate.estimate)


def _happened(before_s: float, at_s: float, index: int) -> _Damage:
    """Damage that was seen at `at_s`, and was not yet there at `before_s`."""
    return _Damage(at_s, Span(before_s, at_s), really=True, events=(index,), rate_bytes_per_s=None)


def _judge(
    claim: Claim,
    alert: ExpectedAlert,
    fired: AlertTransition | None,
    began_s: float,
    damage: _Damage | None,
    phrases: tuple[str, str],
    limit_bytes: float,
    *,
    detection: DetectionLimit | None = None,
) -> Verdict:
    if damage is None:
        silent = "" if fired else f"{alert} did not fire; "
        return claim.unknown(
            f"{silent}no steady growth was seen, so it cannot be told when {phrases[1]}",
            hint="see leak_grows_as_declared",
        )
    numbers = {"limit_bytes": limit_bytes, "damage_after_s": damage.at_s - began_s, "damage_happened": damage.really}
    if damage.rate_bytes_per_s is not None:
        numbers["growth_bytes_per_s"] = damage.rate_bytes_per_s
    numbers |= detection.numbers if detection else {}
    events = [*damage.events, *([detection.event] if detection else [])]
    consequence = f"{phrases[0 if damage.really else 1]} after {show_duration(damage.at_s - began_s)}"
    limit, too_fast = f"limit {show_size(limit_bytes)}", f"; {detection}" if detection else ""
    if damage.really and detection and detection.faster:
        too_fast += ": the rule is blind to it"
    if fired is None:
        wording = claim.fails if damage.really else claim.unknown
        hint = _LOWER if damage.really and detection and detection.faster else "see alert_fires_in_time"
        summary = f"{alert} did not fire; {consequence} ({limit}){too_fast}"
        return wording(summary, numbers=numbers, events=events, hint=hint)
    spare_s = damage.at_s - fired.when
    numbers |= {
        "fired_after_s": fired.when - began_s,
        "spare_s": spare_s,
        "spare_low_s": damage.within.start_s - fired.when,
        "spare_high_s": damage.within.end_s - fired.when,
    }
    events.append(fired.index)
    message = f"{alert} fired after {show_duration(fired.when - began_s)}; {consequence} ({limit})"
    if spare_s > 0:
        summary = f"{message}: {show_duration(spare_s)} to spare{too_fast}"
        return claim.holds(summary, numbers=numbers, events=events)
    summary = f"{message}: {show_duration(-spare_s)} too late{too_fast}"
    return claim.fails(summary, numbers=numbers, events=events, hint=_LOWER)


_LOWER = "lower the rule's threshold or its `for`, or raise the limit"


def oom_kills(history: History) -> list[Event | TargetExited]:
    """The moments at which the kernel killed the target, or a process of it, for its memory.

    Ends of the target that are marked so, and rises of the cgroup's counter (a killed child does not end the target).
    """
    exits = [e for e in unasked_exits(history) if e.oom_kill == "true"]
    counter = history.series(CgroupResources, "oom_kills")
    rises = [i for i in range(1, len(counter)) if counter.values[i] > counter.values[i - 1]]
    killed = [history.events[counter.indices[i]] for i in rises]
    children = [e for e in killed if not any(abs(e.t - exit_.when) < _SAME_KILL_S for exit_ in exits)]
    return sorted([*exits, *children], key=lambda e: e.when)


_KILLED = "SIGKILL"
_SAME_KILL_S = 2.0
"""A rise of the counter this close to an end of the target is the same kill."""


_READ_THE_LOG = "read the last lines of target.log in the run folder"
_READ_ITS_OWN_LOG = "read what the service logged at that time: a drill has no log of a service that ran already"


def target_keeps_running(history: History, *, scenario: Scenario) -> Verdict:
    """Whether the target never ended unasked, and was OOM-killed no more often than the scenario expects."""
    claim = Claim("target_keeps_running")
    kills, allowed = oom_kills(history), scenario.expect.oom_kills
    crashes = [e for e in unasked_exits(history) if e.oom_kill != "true"]
    numbers = {"oom_kills": len(kills), "oom_kills_expected": allowed, "crashes": len(crashes)}
    unwanted = unwanted_ends(history, scenario)
    if unwanted:
        return claim.fails(
            "; ".join(end_of(e) for e in unwanted[:3])
            + _more(len(unwanted) - 3)
            + f"; {allowed} OOM kills were expected",
            numbers=numbers,
            events=[e.index for e in unwanted],
            hint=_hint_on_end(unwanted[0], _READ_ITS_OWN_LOG if scenario.target.kind == "existing" else _READ_THE_LOG),
        )
    lost = [time for time in unwatched(history) if time.until_s is None]
    if lost:
        return claim.unknown(
            f"whether the target ended unasked cannot be told: {lost[0]}",
            numbers=numbers,
            events=[lost[0].since.index],
            hint="run the drill again when the platform answers",
        )
    if not history.acts(TargetStart) and not len(resource_series(history, "memory")):
        return claim.unknown(
            "the record does not say that the target ever ran", numbers=numbers, hint="run the drill again"
        )
    if not reached_recover(history):
        return claim.unknown(
            f"the target kept running for the {show_duration(watched_until_s(history))} of the record, "
            "but the drill did not reach `recover`",
            numbers=numbers,
            hint="see the verdict measurements_are_complete",
        )
    killed = f", {len(kills)} expected OOM kills aside" if kills else ""
    return claim.holds(f"the target never ended unasked{killed}", numbers=numbers, events=[e.index for e in kills])


def unwanted_ends(history: History, scenario: Scenario) -> list[Event | TargetExited]:
    """The ends of the target that neither a step asked for nor the scenario expects, in order of time."""
    kills = oom_kills(history)
    crashes = [e for e in unasked_exits(history) if e.oom_kill != "true"]
    return sorted([*crashes, *(kills if len(kills) > scenario.expect.oom_kills else [])], key=lambda e: e.when)


def end_of(event: Event | TargetExited) -> str:
    """How the target ended, as a clause."""
    if not isinstance(event, TargetExited):
        return f"a process of the target was OOM-killed at {show_duration(event.t)}"
    if event.oom_kill == "true":
        return f"the target was OOM-killed at {show_duration(event.when)}"
    if event.reason:
        return f"the target's pod {event.pod or '?'} ended at {show_duration(event.when)}: {event.reason}"
    code = "" if event.exit_code is None else f" with exit code {show_code(event.exit_code)}"
    cause = f" by signal {event.signal}" if event.signal else code
    return f"the target ended{cause} at {show_duration(event.when)}, and nobody had asked"


def _hint_on_end(event: Event | TargetExited, otherwise: str) -> str:
    """Where to look for what ended the target; a SIGKILL leaves no line in its log."""
    if isinstance(event, TargetExited) and event.signal == _KILLED and event.oom_kill == "false":
        return "the kernel killed nothing of it for memory: does a supervisor, a time-out or somebody else end it?"
    if isinstance(event, TargetExited) and event.signal == _KILLED and event.oom_kill == "unknown":
        return "nobody counts here what the kernel kills for memory: `dmesg` tells whether it was the OOM killer"
    return otherwise


def _more(count: int) -> str:
    return f"; and {count} more" if count > 0 else ""


def _grows(scenario: Scenario, resource: str) -> bool:
    return any(leak.resource == resource for leak in scenario.leaks)


def _may_be_killed(history: History, scenario: Scenario) -> bool:
    """Whether memory grows below a limit, and kills are not what is expected.

    Where they are, there are alerts that only they can raise, such as one on the builds that fail of them.
    """
    limited = memory_limit_bytes(history, scenario) is not None and not scenario.expect.oom_kills
    return limited and _grows(scenario, "memory")


BEFORE_OOM_KILL: Final = for_each_alert(
    _may_be_killed,
    "alert_fires_before_oom_kill",
    "Each expected alert fired before the kernel killed the target, or would have.",
    alert_fires_before_oom_kill,
)
BEFORE_DISK_FULL: Final = for_each_alert(
    lambda _history, scenario: _grows(scenario, "disk"),
    "alert_fires_before_disk_full",
    "Each expected alert fired before the disk was full, or would have been.",
    alert_fires_before_disk_full,
)
KEEPS_RUNNING: Final = always(
    "target_keeps_running",
    "The target lived through the drill, with no more OOM kills than the scenario expects.",
    target_keeps_running,
)
