"""The gate on a function: measure, judge, and explain what is no PASS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leakdrill.errors import BadInput
from leakdrill.judging.leak.verdict import LeakOutcome
from leakdrill.pytest_plugin.calls import Calls
from leakdrill.pytest_plugin.explanation import explain
from leakdrill.pytest_plugin.growth_sources import what_grew
from leakdrill.pytest_plugin.judge import judge, refine
from leakdrill.pytest_plugin.measure import measure
from leakdrill.units import parse_duration, parse_size

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from leakdrill.judging.leak.verdict import LeakVerdict
    from leakdrill.pytest_plugin.schedule import Wanted


def gate_function(
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    *,
    wanted: Wanted,
    budget: str,
    longest_ttl: str = "0s",
) -> tuple[LeakVerdict, str]:
    """The verdict on `function(*args, **kwargs)` and its text.

    Raises:
        BadInput: when an argument cannot be used, or one call takes longer than a slot.
        EnvironmentProblem: when this platform does not tell a process its memory.
    """
    budget_bytes, longest_ttl_s = _parsed(budget, longest_ttl)
    with Calls(function, args, kwargs) as calls:
        measured = measure(calls, wanted)
        verdict = judge(measured, budget=budget_bytes, longest_ttl_s=longest_ttl_s)
        grew = None if verdict.word is LeakOutcome.CLEAN else what_grew(calls, measured.slot_calls)
    if grew is not None:
        verdict = refine(verdict, grew)
    return verdict, explain(verdict, measured, grew)


def _parsed(budget: str, longest_ttl: str) -> tuple[float, float]:
    try:
        budget_bytes, longest_ttl_s = parse_size(budget), parse_duration(longest_ttl)
    except ValueError as e:
        raise BadInput(f"leak_gate: {e}") from e
    if budget_bytes <= 0:
        raise BadInput(f'leak_gate: budget="{budget}" is nothing; expected a size above 0, such as 32B')
    return float(budget_bytes), longest_ttl_s
