"""Allocated, reserved and device memory are judged each, and the verdict says where memory went and by whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from histories import MIB, Record, drill, flat, plan, requests_at, twin, twin_plan

from leakdrill.judging.drill import judge_claims
from leakdrill.record.events import StepAct, TorchAllocator, TorchHolders
from leakdrill.scenario.scenario import Scenario
from leakdrill.scenario.twin import Twin

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakdrill.record.verdict import Verdict

    Level = Callable[[float], float]

NAMES = {"allocated": "allocated_bytes.all.current", "reserved": "reserved_bytes.all.current"}
DEVICE = plan(torch={"path": "/debug/memory", "snapshot": "/snapshot"}, expect={"memory": None})
PLACE, OTHER = (
    "tensor/network.py:71 in forward, from tensor/inference.py:140 in _states",
    "tensor/versions.py:60 in head",
)


def leaking(until_s: float = 55.5) -> Level:
    """Four MiB, and four more each second from 15 s until a step clears them."""
    return lambda t: 4 * MIB + (4 * MIB * (min(t, 55.5) - 15) if 15 <= t < until_s else 0)


def cached(t: float) -> float:
    """What is reserved when nobody empties the cache: it never falls."""
    return 6 * MIB + (4 * MIB * (min(t, 55.5) - 15) if t >= 15 else 0)


def said(record: Record, allocated: Level, reserved: Level, *, ooms: Level = lambda _t: 0.0, **more: Level) -> Record:
    """`record` with what torch's allocator says, five times a second."""
    for t in np.arange(2, 71.001, 0.2).round(4).tolist():
        values = {NAMES["allocated"]: allocated(t), NAMES["reserved"]: reserved(t), "device_used_bytes": reserved(t)}
        values |= {"inactive_split_bytes.all.current": 2.0 * MIB, "num_ooms": ooms(t), "num_alloc_retries": 1.0}
        values |= {name: level(t) for name, level in more.items()}
        record.sample(t, TorchAllocator.of({**values, "requests": requests_at(t)}))
    return record


def held(record: Record, **after: float) -> Record:
    """`record` with who held how much in the baseline and at the end."""
    record.sample(14.9, TorchHolders.of({PLACE: 1.0 * MIB, OTHER: 2.0 * MIB}, moment="baseline"))
    return record.sample(70.9, TorchHolders.of({PLACE: 1.0 * MIB, OTHER: 2.0 * MIB} | after, moment="recover"))


def told(check: str, record: Record, scenario: Scenario = DEVICE) -> Verdict:
    return next(v for v in judge_claims(record.history(), scenario) if v.check == check)


def outcomes(record: Record, scenario: Scenario = DEVICE) -> list[str]:
    checks = [f"{figure}_memory_returns_to_baseline" for figure in ("allocated", "reserved", "device")]
    return [str(told(check, record, scenario).outcome) for check in checks]


def test_what_came_back_everywhere_passes_in_each_figure() -> None:
    assert outcomes(said(drill(flat), leaking(), leaking())) == ["PASS", "PASS", "PASS"]


def test_returned_to_the_allocator_but_not_to_the_device_is_said_in_words() -> None:
    """The allocated bytes are back, and a card that stays full for everybody else is no success."""
    record = said(drill(flat), leaking(), cached)
    assert outcomes(record) == ["PASS", "FAIL", "FAIL"]
    verdict = told("reserved_memory_returns_to_baseline", record)
    assert verdict.message.startswith("returned to the allocator but not to the device: torch_reserved stayed 162 MiB")
    assert "164 MiB are reserved and not allocated, 2 MiB of that beside tensors that still live" in verdict.message
    assert "empty_cache" in verdict.hint


def test_what_never_went_back_fails_in_each_figure_and_names_who_holds_it() -> None:
    record = held(said(drill(flat), leaking(until_s=99), cached), **{PLACE: 150.0 * MIB})
    assert outcomes(record) == ["FAIL", "FAIL", "FAIL"]
    message = told("allocated_memory_returns_to_baseline", record).message
    assert message.endswith(f"; held: 149 MiB made at {PLACE}")
    assert "allocator" not in told("reserved_memory_returns_to_baseline", record).message


def test_without_a_snapshot_the_verdict_names_nobody() -> None:
    record = said(drill(flat), leaking(until_s=99), cached)
    assert "held" not in told("allocated_memory_returns_to_baseline", record).message


def test_three_places_are_named_and_the_others_counted() -> None:
    places = {f"app.py:{line} in f": 40.0 * MIB - line for line in range(5)}
    message = told(
        "allocated_memory_returns_to_baseline", held(said(drill(flat), leaking(until_s=99), cached), **places)
    ).message
    assert message.count("made at") == 3
    assert message.endswith("and 2 places more")


def test_a_service_that_says_nothing_of_torch_is_unknown_in_each_figure() -> None:
    assert outcomes(drill(flat)) == ["UNKNOWN", "UNKNOWN", "UNKNOWN"]


