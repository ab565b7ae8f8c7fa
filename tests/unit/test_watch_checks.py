"""The claims about a watched command, each with a record that holds, one that fails and one that does not tell.

0 start ── 10 end; make (pid 10, 100 MiB) and cc1plus (pid 11): nothing until 2 s, 400 MiB at 5 s, gone after 8 s
"""

from __future__ import annotations

import pytest
from histories import MIB, Record

from leakdrill.judging.watch.budgets import (
    command_succeeds,
    memory_is_measured,
    memory_reason,
    peak_stays_near_baseline,
    peak_stays_within_budget,
)
from leakdrill.judging.watch.judge import judge_watch
from leakdrill.judging.watch.memory_split import Owners, area_byte_s, attempts, peak, readings
from leakdrill.judging.watch.plan import WatchPlan
from leakdrill.judging.watch.watch_baseline import Baseline, BaselineRun, MachineClass
from leakdrill.record.events import (
    CgroupResources,
    ProcessMember,
    ProcessPss,
    ProcessTree,
    WatchAttempt,
    WatchExited,
    WatchInterrupted,
    WatchMemory,
)

HERE = MachineClass(system="Linux", architecture="x86_64", cpus=4, memory_bytes=16 * 2**30)


def compiler(t):
    return max(0.0, 400 - 100 * abs(t - 5)) * MIB if 2 <= t <= 8 else 0.0


def attempt(record, number=1, start=0.0, end=10.0, *, status=0.0, memory=compiler, mode="", largest=None, **labels):
    """One attempt, read every half second, its processes ten times a second."""
    record.act(WatchAttempt(number=str(number), mode=mode, available_bytes=str(8 * 2**30)), start, end + 0.1)
    for pid, program, phase in ((10, "make", "other"), (11, "cc1plus", "compile")):
        record.sample(start, ProcessMember(number=pid, pid=str(pid), program=program, phase=phase, command=program))
    for tick in range(int((end - start) * 10)):
        record.sample(start + tick / 10, ProcessTree(rss_bytes=1.0, processes=2.0))
    for half in range(int((end - start) * 2)):
        held = memory(half / 2)
        value = {"pss_bytes": 100 * MIB + held, "pid_10_bytes": 100.0 * MIB}
        record.sample(start + half / 2, ProcessPss.of(value | ({"pid_11_bytes": held} if held else {})))
    labels = {"oom_kill": "false"} | labels
    return record.sample(end, WatchExited(status, largest or None, number=str(number), **labels))


def plan(**changes):
    return WatchPlan(command=("make", "build"), machine=HERE, **changes)


def baseline(*peaks_mib):
    runs = tuple(
        BaselineRun(
            started="2026-01-02T03:04:05Z", peak_bytes=p * MIB, area_byte_s=1, duration_s=1,
            programs={"cc1plus": (p - 100) * MIB, "make": 100 * MIB},
        )
        for p in peaks_mib
    )  # fmt: skip
    return Baseline(command=("make", "build"), machine=HERE, runs=runs)


def test_the_peak_is_split_by_program_and_by_phase():
    history = attempt(Record()).history()
    seen = readings(history, attempts(history)[0])
    top = peak(seen)
    assert (top.t, top.total_bytes) == (5.0, 500 * MIB)
    assert Owners(history).shares(top) == {"cc1plus": 400 * MIB, "make": 100 * MIB}
    assert Owners(history).shares(top, "phase") == {"compile": 400 * MIB, "other": 100 * MIB}
    assert Owners(history).heaviest(top) == "cc1plus (pid 11)"


def test_a_part_has_its_own_peak_area_and_time():
    history = attempt(Record()).history()
    seen = readings(history, attempts(history)[0])
    parts = {p.name: p for p in Owners(history).parts(seen, "program", 0.0)}
    assert (parts["cc1plus"].start_s, parts["cc1plus"].end_s) == (2.0, 8.0)
    assert parts["make"].area_byte_s == pytest.approx(100 * MIB * 9.5)
    assert sum(p.area_byte_s for p in parts.values()) == pytest.approx(area_byte_s(seen))


