"""Measures envelopes: makes the courses of every alert, plays them in as few runs of the engine as can be, reads it.

Alerts that select the same series share their courses, and courses that are scraped and evaluated alike are played side
by side. The edge between seen and blind is looked for in two more rounds. An alert that the engine refuses is tried
alone, course by course, so that it takes no other with it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from leakdrill.envelope.alert_plan import AlertPlan, CannotBeMade, plan_of
from leakdrill.envelope.course_series import course_series
from leakdrill.envelope.envelope import Envelope, FalseAlarm, Sight, no_envelope
from leakdrill.envelope.healthy_shapes import HEALTHY_SHAPES, QuietClock
from leakdrill.envelope.leak_shapes import LEAK_SHAPES, Clock
from leakdrill.envelope.partition import parted_groups
from leakdrill.envelope.promtool import play
from leakdrill.envelope.settings import Intervals, intervals, quiet_s
from leakdrill.envelope.sheet import Play, Sheet
from leakdrill.envelope.written_rules import alert_as_written, recording_rules

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from leakdrill.alerting.rules import AlertRule, Rules
    from leakdrill.envelope.course import Course
    from leakdrill.envelope.promtool import Played
    from leakdrill.envelope.settings import Settings

_ONLY_WHERE_RESTARTED: Final = frozenset({"crash loop", "deployments", "warm-up", "deployment", "restart"})
_ONLY_OF_MEMORY: Final = frozenset({"beside page cache", "page cache"})
_KEEPS: Final = frozenset({"disk", "inodes"})
"""What a restart does not give back."""
_FEWER: Final = 2
"""Shapes other than the steady one are tried at every second speed."""
_BRIEF: Final = frozenset({"steps", "sawtooth", "crash loop", "deployments"})
"""Shapes in which something happens within minutes: they are evaluated closely, and for a day at most."""
_LONGEST_BRIEF_S: Final = 86_400.0
_ROUNDS: Final = 2
_IN_AN_EDGE: Final = 7
"""So many speeds are tried in each round between one that is seen and one that is not."""
_MOST_EDGES: Final = 3
_HEALTHY: Final = "healthy"


@dataclass(frozen=True, slots=True, eq=False)
class _Cast:
    """Alerts that share their courses.

    Attributes:
        key: unique in a run.
        alerts: with their numbers.
        plan: what they select.
        groups: their rules.
        parted: the rules that keep courses apart; None where they cannot, or are not asked to.
        quiet_s: how long a course is quiet first.
    """

    key: str
    alerts: tuple[tuple[int, AlertRule], ...]
    plan: AlertPlan
    groups: Sequence[Mapping[str, Any]]
    parted: Sequence[Mapping[str, Any]] | None
    quiet_s: float

    @property
    def own_s(self) -> float:
        return self.alerts[0][1].interval_s


def measure(rules: Rules, settings: Settings, *, edges: bool = True) -> list[Envelope]:
    """Returns the envelope of each alert of `rules`, in their order.

    Args:
        rules: as read.
        settings: what is assumed and tried.
        edges: whether the edges between seen and blind are looked for more closely.

    Raises:
        EnvironmentProblem: when there is no promtool, or it does not come to an end.
    """
    plans: dict[int, AlertPlan] = {}
    found: dict[int, Envelope] = {}
    for number, alert in enumerate(rules.alerts):
        try:
            plans[number] = plan_of(alert, rules)
        except CannotBeMade as e:
            found[number] = no_envelope(alert, str(e))
    casts = list(_casts(rules, plans))
    run = _Run(settings)
    broken = run.first_round(casts)
    alone = [one for cast in broken for one in _alone(rules, cast) if len(cast.alerts) > 1 or cast.parted]
    broken_alone = run.first_round(alone)
    reasons = {number: reason for cast, reason in {**broken, **broken_alone}.items() for number, _ in cast.alerts}
    whole = [cast for cast in (*casts, *alone) if cast not in broken and cast not in broken_alone]
    for _ in range(_ROUNDS if edges else 0):
        run.look_at_edges(whole)
    for cast in whole:
        for number, alert in cast.alerts:
            found[number] = run.envelope(cast, number, alert)
            reasons.pop(number, None)
    for number, reason in reasons.items():
        found[number] = no_envelope(rules.alerts[number], f"promtool refuses it: {reason}")
    return [found[number] for number in range(len(rules.alerts))]


class _Run:
    """The sights and false alarms found so far, by cast, number of the alert and shape."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._sights: dict[tuple[int, str], list[Sight]] = {}
        self._alarms: dict[int, list[FalseAlarm]] = {}
        self._healthy: dict[str, list[str]] = {}

    def first_round(self, casts: Sequence[_Cast]) -> dict[_Cast, str]:
        """Plays every shape; returns the casts that the engine refused, with its words."""
        times_s = self._settings.times_s()
        asked = []
        for cast in casts:
            for shape in LEAK_SHAPES:
                if self._settings.tries(shape) and _makes_sense(shape, cast.plan):
                    asked += [(cast, shape, takes_s) for takes_s in _tried(shape, times_s, cast.plan)]
        leaks = [(cast, *self._leak(cast, shape, takes_s)) for cast, shape, takes_s in asked]
        healthy = [
            (cast, *self._healthy_course(cast, shape))
            for cast in casts
            for shape in HEALTHY_SHAPES
            if self._settings.tries(shape) and _makes_sense(shape, cast.plan)
        ]
        return self._play([*leaks, *healthy])

    def look_at_edges(self, casts: Sequence[_Cast]) -> None:
        """Plays steady leaks between speeds that are seen and speeds that are not."""
        asked: dict[tuple[str, float], tuple[_Cast, float]] = {}
        for cast in casts:
            for number, alert in cast.alerts:
                for one, other in list(self.envelope(cast, number, alert).edges())[:_MOST_EDGES]:
                    between = np.linspace(one.takes_s, other.takes_s, _IN_AN_EDGE + 2)[1:-1]
                    for takes_s in {self._settings.whole(float(each)) for each in between}:
                        if one.takes_s < takes_s < other.takes_s:
                            asked[cast.key, takes_s] = (cast, takes_s)
        self._play([(cast, *self._leak(cast, "steady", takes_s)) for cast, takes_s in asked.values()])

    def envelope(self, cast: _Cast, number: int, alert: AlertRule) -> Envelope:
        """Returns what is known of an alert."""
        sights = {
            shape: tuple(sorted(self._sights[number, shape], key=lambda sight: sight.takes_s))
            for shape in LEAK_SHAPES
            if (number, shape) in self._sights
        }
        return Envelope(
            alert=alert,
            resources=cast.plan.resources,
            sights=sights,
            false_alarms=tuple(self._alarms.get(number, ())),
            healthy=tuple(self._healthy.get(cast.key, ())),
            notes=cast.plan.notes,
        )

    def _leak(self, cast: _Cast, shape: str, takes_s: float) -> tuple[Course, Intervals]:
        plan, settings = cast.plan, self._settings
        closely = shape in _BRIEF or plan.looks_back_at_recordings
        pace = intervals(takes_s, settings, own_s=cast.own_s, least_range_s=plan.least_range_s, closely=closely)
        quiet = cast.quiet_s + 2 * pace.evaluate_s
        clock = Clock(scrape_s=pace.scrape_s, quiet_s=quiet, takes_s=takes_s, baseline=settings.baseline)
        return LEAK_SHAPES[shape](clock), pace

    def _healthy_course(self, cast: _Cast, shape: str) -> tuple[Course, Intervals]:
        pace = Intervals(self._settings.scrape_s, cast.own_s or self._settings.evaluate_s)
        clock = QuietClock(scrape_s=pace.scrape_s, quiet_s=cast.quiet_s, baseline=self._settings.baseline)
        return HEALTHY_SHAPES[shape](clock), pace

    def _play(self, asked: Sequence[tuple[_Cast, Course, Intervals]]) -> dict[_Cast, str]:
        """Plays the courses and keeps what the alerts did in them; returns the casts that were refused."""
        together: dict[tuple[str, Intervals], list[int]] = {}
        for index, (cast, _, pace) in enumerate(asked):
            together.setdefault((cast.key, pace), []).append(index)
        sheets = [self._sheet(asked, indices) for indices in together.values()]
        played = play(sheets)
        members = list(together.values())
        refused = {asked[members[sheet][0]][0]: said for sheet, said in played.problems.items()}
        for index, (cast, course, pace) in enumerate(asked):
            if cast not in refused:
                self._keep(cast, course, pace, played, str(index))
        return refused

    def _sheet(self, asked: Sequence[tuple[_Cast, Course, Intervals]], indices: Sequence[int]) -> Sheet:
        cast, _, pace = asked[indices[0]]
        plays = tuple(self._one_play(asked, index) for index in indices)
        return Sheet(cast.parted or cast.groups, pace.evaluate_s, plays, side_by_side=cast.parted is not None)

    def _one_play(self, asked: Sequence[tuple[_Cast, Course, Intervals]], index: int) -> Play:
        cast, course, pace = asked[index]
        series = course_series(cast.plan.series, course, self._settings.limits)
        return Play(str(index), series, pace.scrape_s, course.ends_s, is_counted=course.takes_s is None)

    def _keep(self, cast: _Cast, course: Course, pace: Intervals, played: Played, name: str) -> None:
        if course.takes_s is None:
            self._healthy.setdefault(cast.key, []).append(course.shape)
        for number, _ in cast.alerts:
            firing = played.firings.get((name, str(number)))
            if course.takes_s is not None:
                first_s = None if firing is None else firing.first_s
                sight = _sight(course, course.takes_s, first_s, pace)
                self._sights.setdefault((number, course.shape), []).append(sight)
            elif firing is not None:
                fired_s = firing.evaluations * pace.evaluate_s
                alarm = FalseAlarm(course.shape, fired_s, course.ends_s - course.onset_s)
                self._alarms.setdefault(number, []).append(alarm)


