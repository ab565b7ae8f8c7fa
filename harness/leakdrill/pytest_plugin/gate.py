"""The gate on a function: measure, judge, and explain what is no PASS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leakdrill.errors import BadInput
from leakdrill.judging.leak.leak_verdict import LeakOutcome
from leakdrill.pytest_plugin.calls import Calls
from leakdrill.pytest_plugin.explanation import explain
from leakdrill.pytest_plugin.growth_sources import find_growth_sources
from leakdrill.pytest_plugin.judge import judge, refine
from leakdrill.pytest_plugin.measure import measure
from leakdrill.units import parse_duration, parse_size

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from leakdrill.judging.leak.leak_verdict import LeakVerdict
    from leakdrill.pytest_plugin.schedule import MeasurementLength


def gate_function(
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    *,
    length: MeasurementLength,
    budget: str,
    longest_ttl: str = "0s",
) -> tuple[LeakVerdict, str]:
    """Returns the verdict on `function(*args, **kwargs)` and its text.

    Raises:
        BadInput: when an argument cannot be used, or one call takes longer than a slot.
        EnvironmentProblem: when this platform does not tell a process its memory.
    """
    budget_bytes, longest_ttl_s = _parsed(budget, longest_ttl)
    with Calls(function, args, kwargs) as calls:
        measurement = measure(calls, length)
        verdict = judge(measurement, budget=budget_bytes, longest_ttl_s=longest_ttl_s)
        sources = None if verdict.outcome is LeakOutcome.CLEAN else find_growth_sources(calls, measurement.slot_calls)
    if sources is not None:
        verdict = refine(verdict, sources)
    return verdict, explain(verdict, measurement, sources)


def _parsed(budget: str, longest_ttl: str) -> tuple[float, float]:
    try:
        budget_bytes, longest_ttl_s = parse_size(budget), parse_duration(longest_ttl)
    except ValueError as e:
        raise BadInput(f"leak_gate: {e}") from e
    if budget_bytes <= 0:
        raise BadInput(f'leak_gate: budget="{budget}" is nothing; expected a size above 0, such as 32B')
    return float(budget_bytes), longest_ttl_s
