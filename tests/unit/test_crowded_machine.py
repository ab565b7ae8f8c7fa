"""What fails for want of CPU time that others took is UNKNOWN; what does not need CPU time stays as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from histories import Record, drill, plan

from leakdrill.judging.drill import judge
from leakdrill.meters.machine import MachineMeter
from leakdrill.record.events import MachineCpu

if TYPE_CHECKING:
    from leakdrill.record.verdict import Verdict

CPU_LEAK = {"leaks": [{"name": "cache", "resource": "cpu", "per_request": "10ms"}]}
SLOW = {"expect": {"p99": "5ms"}}


def on_machine(
    *, used: float, idle: float, stolen: float = 0.0, record: Record | None = None, until_s: int = 71
) -> Record:
    """A drill on two CPUs, of which so many cores were used, idle and stolen until `until_s`; later both were idle."""
    record = record or drill()
    for t in range(2, until_s):
        counts = {"used_seconds": used * t, "idle_seconds": idle * t, "stolen_seconds": stolen * t}
        record.sample(t, MachineCpu(cpus=2.0, **counts))
    for t in range(until_s, 71):
        idle_s = idle * until_s + 2 * (t - until_s)
        record.sample(t, MachineCpu(cpus=2.0, used_seconds=used * until_s, idle_seconds=idle_s, stolen_seconds=0.0))
    return record


def told(record: Record, **changes: Any) -> dict[str, Verdict]:
    return {verdict.check: verdict for verdict in judge(record.history(), plan(**changes))}


def late() -> Record:
    return drill().drop("prometheus", "alert").alert(50.2, "firing", at=50)


def test_answers_that_were_slow_for_want_of_cpu_time_are_unknown() -> None:
    assert told(on_machine(used=1.0, idle=1.0), **SLOW)["requests_keep_latency"].outcome == "FAIL"
    verdict = told(on_machine(used=1.98, idle=0.02), **SLOW)["requests_keep_latency"]
    assert verdict.outcome == "UNKNOWN"
    assert "of its 2 CPUs, others took 1.9 and the service got 0.1" in verdict.message
    assert verdict.hint == "run the drill again on a machine that does nothing else, or fewer drills at once"


def test_time_that_other_virtual_machines_got_was_not_there_either() -> None:
    record = on_machine(used=0.6, idle=0.05, stolen=1.35)
    assert told(record, **SLOW)["requests_keep_latency"].outcome == "UNKNOWN"


@pytest.mark.parametrize(("changes", "outcome"), [({}, "FAIL"), (CPU_LEAK, "UNKNOWN")], ids=["memory", "cpu"])
def test_a_late_alert_is_unknown_where_its_leak_needs_cpu_time(changes: dict[str, Any], outcome: str) -> None:
    assert told(late(), **changes)["alert_fires_in_time"].outcome == "FAIL"
    assert told(on_machine(used=1.98, idle=0.02, record=late()), **changes)["alert_fires_in_time"].outcome == outcome


def test_each_claim_asks_for_its_own_time() -> None:
    """The others are gone when recovery begins: what failed before is excused, what fails then is not."""
    unresolved = late().drop("prometheus", "alert").alert(30.2, "firing", at=30)
    record = on_machine(used=1.98, idle=0.02, record=unresolved, until_s=56)
    verdicts = told(record, **CPU_LEAK, **SLOW)
    assert verdicts["requests_keep_latency"].outcome == "UNKNOWN"
    assert verdicts["alert_resolves_and_stays_resolved"].outcome == "FAIL"
    crowd = on_machine(used=1.98, idle=0.02, record=late().drop("prometheus", "alert").alert(30.2, "firing", at=30))
    assert told(crowd, **CPU_LEAK)["alert_resolves_and_stays_resolved"].outcome == "UNKNOWN"


def test_a_service_that_takes_all_there_is_has_nobody_to_blame() -> None:
    """It gets 1.6 of 2 cores itself: others have 0.38."""
    hungry = drill().change("cgroup", "resources", lambda e: e.value | {"cpu_seconds": 1.6 * e.t})
    assert told(on_machine(used=1.98, idle=0.02, record=hungry), **SLOW)["requests_keep_latency"].outcome == "FAIL"


@pytest.mark.parametrize("gone", ["used_seconds", "idle_seconds", "cpus"])
def test_counts_that_are_missing_excuse_nothing(gone: str) -> None:
    record = on_machine(used=1.98, idle=0.02).change(
        "machine", "cpu", lambda e: {k: v for k, v in e.value.items() if k != gone}
    )
    assert told(record, **SLOW)["requests_keep_latency"].outcome == "FAIL"


def test_what_passed_stays_a_pass() -> None:
    quiet, crowd = told(drill()), told(on_machine(used=1.98, idle=0.02))
    assert {name: verdict.outcome for name, verdict in quiet.items()} == {
        name: verdict.outcome for name, verdict in crowd.items()
    }


def test_the_machine_s_time_is_read_whole() -> None:
    before, after = MachineMeter().read(), MachineMeter().read()
    assert before["cpus"] >= 1
    parts = ("used_seconds", "idle_seconds", "stolen_seconds")
    assert all(after[part] >= before[part] >= 0 for part in parts)
    assert sum(before[part] for part in parts) > 0
