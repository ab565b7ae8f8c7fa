"""The checks on cards: what is not the service's doing is named, is no PASS, and is not laid on the service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from histories import MIB, Record, complete, drill, flat, plan, requests_at

from leakdrill.errors import BadInput
from leakdrill.judging.drill import judge
from leakdrill.record.events import (
    GpuAbsent,
    GpuDevice,
    GpuDevices,
    GpuDriver,
    GpuProcess,
    GpuSilent,
    GpuXid,
    TorchAllocator,
)
from leakdrill.scenario.reader import read_scenario
from leakdrill.scenario.scenario import Scenario, scenario_schema

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from leakdrill.record.verdict import Verdict

GIB = 1024 * MIB
TOTAL = 8.0 * GIB
ELSEWHERE = 64.0 * MIB


def kept(t: float) -> float:
    """Half a GiB at rest; each of a hundred requests a second keeps 1 MiB from 15 s until the step at 55.5 s."""
    return 512 * MIB + (100 * MIB * (t - 15) if 15 <= t < 55.5 else 0)


def nothing(_t: float) -> float:
    return 0.0


def tenant(t: float) -> float:
    """Another process takes 3 GiB at 30 s."""
    return 3.0 * GIB if t >= 30 else 0.0


def reading(t: float, own: float, others: float, elsewhere: float) -> dict[str, float]:
    """One card as the meter tells it, and the sums over all one of it."""
    used = own + others + elsewhere
    summed = {"used_bytes": used, "total_bytes": TOTAL, "own_bytes": own, "others_bytes": others}
    named = {**summed, "elsewhere_bytes": elsewhere, "pid11_bytes": own, "pid99_bytes": others}
    return summed | {f"gpu0.{name}": value for name, value in named.items()} | {"requests": requests_at(t)}


def card(
    own: Callable[[float], float] = kept,
    others: Callable[[float], float] = nothing,
    *,
    elsewhere: Callable[[float], float] = lambda _: ELSEWHERE,
    torch: float | None = None,
) -> Record:
    """The whole drill, with a card beside everything else."""
    record = drill(flat)
    record.sample(1.6, GpuDriver(driver="595.58.03", nvml="13.595"))
    record.sample(1.6, GpuDevice(device_key="gpu0", gpu="0", model="S8"))
    record.sample(1.7, GpuProcess(device_key="gpu0", pid="99", program="train.py"))
    for t in np.arange(2, 71.001, 0.1).round(4).tolist():
        record.sample(t, GpuDevices.of(reading(t, own(t), others(t), elsewhere(t))))
        if torch is not None:
            record.sample(t, TorchAllocator.of({"reserved_bytes.all.current": own(t) - torch}))
    return record


def scenario(**gpu: Any) -> Scenario:
    """The drill of a leak on a card."""
    return plan(
        target={"name": "gateway", "command": ["gateway"], "limits": {"memory": "400MiB"}, "gpu": gpu},
        leaks=[{"name": "cache", "resource": "gpu_memory", "per_request": "1MiB"}],
    )


def told(check: str, record: Record, **gpu: Any) -> Verdict:
    return next(v for v in judge(complete(record).history(), scenario(**gpu)) if v.check == check)


def spoiled(record: Record) -> Record:
    """The alert never clears: what a FAIL looks like when nothing excuses it."""
    record.events = [e for e in record.events if e.value != "resolved"]
    return record


def test_a_leak_on_a_card_is_seen_cured_and_gone() -> None:
    verdicts = judge(complete(card()).history(), scenario())
    assert [(v.check, v.message) for v in verdicts if v.outcome != "PASS"] == []
    checks = {v.check for v in verdicts}
    assert {"gpu_memory_returns_to_baseline", "gpu_answers_throughout", "gpu_memory_is_the_targets_own"} <= checks


def test_memory_that_stays_on_the_card_fails() -> None:
    stuck = card(lambda t: max(kept(t), kept(55) if t > 55 else 0))
    assert told("gpu_memory_returns_to_baseline", stuck).outcome == "FAIL"


def test_where_the_driver_does_not_tell_whose_it_is_all_that_is_in_use_counts() -> None:
    record = card()
    record.change(
        "gpu", "devices", lambda e: {n: v for n, v in e.value.items() if "own" not in n and "others" not in n}
    )
    assert told("leak_grows_as_declared", record).outcome == "PASS"
    verdict = told("gpu_memory_is_the_targets_own", record)
    assert verdict.outcome == "UNKNOWN"
    assert "does not say what each process holds" in verdict.message


def test_another_process_that_takes_the_memory_is_named_with_its_share() -> None:
    verdict = told("gpu_memory_is_the_targets_own", card(others=tenant))
    assert verdict.outcome == "UNKNOWN"
    assert "train.py (pid 99), which is not the target's, held 3 GiB (37.5 %) of gpu0 from 30 s on" in verdict.message


def test_others_may_hold_what_the_scenario_allows() -> None:
    assert told("gpu_memory_is_the_targets_own", card(others=tenant), others="40%").outcome == "PASS"


def test_whose_it_is_is_not_asked_where_others_may_hold_everything() -> None:
    checks = {v.check for v in judge(card(others=tenant).history(), scenario(others="100%"))}
    assert "gpu_memory_is_the_targets_own" not in checks


def test_memory_that_goes_to_no_listed_process_is_told() -> None:
    hidden = card(elsewhere=lambda t: ELSEWHERE + (2 * GIB if t > 30 else 0))
    verdict = told("gpu_memory_is_the_targets_own", hidden)
    assert verdict.outcome == "UNKNOWN"
    assert "2 GiB (25 %) of gpu0 went, from 30 s on, to no process that the driver lists" in verdict.message


def test_the_gap_between_the_driver_and_pytorch_is_a_number_and_said_in_words() -> None:
    verdict = told("gpu_memory_is_the_targets_own", card(torch=300.0 * MIB))
    assert verdict.numbers["outside_torch_bytes"] == pytest.approx(300 * MIB, rel=1e-5)
    assert "the other 300 MiB are its CUDA context and other libraries" in verdict.message


def test_a_card_that_is_lost_is_named_and_nothing_is_laid_on_the_service() -> None:
    record = card().drop("gpu", "devices", after=20)
    record.sample(20, GpuSilent("lost", device_key="gpu0", error="GPU is lost (NVML error 15)"))
    for t in np.arange(20, 71, 0.5).tolist():
        record.sample(t, GpuDevices(requests=requests_at(t)))
    record.change("load", "requests", lambda e: e.value | {"failures": max(0.0, (e.t - 20) * 100)})
    verdicts = {v.check: v for v in judge(spoiled(record).history(), scenario())}
    assert verdicts["gpu_answers_throughout"].message == "gpu0 was lost at 20 s: GPU is lost (NVML error 15)"
    assert not [v for v in verdicts.values() if v.outcome == "FAIL"]
    own = verdicts["gpu_memory_is_the_targets_own"]
    assert own.outcome == "UNKNOWN"
    assert "whose it was cannot be told for 51" in own.message
    errors = verdicts["requests_keep_error_rate"]
    assert "not laid on the service, because gpu0 was lost at 20 s" in errors.message
    assert errors.outcome == "UNKNOWN"


def test_what_failed_on_the_card_is_not_laid_on_the_service_when_a_tenant_took_it() -> None:
    verdicts = {v.check: v for v in judge(spoiled(card(others=tenant)).history(), scenario())}
    assert verdicts["alert_resolves_and_stays_resolved"].outcome == "UNKNOWN"
    assert "because train.py (pid 99)" in verdicts["alert_resolves_and_stays_resolved"].message


def test_without_a_tenant_the_same_fails() -> None:
    assert told("alert_resolves_and_stays_resolved", spoiled(card())).outcome == "FAIL"


def test_what_failed_on_the_host_stays_a_fail_when_a_tenant_took_the_card() -> None:
    record = card(others=tenant)
    grown = record.change("cgroup", "resources", lambda e: e.value | {"anon_bytes": (60 + 100 * (e.t > 20)) * MIB})
    assert told("memory_returns_to_baseline", grown).outcome == "FAIL"


def test_a_driver_that_is_missing_is_named() -> None:
    record = drill(flat).sample(2, GpuDevices(error="NvmlUnavailable: there is no NVIDIA driver: no file"))
    verdict = told("gpu_answers_throughout", record)
    assert verdict.outcome == "UNKNOWN"
    assert verdict.message == "from 2 s on, there is no NVIDIA driver: no file"
    assert told("gpu_memory_is_the_targets_own", record).outcome == "UNKNOWN"
    assert told("gpu_memory_returns_to_baseline", record).outcome == "UNKNOWN"


def test_a_record_without_any_reading_of_the_card_is_unknown() -> None:
    assert told("gpu_answers_throughout", drill(flat)).outcome == "UNKNOWN"


def test_a_card_that_may_be_missing_and_is_is_not_claimed_to_answer() -> None:
    record = drill(flat).sample(2, GpuAbsent("there is no NVIDIA driver"))
    of_cards = {"gpu_answers_throughout", "gpu_memory_is_the_targets_own", "gpu_memory_returns_to_baseline"}
    assert not of_cards & {v.check for v in judge(record.history(), scenario(required=False))}
    assert of_cards <= {v.check for v in judge(card().history(), scenario(required=False))}


def test_a_gap_in_the_readings_is_unknown() -> None:
    verdict = told("gpu_answers_throughout", card().drop("gpu", "devices", after=30, until=34))
    assert verdict.outcome == "UNKNOWN"
    assert "nothing was read for 4.2 s from 30 s on" in verdict.message


def test_an_xid_error_is_told_with_its_meaning_and_excuses_nothing() -> None:
    """It may be the program's own mistake."""
    record = spoiled(card()).sample(40, GpuXid(31.0, device_key="gpu0"))
    assert "gpu0 told XID error 31 (a memory fault, often" in told("gpu_answers_throughout", record).message
    assert told("gpu_answers_throughout", record).outcome == "UNKNOWN"
    assert told("alert_resolves_and_stays_resolved", record).outcome == "FAIL"


def test_errors_of_the_cards_memory_that_cannot_be_corrected_are_told() -> None:
    record = card()
    record.change("gpu", "devices", lambda e: e.value | {"gpu0.ecc_uncorrected": 2.0 if e.t > 30 else 0.0})
    assert (
        "gpu0 counted 2 errors of its memory that cannot be corrected" in told("gpu_answers_throughout", record).message
    )


def test_a_leak_on_a_card_needs_the_card_to_be_named(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(
        "name: a/b\ntarget: {name: x, command: [x]}\nload: {locustfile: l.py}\n"
        "leaks: [{name: kept, resource: gpu_memory, per_request: 1MiB}]\n"
    )
    with pytest.raises(BadInput, match=r"the leak kept grows gpu_memory; expected target\.gpu to name the cards"):
        read_scenario(path)


def test_cards_are_named_by_index_or_uuid_and_by_nothing_else() -> None:
    assert scenario(devices=[0, "GPU-1b2c", "MIG-3d"]).target.gpu.devices == [0, "GPU-1b2c", "MIG-3d"]
    for wrong in ([], [-1], ["first"]):
        with pytest.raises(ValueError, match="devices"):
            scenario(devices=wrong)
    assert "gpu" in str(scenario_schema())
