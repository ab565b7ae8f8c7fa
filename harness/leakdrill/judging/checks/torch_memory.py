"""The three figures of a device's memory that people mix up, each judged, and what their difference means.

What tensors hold is allocated. What the allocator took from the device for them, and keeps, is reserved. What the
device counts as in use is that, and whatever else lies there. Memory that goes back to the allocator alone does not
help the next process, and says so here; memory that never goes back is named with the places that made it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.checks.requests import requests_keep_error_rate
from leakdrill.judging.checks.return_to_baseline import (
    does_not_grow,
    resource_returns,
    resource_stays,
    returns_to_baseline,
)
from leakdrill.judging.evidence.check import Case, Check
from leakdrill.judging.evidence.claim import Claim
from leakdrill.record.events import TorchAllocator, TorchHolders
from leakdrill.record.verdict import Outcome
from leakdrill.resources import held_by
from leakdrill.units import show_count, show_size

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakdrill.record.history import History
    from leakdrill.record.verdict import Verdict
    from leakdrill.scenario.quantities import ResourceName
    from leakdrill.scenario.scenario import Scenario

ALLOCATED: Final = "allocated_bytes.all.current"
RESERVED: Final = "reserved_bytes.all.current"
_SPLIT: Final = "inactive_split_bytes.all.current"
_OOMS: Final = "num_ooms"
_RETRIES: Final = "num_alloc_retries"
_MOST_NAMED: Final = 3
_TOP_SHARE: Final = 0.05
"""A share of what is held beyond the baseline: a place with less is not worth a name."""


def torch_memory_returns(history: History, *, scenario: Scenario, name: ResourceName) -> Verdict:
    """Whether one of the three figures is back at its baseline in `recover`; where it is not, why and by whom."""
    return _explained(returns_to_baseline, history, scenario, name)


def torch_memory_stays(history: History, *, scenario: Scenario, name: ResourceName) -> Verdict:
    """Whether one of the three figures stayed where it was in the baseline: the claim of a twin."""
    return _explained(does_not_grow, history, scenario, name)


def _explained(judge: Callable[..., Verdict], history: History, scenario: Scenario, name: ResourceName) -> Verdict:
    """The verdict of `judge`, and where it is a FAIL, what it means."""
    verdict = judge(history, scenario=scenario, name=name)
    if verdict.outcome is not Outcome.FAIL:
        return verdict
    if name == "torch_allocated":
        return replace(verdict, message=verdict.message + _held_by(history))
    if judge(history, scenario=scenario, name="torch_allocated").outcome is not Outcome.PASS:
        return verdict
    return replace(
        verdict,
        message=f"returned to the allocator but not to the device: {verdict.message}{_unused(history)}",
        hint="torch.cuda.empty_cache() returns free segments; a split one is returned once the tensors in it are gone",
    )


def _unused(history: History) -> str:
    """The memory that is reserved for no tensor at the end of the record, and how much of it cannot go back."""
    reserved, allocated, split = (_last(history, field) for field in (RESERVED, ALLOCATED, _SPLIT))
    if reserved is None or allocated is None:
        return ""
    stuck = "" if split is None else f", {show_size(split)} of that beside tensors that still live"
    return f"; {show_size(reserved - allocated)} are reserved and not allocated{stuck}"


def _last(history: History, field: str) -> float | None:
    values = history.series(TorchAllocator, field).values
    return float(values[-1]) if len(values) else None


def _held_by(history: History) -> str:
    """The places that hold most beyond what they held in the baseline."""
    before, after = (_holders(history, moment) for moment in ("baseline", "recover"))
    more = {place: held - before.get(place, 0.0) for place, held in after.items()}
    grown = sum(held for held in more.values() if held > 0)
    named = sorted((place for place in more if more[place] > _TOP_SHARE * grown), key=lambda place: -more[place])
    if not named:
        return ""
    most = "; ".join(f"{show_size(more[place])} made at {place}" for place in named[:_MOST_NAMED])
    left_out = len(named) - _MOST_NAMED
    others = f"; and {show_count(left_out, 'place')} more" if left_out > 0 else ""
    return f"; held: {most}{others}"


def _holders(history: History, moment: str) -> dict[str, float]:
    snapshots = [event for event in history.of(TorchHolders) if event.moment == moment]
    return dict(snapshots[-1].holders or {}) if snapshots else {}


def out_of_memory_claim(scenario: Scenario) -> Claim:
    """The claim about running out of memory: that it is survived, or that it does not happen."""
    survived = scenario.torch is not None and scenario.torch.out_of_memory == "survived"
    return Claim("out_of_memory_is_survived" if survived else "memory_does_not_run_out")


def out_of_memory(history: History, *, scenario: Scenario) -> Verdict:
    """Whether memory ran out, as torch counts it, and whether requests were answered all the same.

    `survived` needs an error to survive: without one nothing is proved, and it is UNKNOWN.
    """
    claim = out_of_memory_claim(scenario)
    ooms, retries = (_counted(history, field) for field in (_OOMS, _RETRIES))
    if ooms is None:
        return claim.unknown(
            "whether memory ran out cannot be told: the service said nothing of torch's allocator",
            hint="`torch.path` names where it answers with torch.cuda.memory_stats()",
        )
    numbers = {"num_ooms": ooms, "num_alloc_retries": retries or 0.0}
    times = (
        f"memory ran out {show_count(ooms, 'time')}, after "
        f"{show_count(retries or 0, 'try', 'tries')} to give back what was free"
    )
    if claim.check == "memory_does_not_run_out":
        if not ooms:
            return claim.holds("memory did not run out", numbers=numbers)
        return claim.fails(times, numbers=numbers, hint="let the service do less at once, or give it a larger device")
    if not ooms:
        return claim.unknown(
            "memory did not run out: there was nothing to survive",
            numbers=numbers,
            hint="give the service a smaller device, or more load",
        )
    return _served_meanwhile(history, scenario, claim, times, numbers)


def _served_meanwhile(
    history: History, scenario: Scenario, claim: Claim, times: str, numbers: dict[str, float]
) -> Verdict:
    served = requests_keep_error_rate(history, scenario=scenario)
    summary = f"{times}; {served.message}"
    if served.outcome is Outcome.FAIL:
        return claim.fails(
            summary, numbers=numbers, events=served.events, hint="does it retry with less after memory ran out?"
        )
    if served.outcome is Outcome.UNKNOWN:
        return claim.unknown(summary, numbers=numbers, events=served.events, hint=served.hint)
    return claim.holds(summary, numbers=numbers, events=served.events)


def _counted(history: History, field: str) -> float | None:
    """The rise of a count over the record; it begins anew with each process."""
    values = history.series(TorchAllocator, field).values
    if len(values) < 2:  # noqa: PLR2004 - a rise needs two
        return None
    rises = np.diff(values)
    return float(np.where(rises >= 0, rises, values[1:]).sum())


def _cases(history: History, scenario: Scenario) -> list[Case]:
    if scenario.torch is None or scenario.torch.out_of_memory is None:
        return []
    return [Case(out_of_memory_claim(scenario), partial(out_of_memory, history, scenario=scenario))]


TORCH_STAYS: Final = resource_stays(held_by("torch"), torch_memory_stays)
TORCH_RETURNS: Final = resource_returns(held_by("torch"), torch_memory_returns)
OUT_OF_MEMORY: Final = Check(
    {
        "out_of_memory_is_survived": "The device ran out of memory, and requests kept their error rate all the same.",
        "memory_does_not_run_out": "The device did not run out of memory, as torch counts it.",
    },
    _cases,
)
