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