def test_a_process_that_becomes_another_program_is_each_in_its_time():
    record = attempt(Record())
    record.sample(4.9, ProcessMember(number=11, pid="11", program="ld", phase="link", command="ld"))
    history = record.history()
    seen = {r.t: r for r in readings(history, attempts(history)[0])}
    assert "cc1plus" in Owners(history).shares(seen[4.0])
    assert "ld" in Owners(history).shares(seen[5.0])


def test_a_command_that_ends_with_0_succeeds():
    told = command_succeeds(attempt(Record()).history(), plan=plan())
    assert (told.outcome, told.message) == ("PASS", "ended with exit code 0 after 10 s")


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"status": 2.0}, "ended with exit code 2"),
        ({"status": -9.0, "signal": "SIGKILL"}, "killed by SIGKILL"),
        ({"status": 137.0, "signal": "SIGKILL"}, "exit code 137 (SIGKILL in a child)"),
    ],
)
def test_a_command_that_fails_says_how(how, said):
    told = command_succeeds(attempt(Record(), **how).history(), plan=plan())
    assert told.outcome == "FAIL"
    assert said in told.message


def test_only_the_last_attempt_counts_and_the_sentence_says_which_it_was():
    record = attempt(Record(), 1, 0, 10, status=-9.0, signal="SIGKILL", mode="optimized")
    history = attempt(record, 2, 11, 20, mode="safe").history()
    told = command_succeeds(history, plan=plan(retries=2))
    assert (told.outcome, told.numbers["attempts"]) == ("PASS", 2)
    assert told.message.endswith("in mode safe, at attempt 2 of at most 3")


def test_a_command_that_was_stopped_or_whose_end_is_not_recorded_is_unknown():
    stopped = attempt(Record()).sample(10.0, WatchInterrupted("SIGINT"))
    assert command_succeeds(stopped.history(), plan=plan()).outcome == "UNKNOWN"
    assert command_succeeds(attempt(Record()).cut(5).history(), plan=plan()).outcome == "UNKNOWN"
    assert command_succeeds(Record().history(), plan=plan()).outcome == "UNKNOWN"


def test_measured_memory_names_peak_area_and_who():
    told = memory_is_measured(attempt(Record()).history(), plan=plan())
    assert told.outcome == "PASS"
    assert "peak 500 MiB after 5 s (cc1plus 400 MiB, make 100 MiB)" in told.message
    assert told.numbers["at_peak_bytes[cc1plus]"] == pytest.approx(400 * MIB, rel=1e-5)


def test_no_reading_is_unknown_and_so_is_a_gap_of_more_than_a_tenth():
    nothing = attempt(Record()).drop("process")
    gap = attempt(Record()).drop("process", "tree", after=3, until=6)
    for record in (nothing, gap):
        verdicts = judge_watch(record.history(), plan(limit_bytes=600 * MIB, baseline=baseline(500)))
        assert {v.outcome for v in verdicts if v.check != "command_succeeds"} == {"UNKNOWN"}


def test_a_peak_below_the_limit_holds():
    told = peak_stays_within_budget(attempt(Record()).history(), plan=plan(limit_bytes=1000 * MIB))
    assert told.outcome == "PASS"
    assert "500 MiB, 50 % of the limit" in told.message


def test_a_peak_above_the_limit_fails_and_names_the_process_that_broke_it():
    told = peak_stays_within_budget(attempt(Record()).history(), plan=plan(limit_bytes=440 * MIB))
    assert told.outcome == "FAIL"
    assert "cc1plus (pid 11) held 350 MiB of 450 MiB when the limit 440 MiB was crossed after 4.5 s" in told.message


def test_an_oom_kill_fails_although_no_reading_was_above_the_limit():
    record = attempt(Record(), end=5, status=-9.0, signal="SIGKILL", oom_kill="true")
    told = peak_stays_within_budget(record.history(), plan=plan(limit_bytes=600 * MIB))
    assert told.outcome == "FAIL"
    assert "the kernel killed for memory at the limit 600 MiB" in told.message
    assert "it was cc1plus (pid 11), as the readings tell" in told.message


