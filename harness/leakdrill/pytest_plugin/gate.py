"""The gate on a function: measure, judge, and explain what is no PASS."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any, Self

from leakdrill.errors import BadInput
from leakdrill.judging.leak.leak_verdict import LeakOutcome
from leakdrill.machine.orphans import adopting_orphans
from leakdrill.pytest_plugin.calls import Calls
from leakdrill.pytest_plugin.explanation import explain
from leakdrill.pytest_plugin.growth_sources import find_growth_sources
from leakdrill.pytest_plugin.judge import judge, judge_by_default, refine, without_collector
from leakdrill.pytest_plugin.measure import measure
from leakdrill.units import parse_duration, parse_size

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from leakdrill.judging.leak.leak_verdict import LeakVerdict
    from leakdrill.pytest_plugin.growth_sources import GrowthSources
    from leakdrill.pytest_plugin.measure import Measurement
    from leakdrill.pytest_plugin.schedule import MeasurementLength


def gate_function(
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    *,
    length: MeasurementLength,
    budget: str | None = None,
    longest_ttl: str = "0s",
) -> tuple[LeakVerdict, str]:
    """Returns the verdict on `function(*args, **kwargs)` and its text; without a budget by the default's rules.

    Raises:
        BadInput: when an argument cannot be used, or one call takes longer than a slot.
        EnvironmentProblem: when this platform does not tell a process its memory.
    """
    budget_bytes, longest_ttl_s = _parsed(budget, longest_ttl)
    with adopting_orphans(), _Collector() as collector, Calls(function, args, kwargs) as calls:
        measurement = measure(calls, length)
        verdict = (
            judge_by_default(measurement, longest_ttl_s=longest_ttl_s)
            if budget_bytes is None
            else judge(measurement, budget=budget_bytes, longest_ttl_s=longest_ttl_s)
        )
        if verdict.outcome is LeakOutcome.CLEAN and collector.was_switched_off:
            verdict = without_collector(verdict)
        sources = None if verdict.outcome is LeakOutcome.CLEAN else _sources(calls, measurement, length)
    if sources is not None:
        verdict = refine(verdict, sources)
    return verdict, explain(verdict, measurement, sources)


def _sources(calls: Calls, measurement: Measurement, length: MeasurementLength) -> GrowthSources:
    """What grew, looked for in what is left of the time, or in as long again where the calls were given."""
    left_s = length.seconds - (measurement.took_s if length.calls is None else 0.0)
    return find_growth_sources(calls, measurement.slot_calls, call_s=measurement.call_s, within_s=max(left_s, 0.0))


class _Collector:
    """Notes whether the function switches garbage collection off, and puts it back as it was."""

    def __enter__(self) -> Self:
        self._was_enabled, self._threshold = gc.isenabled(), gc.get_threshold()
        return self

    def __exit__(self, *_: object) -> None:
        gc.set_threshold(*self._threshold)
        if self._was_enabled:
            gc.enable()
        else:
            gc.disable()

    @property
    def was_switched_off(self) -> bool:
        """Whether it does not run by itself any more."""
        return self._was_enabled and bool(self._threshold[0]) and not (gc.isenabled() and gc.get_threshold()[0])


def _parsed(budget: str | None, longest_ttl: str) -> tuple[float | None, float]:
    try:
        budget_bytes, longest_ttl_s = None if budget is None else parse_size(budget), parse_duration(longest_ttl)
    except ValueError as e:
        raise BadInput(f"leak_gate: {e}") from e
    if budget_bytes is not None and budget_bytes <= 0:
        raise BadInput(f'leak_gate: budget="{budget}" is nothing; expected a size above 0, such as 32B')
    return budget_bytes, longest_ttl_s
