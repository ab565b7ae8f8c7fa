"""Whether a runbook step worked. It is not done when it exits 0: the metric must fall, and the service must serve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from harness.checks.alert_states import first_firing, transitions
from harness.checks.claim import Claim
from harness.checks.statistics import swing
from harness.checks.timeline import StepRun, resource, step_runs, unasked_exits, watched_until_s
from harness.scenario import Seen
from harness.units import show_duration, show_share, show_size

if TYPE_CHECKING:
    from harness.history import Event, History, Series
    from harness.scenario import AlertName, Step
    from harness.verdict import Verdict

DEFAULT_SEEN: Final = Seen.model_validate({"falls_by": "50%"})
"""What must be seen where a step does not say: half of the growth since baseline is gone within 5 s."""
_BEFORE_S: Final = 0.5
_SERVING_S: Final = 2.0
"""A record that goes on for less than this after a step cannot say that the service stopped serving."""
_NOTHING: Final = 0.02
_LEAST_GROWTH_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class _Fall:
    """What the metric did: its levels in the baseline, just before the step, and at its lowest in time after it."""

    baseline: float
    before: float
    after: float
    noise: float
    events: tuple[int, ...]

    @property
    def growth(self) -> float:
        return self.before - self.baseline

    @property
    def share(self) -> float:
        """How much of the growth is gone; 1 is all."""
        return (self.before - self.after) / self.growth


def step_works(history: History, *, step: Step) -> Verdict:
    """Whether `step` was carried out, did to the metric what it had to, and left a service that serves its load."""
    claim = Claim("step_works", step.name)
    run = next((run for run in step_runs(history) if run.act.name == step.name), None)
    if run is None or not run.act.succeeded:
        return _not_carried_out(history, claim, step, run)
    fall = _fall(history, step.seen or DEFAULT_SEEN, run)
    if isinstance(fall, str):
        return claim.unknown(
            f"{step.name} was carried out, but its effect cannot be told: {fall}",
            events=_events(run),
            hint="see the verdict measurements_are_complete",
        )
    return _judge_fall(claim, step, run, fall) or _judge_service(history, claim, step, run, fall)


def _not_carried_out(history: History, claim: Claim, step: Step, run: StepRun | None) -> Verdict:
    if run is None:
        return claim.unknown(
            f"{step.name} was never begun: the drill ended before", hint="see the verdict measurements_are_complete"
        )
    if run.act.end is None or run.act.end.kind == "unknown":
        return claim.unknown(
            f"nobody can say how {step.name} ended: {run.act.why}", events=_events(run), hint="read target.log"
        )
    if step.on is not None and not _trigger_fired(history, step.on, run):
        return claim.unknown(
            f"{step.name} was not carried out: it waits for the alert {step.on}, which did not fire",
            events=_events(run),
            hint="see alert_fires_in_time",
        )
    return claim.fails(
        f"{step.name} failed after {show_duration(run.span.length_s)}: {run.act.why}",
        events=_events(run),
        hint="read target.log in the run folder; try the step by hand",
    )


def _trigger_fired(history: History, on: AlertName, run: StepRun) -> bool:
    fired = first_firing(transitions(history, on), float("-inf"))
    return fired is not None and fired.when <= run.end_s


def _events(run: StepRun) -> list[int]:
    return [e.index for e in (run.act.begin, run.act.end) if e is not None]


def _fall(history: History, seen: Seen, run: StepRun) -> _Fall | str:
    series, baseline = resource(history, seen.metric or "memory"), history.phase("baseline")
    if baseline is None:
        return "there is no baseline"
    base = series.between(*baseline)
    before = series.between(run.start_s - _BEFORE_S, run.start_s)
    after = series.between(run.end_s, run.end_s + seen.within)
    for part, name in ((base, "in the baseline"), (before, "just before it"), (after, "after it")):
        if not len(part):
            return f"no sample of {seen.metric} {name}"
    return _Fall(
        baseline=float(np.median(base.values)),
        before=float(np.median(before.values)),
        after=_lowest(after),
        noise=swing(base.values) if len(base) > 1 else 0.0,
        events=(before.indices[-1], after.indices[-1]),
    )


def _lowest(series: Series) -> float:
    """The lowest level that lasted: the least median of three neighbours, so that one odd sample does not count."""
    values = series.values
    if len(values) < 3:  # noqa: PLR2004 - three neighbours
        return float(np.median(values))
    return float(np.median(np.lib.stride_tricks.sliding_window_view(values, 3), axis=1).min())


def _judge_fall(claim: Claim, step: Step, run: StepRun, fall: _Fall) -> Verdict | None:
    """FAIL or UNKNOWN when the metric did not do what it had to; None when it did."""
    seen, numbers, events = step.seen or DEFAULT_SEEN, _numbers(fall), [*_events(run), *fall.events]
    if seen.falls_below is not None:
        if fall.after < seen.falls_below:
            return None
        wanted = f"below {show_size(seen.falls_below)} was wanted within {show_duration(seen.within)}"
        return claim.fails(
            f"after {step.name} {_levels(seen, fall)}; {wanted}", numbers=numbers, events=events, hint=_NO_CURE
        )
    if fall.growth <= max(_LEAST_GROWTH_BYTES, fall.noise):
        return claim.unknown(
            f"before {step.name} there was no growth to cure: {seen.metric} was at {show_size(fall.before)}, "
            f"in the baseline at {show_size(fall.baseline)}",
            numbers=numbers,
            events=events,
            hint="let the leak grow further before this step, or say under `seen` what it should do",
        )
    numbers["fell_by_share"] = fall.share
    least = seen.falls_by or 0.0
    if fall.share >= least:
        return None
    wanted = f"{show_share(least)} was wanted within {show_duration(seen.within)}"
    changed = "changed nothing" if fall.share <= _NOTHING else f"took away {show_share(fall.share)} of the growth"
    return claim.fails(
        f"{step.name} {changed}: {_levels(seen, fall)}; {wanted}", numbers=numbers, events=events, hint=_NO_CURE
    )


_NO_CURE: Final = "this step does not treat what grows; a step that does is what the runbook needs"


def _levels(seen: Seen, fall: _Fall) -> str:
    return (
        f"{seen.metric} was at {show_size(fall.before)} before and at {show_size(fall.after)} after "
        f"(baseline {show_size(fall.baseline)})"
    )


def _numbers(fall: _Fall) -> dict[str, float]:
    return {"baseline_bytes": fall.baseline, "before_bytes": fall.before, "after_bytes": fall.after}


def _judge_service(history: History, claim: Claim, step: Step, run: StepRun, fall: _Fall) -> Verdict:
    numbers, events = _numbers(fall), [*_events(run), *fall.events]
    until_s = watched_until_s(history)
    ended = [e for e in unasked_exits(history) if run.end_s <= e.when <= until_s]
    served = _served_after(history, run.end_s, until_s)
    if ended and (served is None or not served[0]):
        return claim.fails(
            f"after {step.name} the target ended and served nothing more",
            numbers=numbers,
            events=[*events, ended[0].index],
            hint="read target.log in the run folder",
        )
    if served is None or (not served[0] and until_s - run.end_s < _SERVING_S):
        return claim.unknown(
            f"{step.name} did its work, but nobody counted requests after it",
            numbers=numbers,
            events=events,
            hint="let `phases.recover` last longer; see measurements_are_complete",
        )
    numbers["served_after"] = served[0]
    numbers["failed_after"] = served[1]
    if not served[0]:
        return claim.fails(
            f"after {step.name} the service served nothing: {served[1]:.0f} requests failed and none succeeded",
            numbers=numbers,
            events=events,
            hint="freeing memory by not serving is no cure; read target.log in the run folder",
        )
    seen = step.seen or DEFAULT_SEEN
    gone = f", {show_share(fall.share)} of the growth" if fall.growth > 0 else ""
    return claim.holds(
        f"{step.name} took {show_duration(run.span.length_s)}; {_levels(seen, fall)}{gone}; "
        f"the service then served {served[0]:.0f} requests and failed {served[1]:.0f}",
        numbers={**numbers, "took_s": run.span.length_s},
        events=events,
    )


def _served_after(history: History, from_s: float, until_s: float) -> tuple[float, float] | None:
    """Requests served and failed between the two times; None when nobody counted after the step."""
    counts = [e for e in history.where(source="load", name="requests", kind="sample") if e.t <= until_s]
    before, after = [e for e in counts if e.t <= from_s], [e for e in counts if e.t > from_s]
    if not after:
        return None
    start, end = (before or after)[-1 if before else 0], after[-1]
    failed = _count(end, "failures") - _count(start, "failures")
    return _count(end, "requests") - _count(start, "requests") - failed, failed


def _count(event: Event, name: str) -> float:
    return float(event.value.get(name, 0.0)) if isinstance(event.value, dict) else 0.0