def test_an_oom_kill_in_the_middle_names_who_is_gone_afterwards():
    def big_make(t):
        return 50 * MIB if t < 5 else 0

    record = attempt(Record(), memory=big_make, oom_kill="true")
    for tenth in range(100):
        record.sample(tenth / 10, CgroupResources(oom_kills=0.0 if tenth < 49 else 1.0))
    told = peak_stays_within_budget(record.history(), plan=plan(limit_bytes=600 * MIB))
    assert "after 4.9 s: it was cc1plus (pid 11), as the readings tell" in told.message


def test_what_one_process_reached_between_readings_counts():
    record = attempt(Record(), largest=700.0 * MIB)
    told = peak_stays_within_budget(record.history(), plan=plan(limit_bytes=600 * MIB))
    assert told.outcome == "FAIL"
    assert "one process reached 700 MiB between two readings" in told.message


def test_a_record_that_ends_too_soon_does_not_show_that_the_limit_was_kept():
    told = peak_stays_within_budget(attempt(Record()).cut(7).history(), plan=plan(limit_bytes=600 * MIB))
    assert told.outcome == "UNKNOWN"


def test_a_peak_within_the_recorded_range_and_its_tolerance_holds():
    told = peak_stays_near_baseline(attempt(Record()).history(), plan=plan(baseline=baseline(440, 470, 490)))
    assert told.outcome == "PASS"
    assert "3 recorded runs, 440 MiB to 490 MiB, with a tolerance of 10 %" in told.message


def test_a_peak_above_the_range_fails_and_names_the_program_that_grew():
    told = peak_stays_near_baseline(attempt(Record()).history(), plan=plan(baseline=baseline(400, 450)))
    assert told.outcome == "FAIL"
    assert "11.11 % above" in told.message
    assert "cc1plus grew most: 400 MiB of the peak, at most 350 MiB in the recorded ones" in told.message


def test_a_lower_peak_holds_and_is_said():
    told = peak_stays_near_baseline(attempt(Record()).history(), plan=plan(baseline=baseline(900)))
    assert told.outcome == "PASS"
    assert "lower than all of them" in told.message


def test_what_is_not_comparable_is_unknown():
    history = attempt(Record()).history()
    told = peak_stays_near_baseline(history, plan=plan(baseline=baseline(500), incomparable="other machine"))
    assert (told.outcome, "other machine" in told.message) == ("UNKNOWN", True)
    other_mode = attempt(Record(), mode="safe").history()
    assert peak_stays_near_baseline(other_mode, plan=plan(baseline=baseline(500))).outcome == "UNKNOWN"


@pytest.mark.parametrize(
    ("how", "limit_mib", "memory_did_it"),
    [
        ({"status": 1.0}, 1000, False),
        ({"status": 0.0}, 1000, False),
        ({"status": 0.0}, 400, True),
        ({"status": 1.0}, 550, True),
        ({"status": 134.0, "signal": "SIGABRT"}, 1000, True),
        ({"status": 1.0, "oom_kill": "machine"}, 1000, True),
        ({"status": 0.0, "oom_kill": "true"}, 1000, True),
        ({"status": -15.0, "signal": "SIGTERM"}, 1000, False),
        ({"status": -9.0, "signal": "SIGKILL"}, 1000, False),
        ({"status": -9.0, "signal": "SIGKILL"}, 550, True),
    ],
)
def test_memory_ended_a_command_that_was_killed_for_it_or_failed_near_all_it_could_have(how, limit_mib, memory_did_it):
    history = attempt(Record(), **how).history()
    assert bool(memory_reason(history, plan(limit_bytes=limit_mib * MIB), attempts(history)[0])) is memory_did_it


