"""Whether an alert came before the damage, and whether the target lived: each rule at its bounds.

The whole verdicts are kept in `verdict_texts/`; here stand the outcomes and what decides them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from histories import MIB, Record, plan

from leakdrill.judging.checks.limits import (
    BEFORE_DISK_FULL,
    BEFORE_OOM_KILL,
    alert_fires_before_disk_full,
    alert_fires_before_oom_kill,
    oom_kills,
    target_keeps_running,
    unwanted_ends,
)
from leakdrill.record.events import (
    CgroupResources,
    FilesystemDisk,
    LeakSwitchOff,
    LeakSwitchOn,
    MemoryThreshold,
    Notice,
    RunPhase,
    StepAct,
    TargetExited,
    TargetStart,
    TargetUnwatched,
    TargetWatchedAgain,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakdrill.record.verdict import Verdict

    Level = Callable[[float], float]
    Spoil = Callable[[Record], object]

SIZE = 400.0 * MIB


def ten_a_second(t: float) -> float:
    """100 MiB, and from 20 s on 10 MiB a second more."""
    return (100 + 10 * min(max(0.0, t - 20), 30)) * MIB


def grown(t: float) -> float:
    """As `ten_a_second`, but it goes no further than 300 MiB."""
    return min(ten_a_second(t), 300 * MIB)


def record(level: Level | None = ten_a_second, *, fires: float | None = 35.0, until: float = 39.0) -> Record:
    """A leak that is on from 20 to 60 s; readings until `until`; a step at 60 s, a recovery to 80 s."""
    made = Record().act(RunPhase("baseline"), 5, 15).act(RunPhase("load"), 15, 60).act(RunPhase("recover"), 62, 80)
    made.act(TargetStart(), 0.5, 1.5).act(LeakSwitchOn(leak="cache"), 20, 20.1)
    made.act(StepAct("clear the cache", action="http"), 60, 61).sample(85, Notice("the last line"))
    for t in np.arange(2, until + 0.1, 0.5).tolist() if level is not None else ():
        made.sample(t, CgroupResources(anon_bytes=level(t), oom_kills=0.0, requests=t * 100))
    if fires is not None:
        made.alert(fires + 0.2, "firing", at=fires)
    return made


def oom(made: Record, **changes: Any) -> Verdict:
    asked = plan(**changes)
    return alert_fires_before_oom_kill(made.history(), alert=asked.alerts.expect[0], scenario=asked)


def numbers(verdict: Verdict, *names: str) -> list[Any]:
    return [verdict.numbers.get(name) for name in names]


def test_the_kill_that_would_have_come_is_projected_from_the_last_readings() -> None:
    verdict = oom(record())
    assert verdict.outcome == "PASS"
    assert verdict.message == (
        "HighMemoryUsage fired after 15 s; the container would have been OOM-killed after 30 s (limit 400 MiB): 15 s "
        "to spare"
    )
    assert numbers(verdict, "damage_after_s", "fired_after_s", "spare_s", "damage_happened") == [30, 15, 15, False]
    low, high = numbers(verdict, "spare_low_s", "spare_high_s")
    assert 14.5 < low <= 15 <= high < 15.5, "as exact as the growth is"
    assert verdict.numbers["growth_bytes_per_s"] == pytest.approx(10 * MIB, rel=1e-4)
    assert verdict.numbers["limit_bytes"] == pytest.approx(SIZE, rel=1e-5)


@pytest.mark.parametrize(("fires", "outcome"), [(49.9, "PASS"), (50.0, "FAIL"), (50.5, "FAIL")])
def test_an_alert_at_the_very_moment_is_too_late(fires: float, outcome: str) -> None:
    verdict = oom(record(fires=fires))
    assert verdict.outcome == outcome
    assert ("too late" in verdict.message) == (outcome == "FAIL")
    assert verdict.hint == ("lower the rule's threshold or its `for`, or raise the limit" if outcome == "FAIL" else "")


def test_without_an_alert_only_a_damage_that_happened_fails() -> None:
    projected = oom(record(fires=None))
    assert projected.outcome == "UNKNOWN"
    assert projected.message.startswith("HighMemoryUsage did not fire; the container would have been OOM-killed after ")
    killed = oom(record(fires=None).sample(45.5, TargetExited(-9.0, oom_kill="true", at=45)))
    assert (killed.outcome, killed.message) == (
        "FAIL",
        "HighMemoryUsage did not fire; the container was OOM-killed after 25 s (limit 400 MiB)",
    )
    reached = oom(record(lambda t: ten_a_second(t) * 2, fires=None))
    assert (reached.outcome, "would have been OOM-killed after 10 s" in reached.message) == ("UNKNOWN", True)


def test_a_kill_counts_from_the_leaks_beginning_on() -> None:
    for at, really in ((19.9, False), (20.0, True), (30.0, True)):
        verdict = oom(record().sample(at, TargetExited(-9.0, oom_kill="true")))
        assert verdict.numbers.get("damage_happened", False) == really, at
    twice = record().sample(30, TargetExited(-9.0, oom_kill="true")).sample(25, TargetExited(-9.0, oom_kill="true"))
    assert oom(twice).numbers["damage_after_s"] == 5
    other = oom(record().sample(30, TargetExited(1.0, oom_kill="false")))
    assert other.numbers["damage_happened"] is False


def test_memory_that_reaches_the_limit_is_a_damage_and_has_no_rate() -> None:
    verdict = oom(record(until=55))
    assert numbers(verdict, "damage_after_s", "growth_bytes_per_s", "damage_happened") == [30, None, False]
    late = oom(record(until=55, fires=51))
    assert late.outcome == "FAIL"
    assert late.message.endswith("after 30 s (limit 400 MiB): 1 s too late")


def test_without_growth_nobody_knows_when_the_kill_would_come() -> None:
    for fires, text in (
        (35.0, "no steady growth was seen, so it cannot be told when the container would have been OOM-killed"),
        (None, ("HighMemoryUsage did not fire; no steady growth was seen, so it cannot be told when the container "
               "would have been OOM-killed")),
    ):  # fmt: skip
        verdict = oom(record(lambda _t: 100.0 * MIB, fires=fires))
        assert (verdict.outcome, verdict.message) == ("UNKNOWN", text)
        assert verdict.hint == "see leak_grows_as_declared"
    assert oom(record(until=24)).outcome == "UNKNOWN"
    assert oom(record(lambda t: 480 * MIB - ten_a_second(t))).outcome == "UNKNOWN"


def test_a_limit_and_a_leak_must_be_known() -> None:
    unlimited = oom(record(), target={"name": "gateway", "command": ["gateway"]})
    assert (unlimited.outcome, unlimited.message) == ("UNKNOWN", "no memory limit is known")
    assert unlimited.hint == "set `target.limits.memory`; see leak_grows_as_declared"
    never = oom(record().drop("leak"))
    assert (never.outcome, never.message) == ("UNKNOWN", "the leak never began")


def test_only_the_alert_itself_and_the_leaks_of_memory_count() -> None:
    other = record().alert(25.2, "firing", at=25, alertname="Other")
    assert oom(other).numbers["fired_after_s"] == 15
    elsewhere = [{"name": "cache", "resource": "threads", "per_request": 1}, {"name": "log", "per_request": "1KiB"}]
    assert oom(record(), leaks=elsewhere).message.startswith("no steady growth was seen")


def told(ratio: float, for_s: float) -> Spoil:
    return lambda made: made.sample(1, MemoryThreshold(ratio, for_s, alert="HighMemoryUsage", severity="warning"))


def test_the_verdict_says_how_fast_a_leak_the_alert_can_see() -> None:
    slow, fast = record(), record()
    told(0.5, 10.0)(slow)
    told(0.5, 30.0)(fast)
    assert oom(slow).message.endswith(
        "15 s to spare; 50 % held for 10 s is blind to leaks faster than 300 % of the limit a minute; this one grew by "
        "150 % of the limit a minute, which is slower"
    )
    assert oom(fast).message.endswith("a minute, which is faster")
    assert {slow.history().events[i].name for i in oom(slow).events} >= {"threshold", "alert", "resources"}
    killed = fast.sample(45, TargetExited(-9.0, oom_kill="true"))
    blind = oom(killed.drop("prometheus", "alert"))
    assert (blind.outcome, blind.message.endswith("which is faster: the rule is blind to it")) == ("FAIL", True)
    assert blind.hint == "lower the rule's threshold or its `for`, or raise the limit"
    seen = oom(slow.drop("prometheus", "alert").sample(45, TargetExited(-9.0, oom_kill="true")))
    assert (seen.outcome, seen.hint) == ("FAIL", "see alert_fires_in_time")


PEAK = [{"name": "cache", "peak": "200MiB"}]


def test_a_peak_below_the_limit_is_no_danger() -> None:
    verdict = oom(record(grown, until=59), leaks=PEAK)
    assert (verdict.outcome, verdict.message) == (
        "PASS",
        (
            "HighMemoryUsage fired after 15 s; memory stood at most at 300 MiB, 100 MiB below its limit of 400 MiB: "
            "nothing happened before"
        ),
    )
    assert numbers(verdict, "highest_bytes", "fired_after_s") == [pytest.approx(300 * MIB, rel=1e-5), 15]
    assert len(verdict.events) == 2
    unread = oom(record(None), leaks=PEAK)
    assert (unread.outcome, unread.numbers["highest_bytes"], len(unread.events)) == ("PASS", 0, 1)
    silent = oom(record(grown, until=59, fires=None), leaks=PEAK)
    assert silent.outcome == "UNKNOWN"
    reached = oom(record(until=59, fires=52), leaks=PEAK)
    assert (reached.outcome, reached.numbers["damage_after_s"]) == ("FAIL", 30)
    mixed = oom(record(), leaks=[*PEAK, {"name": "log", "per_request": "1KiB"}])
    assert "to spare" in mixed.message
    elsewhere = oom(record(grown, until=59), leaks=[*PEAK, {"name": "log", "resource": "threads", "per_request": 1}])
    assert "nothing happened before" in elsewhere.message


def test_a_peak_that_still_grows_is_told_without_what_the_rule_can_see() -> None:
    made = record()
    told(0.5, 10.0)(made)
    assert "is blind" not in oom(made, leaks=PEAK).message
    assert "is blind" not in oom(made.sample(45, TargetExited(-9.0, oom_kill="true")), leaks=PEAK).message


def test_the_earliest_beginning_and_the_latest_end_of_leaks_of_memory_count() -> None:
    made = record(until=59).act(LeakSwitchOn(leak="log"), 30, 30.1).act(LeakSwitchOff(leak="log"), 31, 31.1)
    leaks = [{"name": "log", "per_request": "1KiB"}, {"name": "cache", "per_request": "64KiB"}]
    verdict = oom(made, leaks=leaks)
    assert numbers(verdict, "damage_after_s", "fired_after_s") == [30, 15]
    first = record(lambda t: 500 * MIB if t < 25 else 100 * MIB + (t - 25) * MIB).act(
        LeakSwitchOn(leak="log"), 25, 25.1
    )
    early = [{"name": "cache", "resource": "threads", "per_request": 1}, {"name": "log", "per_request": "1KiB"}]
    assert oom(first, leaks=early).numbers["damage_after_s"] > 5


def filled(level: Level, *, fires: float | None = 35.0, size: float | None = SIZE, until: float = 39.0) -> Record:
    made = record(None, fires=fires)
    for t in np.arange(2, until + 0.1, 0.5).tolist():
        used = level(t)
        avail = {} if size is None else {"size_bytes": size, "avail_bytes": size - used}
        made.sample(t, FilesystemDisk(used_bytes=used, requests=t * 100, **avail))
    return made


def disk(made: Record, **changes: Any) -> Verdict:
    asked = plan(**{"leaks": [{"name": "cache", "resource": "disk", "per_request": "8KiB"}]} | changes)
    return alert_fires_before_disk_full(made.history(), alert=asked.alerts.expect[0], scenario=asked)


def test_a_disk_is_full_when_nothing_is_left_of_it() -> None:
    projected = disk(filled(ten_a_second))
    assert (projected.outcome, projected.message) == (
        "PASS",
        "HighMemoryUsage fired after 15 s; the disk would have been full after 30 s (limit 400 MiB): 15 s to spare",
    )
    full = disk(filled(ten_a_second, until=59))
    assert (full.outcome, full.message) == (
        "PASS", "HighMemoryUsage fired after 15 s; the disk was full after 30 s (limit 400 MiB): 15 s to spare",
    )  # fmt: skip
    late = disk(filled(ten_a_second, until=59, fires=53))
    assert (late.outcome, late.numbers["damage_happened"]) == ("FAIL", True)
    assert disk(filled(ten_a_second, until=59, fires=None)).outcome == "FAIL"
    before = disk(filled(lambda t: SIZE if t < 20 else ten_a_second(t)))
    assert before.numbers["damage_happened"] is False
    after = disk(filled(lambda t: SIZE if t > 60 else grown(t), until=70))
    assert after.numbers.get("damage_happened", False) is False


def test_a_disk_of_unknown_size_cannot_be_told() -> None:
    unknown = disk(filled(ten_a_second, size=None))
    assert (unknown.outcome, unknown.message) == ("UNKNOWN", "the size of the disk is not known")
    assert unknown.hint == "see leak_grows_as_declared and measurements_are_complete"
    never = disk(filled(ten_a_second).drop("leak"))
    assert (never.outcome, never.message) == ("UNKNOWN", "the leak never began")
    limited = {"name": "gateway", "command": ["gateway"], "limits": {"disk": "200MiB"}}
    assert disk(filled(ten_a_second, size=None), target=limited).numbers["damage_after_s"] == 10
    larger = {"name": "gateway", "command": ["gateway"], "limits": {"disk": "800MiB"}}
    assert disk(filled(ten_a_second), target=larger).numbers["damage_after_s"] == 30


def test_a_peak_on_a_disk_below_its_size_is_no_danger() -> None:
    peak = [{"name": "cache", "resource": "disk", "peak": "200MiB"}]
    below = disk(filled(grown, until=59), leaks=peak)
    assert (below.outcome, below.message) == (
        "PASS",
        (
            "HighMemoryUsage fired after 15 s; the disk stood at most at 300 MiB, 100 MiB below its limit of 400 MiB: "
            "nothing happened before"
        ),
    )
    full = disk(filled(ten_a_second, until=59, fires=53), leaks=peak)
    assert (full.outcome, "nothing happened" in full.message) == ("FAIL", False)
    assert disk(filled(grown, until=59, fires=None), leaks=peak).outcome == "UNKNOWN"


def test_which_scenarios_claim_that_an_alert_comes_before_the_damage() -> None:
    def claims(row: Any, **changes: Any) -> int:
        return len(list(row.cases(record().history(), plan(**changes))))

    memory = [{"name": "cache", "per_request": "64KiB"}]
    files = [{"name": "cache", "resource": "disk", "per_request": "64KiB"}]
    assert claims(BEFORE_OOM_KILL, leaks=memory) == 1
    assert claims(BEFORE_OOM_KILL, leaks=files) == 0
    assert claims(BEFORE_OOM_KILL, leaks=memory, target={"name": "gateway", "command": ["gateway"]}) == 0
    assert claims(BEFORE_OOM_KILL, leaks=memory, expect={"oom_kills": 1}) == 0
    assert claims(BEFORE_DISK_FULL, leaks=files) == 1
    assert claims(BEFORE_DISK_FULL, leaks=memory) == 0
    assert claims(BEFORE_DISK_FULL, leaks=[*memory, files[0] | {"name": "disk"}]) == 1


def counted(*rises: float, exits: tuple[float, ...] = ()) -> Record:
    made = record(None)
    for t in range(2, 80):
        made.sample(t, CgroupResources(anon_bytes=1.0 * MIB, oom_kills=float(sum(t >= one for one in rises))))
    for t in exits:
        made.sample(t, TargetExited(-9.0, oom_kill="true", signal="SIGKILL"))
    return made


@pytest.mark.parametrize(
    ("rises", "exits", "kills"),
    [
        ((), (), []),
        ((30,), (), [30]),
        ((30, 30), (), [30]),
        ((30, 40), (), [30, 40]),
        ((2,), (), []),
        ((3,), (), [3]),
        ((30,), (30,), [30]),
        ((30,), (28.1,), [28.1]),
        ((30,), (28.0,), [28.0, 30]),
        ((30,), (31.9,), [31.9]),
        ((30,), (32.0,), [30, 32.0]),
        ((30, 50), (29, 60), [29, 50, 60]),
    ],
)
def test_a_rise_of_the_counter_near_an_end_is_the_same_kill(
    rises: tuple[float, ...], exits: tuple[float, ...], kills: list[float]
) -> None:
    assert [event.when for event in oom_kills(counted(*rises, exits=exits).history())] == kills


def keeps(made: Record, **changes: Any) -> Verdict:
    return target_keeps_running(made.history(), scenario=plan(**changes))


ENDS: dict[str, tuple[TargetExited, str]] = {
    "killed for memory": (TargetExited(-9.0, oom_kill="true", at=40), "the target was OOM-killed at 40 s"),
    "a pod": (TargetExited(1.0, reason="Evicted", pod="web-1", at=40), "the target's pod web-1 ended at 40 s: Evicted"),
    "a pod without a name": (TargetExited(1.0, reason="Evicted", at=40), "the target's pod ? ended at 40 s: Evicted"),
    "a signal": (
        TargetExited(-11.0, signal="SIGSEGV", at=40),
        ("the target ended by signal SIGSEGV at 40 s, and nobody had asked"),
    ),
    "a code": (TargetExited(3.0, at=40), "the target ended with exit code 3 at 40 s, and nobody had asked"),
    "nothing known": (TargetExited(at=40), "the target ended at 40 s, and nobody had asked"),
}


@pytest.mark.parametrize("how", ENDS)
def test_how_the_target_ended_is_told(how: str) -> None:
    event, text = ENDS[how]
    verdict = keeps(record(None).sample(41, event))
    assert (verdict.outcome, verdict.message) == ("FAIL", f"{text}; 0 OOM kills were expected")
    assert len(verdict.events) == 1


@pytest.mark.parametrize(
    ("signal", "oom_kill", "hint"),
    [
        (
            "SIGKILL",
            "false",
            ("the kernel killed nothing of it for memory: does a supervisor, a time-out or somebody else end it?"),
        ),
        (
            "SIGKILL",
            "unknown",
            ("nobody counts here what the kernel kills for memory: `dmesg` tells whether it was the OOM killer"),
        ),
        ("SIGKILL", "", "read the last lines of target.log in the run folder"),
        ("SIGTERM", "false", "read the last lines of target.log in the run folder"),
        ("SIGTERM", "unknown", "read the last lines of target.log in the run folder"),
    ],
)
def test_where_to_look_for_what_ended_the_target(signal: str, oom_kill: str, hint: str) -> None:
    made = record(None).sample(41, TargetExited(-9.0, signal=signal, oom_kill=oom_kill))
    assert keeps(made).hint == hint
    asked = plan()
    existing = asked.model_copy(update={"target": asked.target.model_copy(update={"kind": "existing"})})
    other = target_keeps_running(made.history(), scenario=existing).hint
    assert other == ("read what the service logged at that time: a drill has no log of a service that ran already"
                     if hint.startswith("read") else hint)  # fmt: skip


def test_the_first_three_ends_are_told_and_all_are_counted() -> None:
    def ended(number: int) -> Verdict:
        made = record(None)
        for t in range(number):
            made.sample(30 + t, TargetExited(float(t)))
        return keeps(made)

    assert ended(3).message.endswith("with exit code 2 at 32 s, and nobody had asked; 0 OOM kills were expected")
    assert "; and 1 more; 0 OOM kills" in ended(4).message
    assert "; and 2 more; 0 OOM kills" in ended(5).message
    assert ended(4).numbers == {"oom_kills": 0, "oom_kills_expected": 0, "crashes": 4}
    assert len(ended(4).events) == 4


def test_kills_may_be_expected_and_crashes_may_not() -> None:
    two = {"expect": {"oom_kills": 2}}
    passed = keeps(counted(30, 40), **two)
    assert (passed.outcome, passed.message) == ("PASS", "the target never ended unasked, 2 expected OOM kills aside")
    assert (passed.numbers["oom_kills"], len(passed.events)) == (2, 2)
    third = keeps(counted(30, 40, exits=(50,)), **two)
    assert third.outcome == "FAIL"
    assert third.message == (
        "a process of the target was OOM-killed at 30 s; a process of the target was OOM-killed at 40 s; the target "
        "was OOM-killed at 50 s; 2 OOM kills were expected"
    )
    crashed = counted(30).sample(20, TargetExited(1.0))
    assert [event.when for event in unwanted_ends(crashed.history(), plan(**two))] == [20]
    assert [event.when for event in unwanted_ends(crashed.history(), plan())] == [20, 30]
    assert keeps(crashed, **two).message == (
        "the target ended with exit code 1 at 20 s, and nobody had asked; 2 OOM kills were expected"
    )
    assert keeps(record(None)).message == "the target never ended unasked"


def test_what_nobody_saw_cannot_be_told() -> None:
    lost = record(None).sample(41, TargetUnwatched("connection refused", at=40))
    verdict = keeps(lost)
    assert (verdict.outcome, verdict.message) == (
        "UNKNOWN",
        "whether the target ended unasked cannot be told: from 40 s on nobody could see it: connection refused",
    )
    assert (verdict.hint, len(verdict.events)) == ("run the drill again when the platform answers", 1)
    assert keeps(lost.sample(41, TargetWatchedAgain())).outcome == "PASS"
    assert keeps(lost.sample(50, TargetUnwatched("again"))).outcome == "UNKNOWN"


def test_a_target_that_nobody_started_or_read_did_not_keep_running() -> None:
    never = keeps(record(None).drop("target"))
    assert (never.outcome, never.message, never.hint) == (
        "UNKNOWN", "the record does not say that the target ever ran", "run the drill again",
    )  # fmt: skip
    assert keeps(record().drop("target")).outcome == "PASS"
    assert keeps(record(None)).outcome == "PASS"
    cut = record(None)
    cut.events = [event for event in cut.events if event.labels.get("phase") != "recover"]
    unfinished = keeps(cut)
    assert (unfinished.outcome, unfinished.message) == (
        "UNKNOWN",
        "the target kept running for the 1 min 25 s of the record, but the drill did not reach `recover`",
    )
    assert unfinished.hint == "see the verdict measurements_are_complete"
    assert unfinished.numbers == {"oom_kills": 0, "oom_kills_expected": 0, "crashes": 0}