def test_a_service_that_falls_silent_is_not_measured_completely() -> None:
    silent = said(drill(flat), leaking(), leaking()).drop("torch", after=20, until=26)
    verdict = told("measurements_are_complete", silent)
    assert verdict.outcome == "UNKNOWN"
    assert "torch/allocator was silent for 6" in verdict.message


def test_a_service_may_be_silent_while_it_does_what_a_step_asked_of_it_and_not_for_longer() -> None:
    def silent(*, until: float) -> str:
        record = said(drill(flat), leaking(), leaking()).drop("torch", after=57, until=until)
        record.act(StepAct("collect garbage", action="gc"), 56.9, 60.5)
        return told("measurements_are_complete", record).outcome

    assert silent(until=60.4) == "PASS"
    assert silent(until=63) == "UNKNOWN"


def test_figures_are_judged_where_torch_is_asked_and_not_turned_off() -> None:
    plain = {v.check for v in judge_claims(drill(flat).history(), plan())}
    assert not any("reserved" in check or "allocated" in check for check in plain)
    some = plan(torch={}, expect={"memory": None, "torch_reserved": None})
    assert "reserved_memory_returns_to_baseline" not in {v.check for v in judge_claims(drill(flat).history(), some)}


@pytest.mark.parametrize(("level", "outcome"), [(flat, "PASS"), (leaking(99), "FAIL")])
def test_a_twin_must_not_grow(level: Level, outcome: str) -> None:
    scenario = twin_plan(torch={})
    record = said(twin(), level, level)
    for figure in ("allocated", "reserved", "device"):
        assert told(f"{figure}_memory_does_not_grow", record, scenario).outcome == outcome


def test_a_leak_and_a_step_may_be_of_what_torch_counts() -> None:
    step = {
        "name": "clear the cache",
        "http": {"path": "/x"},
        "seen": {"metric": "torch_reserved", "stays_within": "10%"},
    }
    scenario = plan(
        torch={}, leaks=[{"name": "cache", "resource": "torch_allocated", "per_request": "40KiB"}], steps=[step]
    )
    record = said(drill(flat), leaking(), cached)
    assert told("leak_grows_as_declared", record, scenario).outcome == "PASS"
    assert told("step_does_not_cure", record, scenario).outcome == "PASS"
    assert told("step_does_not_cure", said(drill(flat), leaking(), leaking()), scenario).outcome == "FAIL"


def surviving(how: str = "survived") -> Scenario:
    return plan(torch={"out_of_memory": how}, expect={"memory": None})


def failing(record: Record) -> Record:
    return record.change(
        "load",
        "requests",
        lambda e: e.value | {"failures": 0.5 * e.value["requests"]},  # type: ignore[operator, index]
    )


def rising(t: float) -> float:
    """Out of memory once a second while it leaks; a restart at 56 s begins the count anew."""
    return max(0.0, t - 20) // 1 if t < 56 else 0.0


def test_out_of_memory_that_is_answered_all_the_same_is_survived() -> None:
    verdict = told("out_of_memory_is_survived", said(drill(flat), leaking(), leaking(), ooms=rising), surviving())
    assert (str(verdict.outcome), verdict.numbers["num_ooms"]) == ("PASS", 35)
    assert "memory ran out 35 times" in verdict.message


@pytest.mark.parametrize(
    ("spoil", "outcome"),
    [(failing, "FAIL"), (lambda r: r.drop("load", "requests"), "UNKNOWN")],
    ids=["refused", "uncounted"],
)  # fmt: skip
def test_out_of_memory_is_not_survived_by_refusing(spoil: Callable[[Record], Record], outcome: str) -> None:
    record = spoil(said(drill(flat), leaking(), leaking(), ooms=rising))
    assert told("out_of_memory_is_survived", record, surviving()).outcome == outcome


def test_without_an_error_there_is_nothing_to_survive_and_without_a_count_nothing_to_tell() -> None:
    assert told("out_of_memory_is_survived", said(drill(flat), leaking(), leaking()), surviving()).outcome == "UNKNOWN"
    assert told("out_of_memory_is_survived", drill(flat), surviving()).outcome == "UNKNOWN"


@pytest.mark.parametrize(("ooms", "outcome"), [(flat, "PASS"), (rising, "FAIL")])
def test_memory_that_must_not_run_out_fails_when_it_does(ooms: Level, outcome: str) -> None:
    record = said(drill(flat), leaking(), leaking(), ooms=ooms)
    assert told("memory_does_not_run_out", record, surviving("never")).outcome == outcome
    assert told("memory_does_not_run_out", drill(flat), surviving("never")).outcome == "UNKNOWN"


def test_a_twin_must_not_run_out_of_memory() -> None:
    own = Twin(name="gateway/twin", twin_of="x.yaml").of(surviving())
    assert own.torch is not None
    assert own.torch.out_of_memory == "never"
    assert Scenario.model_validate(own.model_dump(mode="json", by_alias=True)) == own
