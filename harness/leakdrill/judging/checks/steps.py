"""Whether a runbook step worked. It is not done when it exits 0: the metric must move, and the service must serve.

A step may also be there to show what does not cure, or to diagnose: the first must leave the growth where it is, the
second must be carried out and leave the service alone.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from leakdrill.judging.evidence.alert_states import first_firing, transitions
from leakdrill.judging.evidence.check import Case, Check
from leakdrill.judging.evidence.claim import Claim
from leakdrill.judging.evidence.effects import Fall, Slowdown, fall, slowdown
from leakdrill.judging.evidence.freed_objects import freed_objects
from leakdrill.judging.evidence.lasting import came_back, held_long_enough, held_s
from leakdrill.judging.evidence.resource_series import resource_series
from leakdrill.judging.evidence.windows import StepRun, step_runs, unasked_exits, watched_until_s
from leakdrill.record.events import LoadRequests
from leakdrill.resources import RESOURCES, Resource
from leakdrill.scenario.seen import Seen
from leakdrill.units import show_count, show_duration, show_share

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.record.history import History
    from leakdrill.record.verdict import Verdict
    from leakdrill.scenario.alerts import AlertName
    from leakdrill.scenario.scenario import Scenario
    from leakdrill.scenario.steps import Step

_SERVING_S: Final = 2.0
"""A record that goes on for less than this after a step cannot say that the service stopped serving."""
_NOTHING: Final = 0.02
_WATCHED_SHARE: Final = 0.8
"""A share of `within`: what was watched for less cannot show that a step cures nothing."""
_NO_CURE: Final = "this step does not treat what grows; a step that does is what the runbook needs"
_KEPT_PAGES: Final = (
    "the allocator keeps the pages of freed objects for later: have the step return them (malloc_trim, another "
    "allocator, MALLOC_TRIM_THRESHOLD_), restart the service instead, or judge the step by `seen` on what it frees"
)


def step_claim(step: Step) -> Claim:
    """The claim about `step`: that it works, or that it does not cure."""
    cures = step.seen is None or step.seen.effect != "stays_within"
    return Claim("step_works" if cures else "step_does_not_cure", step.name)


def step_works(history: History, *, step: Step, scenario: Scenario) -> Verdict:
    """Whether `step` was carried out, did to the metric what it had to, and left a service that serves its load."""
    claim = step_claim(step)
    run = next((run for run in step_runs(history) if run.act.name == step.name), None)
    if run is None or not run.act.succeeded:
        return _not_carried_out(history, claim, step, run)
    return _Judged(history, scenario, step, run, claim).verdict()


def _not_carried_out(history: History, claim: Claim, step: Step, run: StepRun | None) -> Verdict:
    if run is None:
        return claim.unknown(
            f"{step.name} was never begun: the drill ended before", hint="see the verdict measurements_are_complete"
        )
    if run.act.end is None or run.act.end.kind == "unknown":
        return claim.unknown(
            f"nobody can say how {step.name} ended: {run.act.reason}", events=_events(run), hint=_where_to_look(step)
        )
    if step.on is not None and not _trigger_fired(history, step.on, run):
        return claim.unknown(
            f"{step.name} was not carried out: it waits for the alert {step.on}, which did not fire",
            events=_events(run),
            hint="see alert_fires_in_time",
        )
    return claim.fails(
        f"{step.name} failed after {show_duration(run.span.length_s)}: {run.act.reason}",
        events=_events(run),
        hint=_where_to_look(step),
    )


def _where_to_look(step: Step) -> str:
    """What tells more of a step that failed: what it said itself comes before what the service logged."""
    match step.action_name:
        case "exec":
            return "its whole output is in output.txt below steps/ in the run folder; try the command by hand"
        case "http":
            return "try the request by hand while the service runs; target.log has what the service logged of it"
        case "restart" | "kill" | "recreate":
            return "target.log in the run folder has how the service ended and started; try the step by hand"
        case _:
            return "the reason stands above; try the step by hand"


def _trigger_fired(history: History, on: AlertName, run: StepRun) -> bool:
    fired = first_firing(transitions(history, on), float("-inf"))
    return fired is not None and fired.when <= run.end_s


def _events(run: StepRun) -> list[int]:
    return [e.index for e in (run.act.begin, run.act.end) if e is not None]


class _Judged:
    """One step that was carried out, and the findings on it as its checks go on."""

    def __init__(self, history: History, scenario: Scenario, step: Step, run: StepRun, claim: Claim) -> None:
        self.history = history
        self.scenario = scenario
        self.step = step
        self.run = run
        self.claim = claim
        self.expected = step.seen or Seen()
        self.metric = scenario.metric_of(step)
        self.measure: Resource = RESOURCES[self.metric]
        self.numbers: dict[str, float] = {}
        self.events = _events(run)

    def verdict(self) -> Verdict:
        """The effect first, then whether the service still serves."""
        if self.expected.effect == "nothing":
            return self._service("nothing was to change")
        measured = (slowdown if self.expected.effect == "slows_by" else fall)(
            self.history, self.scenario, self.metric, self.expected, self.run
        )
        if isinstance(measured, str):
            return self.claim.unknown(
                f"{self.step.name} was carried out, but its effect cannot be told: {measured}",
                events=self.events,
                hint="see the verdict measurements_are_complete",
            )
        self.events += measured.events
        outcome = self._slowed(measured) if isinstance(measured, Slowdown) else self._fell(measured)
        return self._service(outcome) if isinstance(outcome, str) else outcome

    def _fell(self, change: Fall) -> Verdict | str:
        """The clause on the metric, when it did what it had to; else the verdict."""
        unit = self.measure.unit
        self.numbers |= {
            f"baseline_{unit}": change.baseline,
            f"before_{unit}": change.before,
            f"after_{unit}": change.after,
        }
        if self.expected.falls_below is not None:
            return self._fell_below(change, self.expected.falls_below)
        if change.growth <= max(self.measure.least_growth, change.noise):
            return self._unknown(
                f"before {self.step.name} there was no growth to cure: {self.metric} {self.measure.was} at "
                f"{self.measure.show(change.before)}, in the baseline at {self.measure.show(change.baseline)}",
                "let the leak grow further before this step, or say under `seen` what it should do",
            )
        self.numbers["fell_by_share"] = change.share
        if self.expected.stays_within is not None:
            return self._stayed(change, self.expected.stays_within)
        if change.share >= self.expected.least_fall:
            effect = f"{self._levels(change)}, {show_share(change.share)} of the growth"
            return self._lasted(change, change.before - self.expected.least_fall * change.growth) or effect
        changed = (
            "changed nothing" if change.share <= _NOTHING else f"took away {show_share(change.share)} of the growth"
        )
        wanted = f"{show_share(self.expected.least_fall)} was wanted within {show_duration(self.expected.within)}"
        return self._no_cure(f"{self.step.name} {changed}: {self._levels(change)}; {wanted}")

    def _fell_below(self, change: Fall, level: float) -> Verdict | str:
        if change.after < level:
            gone = f", {show_share(change.share)} of the growth" if change.growth > 0 else ""
            return self._lasted(change, level) or f"{self._levels(change)}{gone}"
        wanted = f"below {self.measure.show(level)} was wanted within {show_duration(self.expected.within)}"
        return self._no_cure(f"after {self.step.name} {self._levels(change)}; {wanted}")

    def _no_cure(self, message: str) -> Verdict:
        """FAIL of a step that left the metric where it was, whatever else it did."""
        freed = (
            freed_objects(self.history, self.run, within_s=self.expected.within) if self.metric == "memory" else None
        )
        if freed is None:
            return self._fails(message, _NO_CURE)
        self.events += freed.events
        return self._fails(f"{message}; {freed}, so objects were freed and memory was kept", _KEPT_PAGES)

    def _lasted(self, change: Fall, level: float) -> Verdict | None:
        """FAIL when the metric reached `level` for a moment only, or did not stay there; else None."""
        if any(leak.peak is not None for leak in self.scenario.leaks if leak.resource == self.metric):
            return None
        show, series = self.measure.show, resource_series(self.history, self.metric)
        held = held_s(series, change.watched, level)
        if not held_long_enough(held, change.watched):
            return self._fails(
                f"after {self.step.name} {self.metric} {self.measure.was} below {show(level)} for "
                f"{show_duration(held)} only, and then above it again",
                _NO_CURE,
            )
        back = came_back(self.history, self.scenario, self.metric, self.run, level)
        if back is None:
            return None
        return self._fails(
            f"{self.step.name} did not last: {show_duration(back.start_s - self.run.end_s)} after it {self.metric} "
            f"{self.measure.was} above {show(level)} again for {show_duration(back.length_s)}",
            _NO_CURE,
        )

    def _stayed(self, change: Fall, most: float) -> Verdict | str:
        gone = show_share(max(0.0, change.share))
        allowed = f"at most {show_share(most)} was to go away within {show_duration(self.expected.within)}"
        if change.share > most:
            return self._fails(
                f"{self.step.name} cures what it must not: {self._levels(change)}, {gone} of the growth; {allowed}",
                "the leak is not what the scenario says, or something else took the growth away",
            )
        if change.watched.length_s < _WATCHED_SHARE * self.expected.within:
            return self._unknown(
                f"whether {self.step.name} cures cannot be told: {self._levels(change)}, but nothing longer than "
                f"{show_duration(change.watched.length_s)} was watched; {allowed}",
                "see measurements_are_complete; what comes next must wait for `seen.within`",
            )
        return f"{self._levels(change)}: {gone} of the growth went away; {allowed}"

    def _slowed(self, change: Slowdown) -> Verdict | str:
        show, least = self.measure.show, self.expected.slows_by or 0.0
        unit = self.measure.unit
        self.numbers |= {
            f"{unit}_per_s_before": change.before.estimate,
            f"{unit}_per_s_after": change.after.estimate,
            "watched_s": change.watched.length_s,
        }
        speeds = (
            f"{self.metric} grew by {show(change.before.estimate)} a second before and by "
            f"{show(change.after.estimate)} after"
        )
        if change.before.low <= 0:
            return self._unknown(
                f"before {self.step.name} there was no steady growth to slow down: {speeds}",
                "let the leak grow for longer before this step",
            )
        self.numbers["slowed_by_share"] = change.share.estimate
        slowed = f"{speeds}: {show_share(change.share.estimate)} slower"
        wanted = f"{show_share(least)} was wanted"
        if change.share.low >= least:
            return f"{slowed}; {wanted}"
        if change.share.high < least:
            return self._fails(f"{self.step.name} slowed it too little: {slowed}; {wanted}", _NO_CURE)
        return self._unknown(
            f"whether {self.step.name} slowed it enough cannot be told: {slowed} (95 % interval "
            f"{show_share(change.share.low)} to {show_share(change.share.high)}); {wanted}",
            f"{show_duration(change.watched.length_s)} were watched after it; raise `seen.within`",
        )

    def _service(self, effect: str) -> Verdict:
        """Whether the service goes on serving; `effect` is the clause on the metric in that case."""
        until_s = self._until_s()
        ended = [e for e in unasked_exits(self.history) if self.run.end_s <= e.when <= until_s]
        served = _served_after(self.history, self.run.end_s, until_s)
        if ended and (served is None or not served[0]):
            self.events.append(ended[0].index)
            return self._fails(
                f"after {self.step.name} the target ended and served nothing more",
                "read target.log in the run folder",
            )
        if served is None or (not served[0] and until_s - self.run.end_s < _SERVING_S):
            return self._unknown(
                f"{self.step.name} did its work, but nobody counted requests after it",
                "let `phases.recover` last longer; see measurements_are_complete",
            )
        self.numbers |= {"served_after": served[0], "failed_after": served[1]}
        if not served[0]:
            return self._fails(
                f"after {self.step.name} the service served nothing: {served[1]:.0f} requests failed and none "
                "succeeded",
                "freeing memory by not serving is no cure; read target.log in the run folder",
            )
        later = _served_after(self.history, (self.run.end_s + until_s) / 2, until_s)
        if later is not None and not later[0] and later[1]:
            return self._fails(
                f"after {self.step.name} the service served {show_count(served[0], 'request')} and then nothing more: "
                f"{show_count(later[1], 'request')} failed",
                "freeing memory by not serving is no cure; read target.log in the run folder",
            )
        took_s = self.run.span.length_s
        return self.claim.holds(
            f"{self.step.name} took {show_duration(took_s)}; {effect}; "
            f"the service then served {show_count(served[0], 'request')} and failed {served[1]:.0f}",
            numbers={**self.numbers, "took_s": took_s},
            events=self.events,
        )

    def _until_s(self) -> float:
        """Until when it is watched whether the service serves: the next step, unless that follows too soon to tell."""
        end_s = watched_until_s(self.history)
        following = min((r.start_s for r in step_runs(self.history) if r.start_s >= self.run.end_s), default=end_s)
        return following if following - self.run.end_s > _SERVING_S + 1 else end_s

    def _levels(self, change: Fall) -> str:
        show = self.measure.show
        return (
            f"{self.metric} {self.measure.was} at {show(change.before)} before and at {show(change.after)} after "
            f"(baseline {show(change.baseline)})"
        )

    def _fails(self, message: str, hint: str) -> Verdict:
        return self.claim.fails(message, numbers=self.numbers, events=self.events, hint=hint)

    def _unknown(self, message: str, hint: str) -> Verdict:
        return self.claim.unknown(message, numbers=self.numbers, events=self.events, hint=hint)


def _served_after(history: History, from_s: float, until_s: float) -> tuple[float, float] | None:
    """Requests served and failed between the two times; None when nobody counted after the step."""
    counts = [e for e in history.of(LoadRequests) if e.t <= until_s]
    before, after = [e for e in counts if e.t <= from_s], [e for e in counts if e.t > from_s]
    if not after:
        return None
    start, end = (before or after)[-1 if before else 0], after[-1]
    failed = (end.failures or 0.0) - (start.failures or 0.0)
    return (end.requests or 0.0) - (start.requests or 0.0) - failed, failed


def _cases(history: History, scenario: Scenario) -> Iterator[Case]:
    for step in scenario.steps:
        yield Case(step_claim(step), partial(step_works, history, step=step, scenario=scenario))


STEPS: Final = Check(
    {
        "step_works": "A step was carried out, did to the metric what it must, and left a service that serves.",
        "step_does_not_cure": "A step that must not cure was carried out, and left the growth where it was.",
    },
    _cases,
)
