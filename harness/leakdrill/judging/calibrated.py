"""The numbers of a plan that only a drill can tell, from one that was played to measure them.

A number is taken where its claim holds, with room for another day; a margin is never widened so far that what did not
come back would pass.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from leakdrill.record.events import LoadRequests
from leakdrill.record.verdict import Outcome
from leakdrill.resources import RESOURCES
from leakdrill.scenario.edited import Edit
from leakdrill.units import plain, show_duration, show_share

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leakdrill.record.history import History
    from leakdrill.record.verdict import Verdict
    from leakdrill.scenario.alerts import ExpectedAlert
    from leakdrill.scenario.leaks import Leak
    from leakdrill.scenario.scenario import Scenario
    from leakdrill.yaml_file import Loc

_LEAST_RECOVER_S: Final = 30.0
_LEAST_BASELINE_S: Final = 10.0
_AFTER_S: Final = 5.0
"""How much longer a phase lasts than what is claimed in it."""
_LEAST_RESOLVES_S: Final = 10.0
_WIDEST_LEVEL: Final = 0.25
_REACHED: Final = 0.9
_AMENDED: Final[Mapping[str, Loc]] = {
    "requests_keep_latency": ("expect", "p99"),
    "memory_returns_to_baseline": ("expect", "memory"),
    "load_is_as_asked": ("load", "rate"),
}
"""Claims that did not hold, and do by a number that was written."""


def to_measure(scenario: Scenario, *, longest_s: float) -> Scenario:
    """Returns `scenario` with nothing declared that a drill can measure, and with time to measure it.

    The load ends as soon as every expected alert was delivered, and after `longest_s` at the latest.
    """
    phases = scenario.phases
    load_s = max(phases.load, longest_s) if scenario.alerts.expect else phases.load
    recover_s = max(phases.recover, _LEAST_RECOVER_S)
    within = {"fires_within": load_s, "resolves_within": recover_s - _AFTER_S}
    expected = [one.model_copy(update=within) for one in scenario.alerts.expect]
    longer = {"baseline": max(phases.baseline, _LEAST_BASELINE_S), "load": load_s, "recover": recover_s}
    return scenario.model_copy(
        update={
            "leaks": [leak.model_copy(update={"per_request": None}) for leak in scenario.leaks],
            "phases": phases.model_copy(update=longer),
            "alerts": scenario.alerts.model_copy(update={"expect": expected}),
        }
    )


@dataclass(slots=True)
class Calibrated:
    """What a played drill says of the numbers of its plan.

    Attributes:
        scenario: the plan as the user wrote it.
        verdicts: on the drill that `to_measure` gives.
        edits: each number, and what was measured.
        unknown: why a number could not be told, for each.
    """

    scenario: Scenario
    verdicts: list[Verdict]
    edits: list[Edit] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def measure(self, history: History) -> None:
        """Find every number."""
        self._rate(history)
        for index, leak in enumerate(self.scenario.leaks):
            self._leak(index, leak)
        load_s, recover_s = self.scenario.phases.load, self.scenario.phases.recover
        for index, alert in enumerate(self.scenario.alerts.expect):
            load_s = max(load_s, self._fires(index, alert) + _AFTER_S)
            recover_s = max(recover_s, self._resolves(index, alert) + _AFTER_S)
        self._phase("baseline", max(self.scenario.phases.baseline, _LEAST_BASELINE_S))
        self._phase("load", load_s)
        self._phase("recover", max(recover_s, _LEAST_RECOVER_S))
        for name in dict.fromkeys(["memory", *(leak.resource for leak in self.scenario.leaks)]):
            self._margin(name)
        self._latency()
        self._untold()

    def _of(self, check: str, subject: str = "") -> Verdict | None:
        return next((v for v in self.verdicts if (v.check, v.subject) == (check, subject)), None)

    def _number(self, verdict: Verdict | None, name: str) -> float | None:
        """A number of a claim that holds."""
        value = verdict.numbers.get(name) if verdict and verdict.outcome is Outcome.PASS else None
        return float(value) if isinstance(value, int | float) else None

    def _write(self, loc: Loc, value: str, comment: str) -> None:
        self.edits.append(Edit(loc, value, f"{loc[-1]}: {comment}"))

    def _rate(self, history: History) -> None:
        asked, bounds = self.scenario.load.rate, history.phase("baseline")
        reports = [one for one in history.of(LoadRequests) if bounds and bounds[0] <= one.t <= bounds[1]]
        if asked is None or len(reports) < 2:  # noqa: PLR2004 - a rate lies between two reports
            return
        first, last = reports[0], reports[-1]
        reached = ((last.tasks or 0.0) - (first.tasks or 0.0)) / (last.t - first.t)
        if reached >= _REACHED * asked:
            self._write(("load", "rate"), f"{plain(asked)}/s", f"{reached:.3g}/s in the baseline")
        elif reached >= 1:
            kept = math.floor(_REACHED * reached)
            self._write(("load", "rate"), f"{max(kept, 1)}/s", f"the users reached {reached:.3g}/s of {asked:g}/s")

    def _leak(self, index: int, leak: Leak) -> None:
        if leak.peak is not None or sum(one.resource == leak.resource for one in self.scenario.leaks) > 1:
            return  # a peak is declared as a height, and leaks of one resource cannot be told apart
        verdict, unit = self._of("leak_grows_as_declared", leak.name), RESOURCES[leak.resource].per_request_unit
        ends = [self._number(verdict, f"{unit}_per_request{end}") for end in ("", "_low", "_high")]
        if None not in ends:
            amount, low, high = (_amount(one or 0.0, unit) for one in ends)
            self._write(("leaks", index, "per_request"), amount, f"{amount}, 95 % interval {low} to {high}")

    def _fires(self, index: int, alert: ExpectedAlert) -> float:
        fired_s = self._number(self._of("alert_fires_in_time", str(alert)), "fired_after_s")
        if fired_s is None:
            return 0.0
        within_s = math.ceil(1.5 * fired_s + 2)
        self._write(
            ("alerts", "expect", index, "fires_within"), f"{within_s}s", f"fired after {show_duration(fired_s)}"
        )
        return within_s

    def _resolves(self, index: int, alert: ExpectedAlert) -> float:
        cleared_s = self._number(self._of("alert_resolves_and_stays_resolved", str(alert)), "cleared_after_s")
        if cleared_s is None:
            return 0.0
        within_s = math.ceil(max(1.5 * cleared_s + 2, _LEAST_RESOLVES_S))
        told = f"cleared {show_duration(max(cleared_s, 0.0))} after the last step"
        self._write(("alerts", "expect", index, "resolves_within"), f"{within_s}s", told)
        return within_s

    def _phase(self, name: str, lasts_s: float) -> None:
        given = getattr(self.scenario.phases, name)
        if lasts_s > given:
            self._write(("phases", name), f"{math.ceil(lasts_s)}s", f"{show_duration(given)} would be too short")

    def _margin(self, name: str) -> None:
        verdict, margin = self._of(RESOURCES[name].returns), self.scenario.margin(name)
        if verdict is None or verdict.outcome is Outcome.PASS or margin is None:
            return
        if not self._cured() or RESOURCES[name].margin_of != "baseline":
            return
        unit = RESOURCES[name].unit
        high, base = (verdict.numbers.get(f"{key}_{unit}") for key in ("difference_high", "baseline"))
        if not isinstance(high, float | int) or not isinstance(base, float | int):
            return
        wanted = 1.2 * high / base if base > 0 else math.inf
        if margin.level < wanted <= _WIDEST_LEVEL:
            told = f"{show_share(high / base)} above the baseline after the steps"
            self._write(("expect", name, "level"), f"{math.ceil(100 * wanted)}%", told)

    def _cured(self) -> bool:
        works = [v.outcome is Outcome.PASS for v in self.verdicts if v.check == "step_works"]
        return bool(works) and all(works)

    def _latency(self) -> None:
        verdict, errors = self._of("requests_keep_latency"), self._of("requests_keep_error_rate")
        seen = verdict.numbers.get("p99_s") if verdict and verdict.outcome is Outcome.FAIL else None
        if isinstance(seen, float) and errors is not None and errors.outcome is Outcome.PASS:
            self._write(("expect", "p99"), f"{math.ceil(1500 * seen)}ms", f"p99 was {show_duration(seen)}")

    def _untold(self) -> None:
        """What another run cannot pass by these numbers: what failed, or where nothing did, what is not known."""
        written = {edit.loc[:2] for edit in self.edits}
        left = [v for v in self.verdicts if v.outcome is not Outcome.PASS and _AMENDED.get(v.check, ()) not in written]
        for verdict in [v for v in left if v.outcome is Outcome.FAIL] or left:
            claim = f"{verdict.outcome} {verdict.check} {verdict.subject}".rstrip()
            self.unknown.append(f"{claim}: {verdict.message}")


def _amount(value: float, unit: str) -> str:
    """A growth per request as a plan writes it."""
    if unit == "seconds":
        return f"{plain(float(f'{value * 1000:.3g}'))}ms"
    if unit == "bytes":
        step, name = next((s, n) for s, n in ((2**20, "MiB"), (2**10, "KiB"), (1, "B")) if value >= s or s == 1)
        return f"{plain(float(f'{value / step:.3g}'))}{name}"
    return plain(float(f"{value:.3g}"))