def test_only_what_was_asked_is_claimed():
    history = attempt(Record()).history()
    assert [v.check for v in judge_watch(history, plan())] == ["command_succeeds", "memory_is_measured"]
    claims = [v.check for v in judge_watch(history, plan(limit_bytes=1, baseline=baseline(500)))]
    assert claims[2:] == ["peak_stays_within_budget", "peak_stays_near_baseline"]


def counted(record=None, *, low=500.0, high=500.0, memory=None, start=0.0, end=10.0, followed="cgroup", **exited):
    """A record with the kernel's count of all memory, ten times a second."""
    record = record or Record()
    act = WatchAttempt(number="1", available_bytes=str(8 * 2**30), followed=followed)
    record.act(act, start, end + 0.1)
    record.sample(start, ProcessMember(number=10, pid="10", program="make", phase="other", command="make"))
    for tick in range(int((end - start) * 10)):
        t = start + tick / 10
        now = memory(t) if memory else 100.0 + t % 3
        record.sample(t, ProcessTree(rss_bytes=now * MIB, processes=1.0))
        record.sample(t, ProcessPss.of({"pss_bytes": now * MIB, "pid_10_bytes": now * MIB}))
        if followed == "cgroup":
            record.sample(
                t, WatchMemory(now * MIB, now * MIB, now * MIB, cache_bytes=0.0, anon_bytes=now * MIB, clock_s=t)
            )
    values = {"low_bytes": low and low * MIB, "high_bytes": high and high * MIB, "unseen": 0.0} | exited
    record.sample(end, WatchExited(0.0, number="1", oom_kill="false", **values))
    return record


def budget(record, limit_mib=400):
    told = peak_stays_within_budget(record.history(), plan=plan(limit_bytes=limit_mib * MIB))
    return str(told.outcome), told.message


def test_the_kernels_peak_counts_where_no_reading_was_above_the_limit():
    outcome, message = budget(counted())
    assert outcome == "FAIL"
    assert "all its memory together reached 500 MiB between two readings, by the kernel's own count" in message
    assert budget(counted(), limit_mib=600)[0] == "PASS"


def test_a_short_command_is_judged_by_the_kernels_peak_alone():
    short = counted(low=31.0, high=31.5, end=0.1, memory=lambda _t: 3.0)
    short.drop("process")
    assert budget(short, limit_mib=20)[0] == "FAIL"
    assert budget(short, limit_mib=40) == ("PASS", "the peak was 31 MiB, 78 % of the limit 40 MiB")
    assert memory_is_measured(short.history(), plan=plan()).outcome == "PASS"


def test_a_peak_that_may_have_been_page_cache_is_unknown():
    outcome, message = budget(counted(low=120.0, high=700.0))
    assert outcome == "UNKNOWN"
    assert "the peak was between 120 MiB and 700 MiB" in message


def test_without_the_kernels_peak_at_the_end_nothing_is_shown():
    for record in (counted(low=None, high=None), counted().drop("watch", "memory")):
        assert budget(record, limit_mib=600)[0] == "UNKNOWN"
        assert memory_is_measured(record.history(), plan=plan()).outcome == "UNKNOWN"
    assert budget(counted(high=None), limit_mib=600)[0] == "PASS"  # an old kernel keeps no peak; readings were many


@pytest.mark.parametrize("number", [-5.0, float("nan"), float("inf"), -1.0 * 2**40])
@pytest.mark.parametrize(
    "event",
    [
        lambda n: ProcessTree(rss_bytes=n, processes=1.0),
        lambda n: ProcessPss.of({"pss_bytes": n, "pid_10_bytes": n}),
        lambda n: WatchMemory(n, 1.0, 1.0, clock_s=5.05),
        lambda n: WatchMemory(1.0, 1.0, n, clock_s=5.05),
    ],
)
def test_a_negative_or_infinite_reading_is_unknown(event, number):
    for spoilt in (counted(low=number, high=110.0), counted(low=110.0, high=number)):
        assert budget(spoilt, limit_mib=600)[0] != "PASS"
    record = counted(low=110.0, high=110.0).sample(5.0, event(number))
    assert budget(record, limit_mib=600)[0] != "PASS"
    assert memory_is_measured(record.history(), plan=plan()).outcome == "UNKNOWN"