def _sight(course: Course, takes_s: float, first_s: float | None, pace: Intervals) -> Sight:
    within_s = pace.scrape_s + pace.evaluate_s
    later = [] if first_s is None else [kill for kill in course.kills_s if kill > first_s]
    if first_s is None or not later:
        return Sight(takes_s, None, within_s=within_s)
    return Sight(
        takes_s=takes_s,
        spare_s=later[0] - first_s,
        kills_before=len(course.kills_s) - len(later),
        is_early=first_s < course.onset_s,
        within_s=within_s,
    )


def _tried(shape: str, times_s: Sequence[float], plan: AlertPlan) -> Sequence[float]:
    fewer = times_s if shape == "steady" else times_s[::_FEWER]
    closely = shape in _BRIEF or plan.looks_back_at_recordings
    return [one for one in fewer if not closely or one <= _LONGEST_BRIEF_S]


def _makes_sense(shape: str, plan: AlertPlan) -> bool:
    if shape in _ONLY_OF_MEMORY:
        return "memory" in plan.resources
    return not (shape in _ONLY_WHERE_RESTARTED and _KEEPS & set(plan.resources))


def _casts(rules: Rules, plans: Mapping[int, AlertPlan]) -> Iterator[_Cast]:
    """The alerts together that select the same; what they look back and wait may differ."""
    together: dict[tuple[object, ...], list[int]] = {}
    for number, plan in plans.items():
        series = tuple(sorted(repr(one) for one in plan.series))
        same = (series, plan.recordings, plan.resources, plan.least_range_s, rules.alerts[number].interval_s)
        together.setdefault(same, []).append(number)
    for numbers in together.values():
        history_s = max(plans[number].history_s for number in numbers)
        notes = tuple(dict.fromkeys(note for number in numbers for note in plans[number].notes))
        plan = replace(plans[numbers[0]], history_s=history_s, notes=notes)
        cast = _cast(rules, plan, [(number, rules.alerts[number]) for number in numbers], "together")
        yield replace(cast, parted=parted_groups(cast.groups))


def _alone(rules: Rules, cast: _Cast) -> Iterator[_Cast]:
    for number, alert in cast.alerts:
        yield _cast(rules, cast.plan, [(number, alert)], "alone")


def _cast(rules: Rules, plan: AlertPlan, alerts: Sequence[tuple[int, AlertRule]], how: str) -> _Cast:
    waits_s = max(alert.for_s for _, alert in alerts)
    groups = [{"name": "leakdrill-alerts", "rules": [alert_as_written(number, alert) for number, alert in alerts]}]
    recorded = list(recording_rules(rules, plan.recordings))
    if recorded:
        groups.insert(0, {"name": "leakdrill-recordings", "rules": recorded})
    key = f"{how}-{alerts[0][0]}"
    return _Cast(key, tuple(alerts), plan, groups, None, quiet_s(plan.history_s, waits_s))