def test_a_meter_that_stands_still_is_unknown():
    frozen = counted(low=110.0, high=110.0).change("watch", "memory", lambda e: {**e.value, "clock_s": 1.0})
    assert "not read anew" in budget(frozen)[1]

    def growing(t):
        return 100.0 + 10 * t

    still = counted(low=200.0, high=200.0, memory=growing)
    still.change("watch", "memory", lambda e: {**e.value, "memory_bytes": 50.0 * MIB, "low_bytes": 50.0 * MIB})
    assert "stands still" in budget(still)[1]
    assert budget(counted(low=200.0, high=200.0, memory=growing))[0] == "PASS"
    assert budget(counted(low=110.0, high=110.0, memory=lambda _t: 100.0))[0] == "PASS"  # a command that only waits


def test_a_process_that_left_the_control_group_is_unknown():
    outcome, message = budget(counted(low=110.0, high=110.0, unseen=1.0))
    assert outcome == "UNKNOWN"
    assert "left its control group" in message


def test_without_a_control_group_few_readings_and_unseen_processes_are_unknown():
    def alone(**more):
        return counted(low=110.0, high=110.0, followed="processes", **more)

    assert budget(alone())[0] == "PASS"
    assert "read only 4 times" in budget(alone(end=0.4))[1]
    many = alone(unseen=5.0, largest_process_bytes=150.0 * MIB)
    assert "nobody knows how many did at once" in budget(many)[1]
    assert budget(alone(unseen=5.0, largest_process_bytes=100.0 * MIB))[0] == "PASS"
    perhaps = counted(low=110.0, high=500.0, followed="processes")
    assert budget(perhaps)[0] == "UNKNOWN"


def test_files_in_memory_are_named_as_what_broke_the_limit():
    record = counted(low=500.0, high=500.0)
    record.sample(5.0, ProcessPss(100.0 * MIB, 700.0 * MIB, 1.0 * MIB, others={"pid_10_bytes": 100.0 * MIB}))
    assert "files in memory held 700 MiB of 801 MiB when the limit 400 MiB was crossed" in budget(record)[1]


def near(record, *peaks_mib):
    return peak_stays_near_baseline(record.history(), plan=plan(baseline=baseline(*peaks_mib)))


def test_what_the_kernel_counted_between_two_readings_is_compared_with_the_baseline():
    assert near(counted(low=500), 500).outcome == "PASS"
    told = near(counted(low=800), 500)
    assert told.outcome == "FAIL"
    assert "the peak was 800 MiB, 60 % above the one recorded run" in told.message


def test_a_short_command_is_compared_by_the_kernels_count_alone():
    record = Record()
    record.act(WatchAttempt(number="1", followed="cgroup"), 0, 0.1)
    record.sample(0.05, WatchMemory(memory_bytes=1.0 * MIB, low_bytes=200.0 * MIB, high_bytes=200.0 * MIB))
    record.sample(0.06, WatchExited(0.0, low_bytes=200.0 * MIB, high_bytes=200.0 * MIB, unseen=0.0, number="1"))
    assert near(record, 200).outcome == "PASS"
    assert near(record, 150).outcome == "FAIL"


@pytest.mark.parametrize("spoilt", [{"unseen": 2.0}, {"growing": 1.0}])
def test_a_baseline_does_not_hold_where_the_peak_may_have_been_missed(spoilt):
    assert near(counted(low=500, **spoilt), 500).outcome == "UNKNOWN"


def test_what_still_grew_when_it_was_ended_is_unknown():
    record = counted(low=100, high=100, growing=1.0)
    assert peak_stays_within_budget(record.history(), plan=plan(limit_bytes=400 * MIB)).outcome == "UNKNOWN"
    told = memory_is_measured(record.history(), plan=plan(limit_bytes=400 * MIB))
    assert (told.outcome, "was still taking memory" in told.message) == ("UNKNOWN", True)
