"""The rules of a watched command at their bounds: its memory, its peak, and reasons to doubt it."""

from __future__ import annotations

import math

import pytest
from histories import MIB, Record
from test_watch_checks import HERE, attempt, plan
from test_watch_doubts import at, command, every, history, lines_of, memory

from leakdrill.judging.watch.budgets import (
    command_succeeds,
    highest_bytes,
    memory_is_measured,
    memory_reason,
    peak_stays_near_baseline,
    peak_stays_within_budget,
)
from leakdrill.judging.watch.kernel_peak import KernelPeak, distrust, kernel_peak, unseen
from leakdrill.judging.watch.memory_split import FILES, REST, Owners, Reading, area_byte_s, attempts, killed_s, readings
from leakdrill.judging.watch.watch_baseline import Baseline, BaselineRun
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


def parts(record):
    """The history, its last attempt, and the readings of it."""
    seen = history(record)
    last = attempts(seen)[-1]
    return seen, last, readings(seen, last)


def trust(record):
    return distrust(*parts(record))


def baseline(*peaks_mib):
    runs = tuple(
        BaselineRun(started="2026-01-02T03:04:05Z", peak_bytes=p * MIB, area_byte_s=1, duration_s=1,
                    programs={"make": p * MIB // 2})
        for p in peaks_mib
    )  # fmt: skip
    return Baseline(command=("make", "build"), machine=HERE, runs=runs)


def doubted(record, limit_bytes=200 * MIB):
    _, last, samples = parts(record)
    return unseen(last, samples, limit_bytes)


# attempts and readings


def test_an_attempt_is_told_whole():
    (only,) = attempts(history(command(at=9.5, number="3", mode="safe", available=123, more=0.2)))
    assert (only.number, only.mode, only.start_s, only.end_s, only.closed_s) == (3, "safe", 0.0, 9.5, 10.2)
    assert (only.available_bytes, only.followed, only.duration_s, only.status) == (123.0, "cgroup", 9.5, 0.0)
    assert only.largest_process_bytes == 100.0 * MIB


def test_of_an_attempt_that_is_not_told_whole_the_rest_is_known():
    record = Record().act(WatchAttempt(number="x", available_bytes="much"), 1.0, 4.0)
    (only,) = attempts(history(record))
    assert (only.number, only.end_s, only.closed_s, only.available_bytes) == (0, 4.0, 4.0, math.inf)
    assert (only.exited, only.status, only.largest_process_bytes) == (None, 0.0, 0.0)
    record = Record().act(WatchAttempt(), 1.0, None).sample(7.0, ProcessTree(processes=1.0))
    (only,) = attempts(history(record))
    assert (only.number, only.end_s, only.closed_s) == (0, 7.0, 7.0)
    (only,) = attempts(history(record.sample(6.0, WatchExited(number="0"))))
    assert (only.end_s, only.status, only.largest_process_bytes) == (6.0, 0.0, 0.0)


def test_a_reading_holds_processes_and_what_is_of_none():
    record = command()
    record = at(5.0, "process", "pss", files_bytes=7.0, rest_bytes=5.0, pid_x_bytes=3.0, pid_11_bytesx=4.0)(record)
    _, _, samples = parts(record)
    assert len(samples) == 21
    assert (samples[10].t, samples[10].total_bytes) == (5.0, 100.0 * MIB + 12)
    assert (samples[10].by_pid, samples[10].others) == ({10: 100.0 * MIB}, {FILES: 7.0, REST: 5.0})
    assert samples[9].others == {}
    assert samples[10].index == lines_of(record, "process", "pss")[10]
    bare = at(5.0, "process", "pss", files_bytes=None, rest_bytes=None)(command())
    assert parts(bare)[2][10].total_bytes == 100.0 * MIB
    assert len(parts(at(5.0, "process", "pss", pss_bytes=None)(command()))[2]) == 20


def test_readings_are_those_from_the_start_to_the_end_of_an_attempt():
    record = command(start=1.0, end=2.0, more=0.5)
    for t in (0.9, 2.1):
        record.sample(t, ProcessPss.of({"pss_bytes": 1.0}))
    assert [reading.t for reading in parts(record)[2]] == [1.0, 1.5, 2.0]


def test_the_kernel_killed_when_its_count_rose_first():
    record = command()
    seen, last, _ = parts(record)
    assert killed_s(seen, last) == 10.0
    for t in (3.0, 6.0):
        record = at(t, "cgroup", "resources", oom_kills=1.0)(record)
    seen, last, _ = parts(record)
    assert killed_s(seen, last) == 3.0
    seen, last, _ = parts(command().sample(10.1, CgroupResources(oom_kills=1.0)))
    assert killed_s(seen, last) == 10.0


def reading(t, total=None, index=0, others=None, **by_pid):
    held = {int(pid[1:]): size for pid, size in by_pid.items()}
    return Reading(t=t, total_bytes=sum(held.values()) if total is None else total, by_pid=held,
                   others=others or {}, index=index)  # fmt: skip


def test_memory_times_time_is_the_area_under_straight_lines():
    assert area_byte_s([reading(1.0, 10.0), reading(3.0, 20.0), reading(3.5, 0.0)]) == 35.0
    assert area_byte_s([reading(1.0, 10.0)]) == 0


def owners():
    record = Record()
    for t, pid, program, phase in (
        (0.0, "10", "make", "other"), (0.0, "11", "cc1", "compile"), (0.0, "x", "bad", "bad"), (0.0, "12", "", ""),
        (5.0, "11", "ld", "link"),
    ):  # fmt: skip
        record.sample(t, ProcessMember(number=1, pid=pid, program=program, phase=phase, command=program))
    return Owners(history(record))


def test_a_process_is_named_as_it_was_called_then():
    found = owners()
    assert [found.name(11, index, "program") for index in (0, 1, 3, 4, 9)] == ["?", "cc1", "cc1", "ld", "ld"]
    assert found.name(11, 9, "phase") == "link"
    assert (found.name(12, 9, "program"), found.name(99, 9, "program")) == ("?", "?")


def test_shares_are_summed_by_name_the_largest_first():
    held = reading(1.0, index=9, others={FILES: 6.0, REST: 1.0}, p10=3.0, p11=4.0, p12=2.0, p99=3.5)
    assert list(owners().shares(held).items()) == [(FILES, 6.0), ("?", 5.5), ("ld", 4.0), ("make", 3.0), (REST, 1.0)]
    assert owners().shares(held, "phase") == {FILES: 6.0, "?": 5.5, "link": 4.0, "other": 3.0, REST: 1.0}


@pytest.mark.parametrize(
    ("held", "name"),
    [
        (reading(1.0, index=9, p10=3.0, p11=4.0), "ld (pid 11)"),
        (reading(1.0, index=9, others={FILES: 4.0}, p11=4.0), "ld (pid 11)"),
        (reading(1.0, index=9, others={FILES: 4.1, REST: 1.0}, p11=4.0), FILES),
        (reading(1.0, index=9, others={FILES: 1.0, REST: 5.0}, p11=4.0), REST),
        (reading(1.0, index=9, others={REST: 0.5}), REST),
        (reading(1.0, index=9), "no process"),
    ],
)
def test_the_heaviest_is_a_process_or_what_is_of_none(held, name):
    assert owners().heaviest(held) == name


def test_a_kill_ended_the_heaviest_of_those_that_are_gone():
    before, after = reading(1.0, p10=9.0, p11=4.0, p12=5.0, index=9), reading(3.0, p10=9.0, index=9)
    found = owners()
    assert found.killed([before, after], 1.0) == ("? (pid 12)", before)
    assert found.killed([before, after], 3.0) == ("make (pid 10)", after)
    assert found.killed([before, after], 0.9) is None
    assert found.killed([before, before], 2.0) == ("make (pid 10)", before)
    empty = reading(1.5, total=0.0, index=9)
    assert found.killed([before, empty, after], 2.0) == ("? (pid 12)", before)
    small = reading(1.5, total=1.0, index=9, p11=1.0)
    assert found.killed([before, small, after], 2.0) == ("ld (pid 11)", small)
    assert found.killed([before, reading(3.0, index=9, p12=1.0, p11=1.0)], 2.0) == ("make (pid 10)", before)


def test_parts_are_named_from_the_largest_share_of_the_peak_on():
    rows = [reading(2.0, index=9, p10=1.0), reading(3.0, index=10, p10=2.0, p11=5.0), reading(5.0, index=11, p10=3.0)]
    first, second = owners().parts(rows, "program", 1.0)
    assert (first.name, first.at_peak_bytes, first.peak_bytes, first.area_byte_s) == ("ld", 5.0, 5.0, 7.5)
    assert (first.start_s, first.end_s) == (2.0, 2.0)
    assert (second.name, second.at_peak_bytes, second.peak_bytes, second.area_byte_s) == ("make", 2.0, 3.0, 6.5)
    assert (second.start_s, second.end_s) == (1.0, 4.0)
    late = owners().parts([*rows, reading(6.0, index=12, p99=1.0)], "program", 0.0)
    assert [(part.name, part.at_peak_bytes) for part in late] == [("ld", 5.0), ("make", 2.0), ("?", 0.0)]
    assert owners().parts([], "program", 0.0) == []


# the kernel's peak


def test_the_kernels_peak_is_the_highest_that_any_line_tells():
    record = command()
    (low,) = lines_of(record, "watch", "exited")
    seen, last, _ = parts(record)
    assert kernel_peak(seen, last) == KernelPeak(100.0 * MIB, 100.0 * MIB, (low,))
    for values in ({"low_bytes": 101.0 * MIB, "high_bytes": 103.0 * MIB}, {"memory_bytes": 101.0 * MIB}):
        record = memory(5.0, **values)(command())
        seen, last, _ = parts(record)
        high = values.get("high_bytes", 100.0 * MIB)
        assert kernel_peak(seen, last) == KernelPeak(101.0 * MIB, high, (lines_of(record, "watch", "memory")[10],))
    seen, last, _ = parts(command(low_bytes=110.0 * MIB, high_bytes=120.0 * MIB))
    assert kernel_peak(seen, last).low_bytes == 110.0 * MIB
    assert kernel_peak(seen, last).high_bytes == 120.0 * MIB


def test_a_peak_that_one_line_does_not_bound_has_no_bound():
    for record in (memory(5.0, high_bytes=None)(command()), command(high_bytes=None)):
        seen, last, _ = parts(record)
        assert (kernel_peak(seen, last).low_bytes, kernel_peak(seen, last).high_bytes) == (100.0 * MIB, math.inf)
    seen, last, _ = parts(command().drop("watch", "memory"))
    assert kernel_peak(seen, last).high_bytes == 100.0 * MIB
    seen, last, _ = parts(command().drop("watch", "memory").drop("watch", "exited"))
    assert kernel_peak(seen, last) == KernelPeak(0.0, math.inf, ())


def test_the_kernels_lines_are_those_of_the_attempt_with_what_closed_it():
    record = command(start=1.0, end=3.0, more=0.5)
    for t, size in ((0.9, 900.0), (3.5, 200.0), (3.6, 900.0)):
        record.sample(t, WatchMemory(memory_bytes=size * MIB, low_bytes=0.0, high_bytes=0.0))
    seen, last, _ = parts(record)
    assert kernel_peak(seen, last).low_bytes == 200.0 * MIB


# whether to trust it


def test_a_good_record_is_trusted():
    assert trust(command()) == ""
    assert trust(command(followed="processes").drop("watch", "memory")) == ""
    assert trust(command(followed="").drop("watch", "memory")) == ""


@pytest.mark.parametrize(
    ("source", "meter", "name"),
    [("watch", "memory", "anon_bytes"), ("process", "tree", "rss_bytes"), ("process", "pss", "pid_10_bytes")],
)
@pytest.mark.parametrize(
    ("number", "text"),
    [
        (-1.0, "a reading of {} is negative: -1"), (math.nan, "a reading of {} is not a number: nan"),
        (math.inf, "a reading of {} is not a number: inf"), ("9", "a reading of {} is not a number: 9"),
    ],
)  # fmt: skip
def test_a_number_that_cannot_be_is_named(source, meter, name, number, text):
    for t in (0.0, 5.0, 10.0):
        assert trust(at(t, source, meter, **{name: number})(command())) == text.format(name)
    assert trust(at(5.0, source, meter, **{name: 0.0})(moving(""))) == ""


@pytest.mark.parametrize("name", ["low_bytes", "high_bytes", "largest_process_bytes", "unseen", "growing"])
def test_a_number_of_the_end_that_cannot_be_is_named(name):
    assert trust(command(**{name: -2.0})) == f"a reading of {name} is negative: -2"
    assert trust(command(**{name: math.nan})) == f"a reading of {name} is not a number: nan"


def test_what_lies_outside_of_the_attempt_is_not_looked_at():
    record = command(start=1.0, end=3.0, more=0.5)
    for t in (0.9, 3.1):
        record.sample(t, ProcessTree(rss_bytes=-1.0)).sample(t, ProcessPss.of({"pss_bytes": -1.0}))
    assert trust(record) == ""
    for t in (1.0, 3.0):
        at_edge = command(start=1.0, end=3.0, more=0.5)
        assert "negative" in trust(at(t, "process", "tree", rss_bytes=-1.0)(at_edge))


def test_what_still_grew_a_reading_that_failed_and_one_that_is_missing_are_named():
    assert trust(command(growing=1.0)) == "what outlived the command was still taking memory when it was ended"
    assert trust(command(growing=0.0)) == ""
    assert trust(command().sample(5.0, WatchMemory(error="gone"))) == "a reading failed: gone"
    assert trust(command().sample(5.0, ProcessTree(error="away"))) == "a reading failed: away"
    assert trust(command(low_bytes=None)) == "the kernel's count of its memory is missing at its end"
    assert trust(command(low_bytes=None, followed="")) == "the kernel's count of its memory is missing at its end"
    assert trust(command(low_bytes=None, followed="processes").drop("watch", "memory")) == ""
    assert trust(command().drop("watch", "memory")) == "the kernel's count of its memory is missing"


def clocks(*, repeat, readings_, followed="cgroup"):
    """Readings of which so many share the first one's clock."""
    record = command(end=(readings_ - 1) / 2, followed=followed)
    return record.change(
        "watch", "memory", lambda e: e.value | {"clock_s": 1000.0 if e.t * 2 < repeat else 1000.0 + e.t}
    )


@pytest.mark.parametrize(
    ("readings_", "repeat", "stands"), [(5, 5, True), (4, 4, False), (6, 4, True), (6, 3, False), (5, 3, False)]
)
def test_a_clock_that_stands_still_was_not_read_anew(readings_, repeat, stands):
    text = "the kernel's count of its memory was not read anew"
    assert trust(clocks(repeat=repeat, readings_=readings_)) == (text if stands else "")
    assert trust(clocks(repeat=repeat, readings_=readings_, followed="")) == ""


def moving(still, *, count=10, by=26 * MIB, level=100.0 * MIB):
    """A record in which one meter stands still and the others rise once by `by`."""
    record = command(end=(count - 1) / 2)

    def high(t):
        return level + (by if t > 1 else 0.0)

    changes = {
        "memory": ("watch", "memory", lambda e: e.value | {"memory_bytes": high(e.t)}),
        "rss": ("process", "tree", lambda e: e.value | {"rss_bytes": high(e.t)}),
        "pss": ("process", "pss", lambda e: e.value | {"pid_10_bytes": high(e.t)}),
    }
    for name, change in changes.items():
        if name != still:
            record.change(*change)
    return record


@pytest.mark.parametrize(("still", "name"), [("memory", "all memory"), ("rss", "resident memory"), ("pss", "PSS")])
def test_a_meter_that_stands_still_while_another_moves_is_named(still, name):
    text = f"the reading of {name} stands still while the others move"
    assert trust(moving(still, by=40 * MIB)) == text
    assert trust(moving(still, by=40 * MIB, count=9)) == ""
    assert trust(moving(still, by=32 * MIB, level=96.0 * MIB)) == ""
    assert trust(moving(still, by=34 * MIB)) == text
    assert trust(moving(still, by=16 * MIB, level=0.0)) == ""
    assert trust(moving(still, by=16 * MIB + 1, level=0.0)) == text
    nudged = {"memory": ("watch", "memory", "memory_bytes"), "rss": ("process", "tree", "rss_bytes"),
              "pss": ("process", "pss", "pid_10_bytes")}[still]  # fmt: skip
    assert trust(at(1.0, *nudged[:2], **{nudged[2]: 101.0 * MIB})(moving(still, by=40 * MIB))) == ""


def test_memory_that_left_the_control_group_was_not_counted():
    assert doubted(command()) == ""
    assert doubted(command(unseen=2.0)) == "2 of its processes left its control group"
    assert doubted(command(unseen=2.0, followed="")) == ""
    assert doubted(command().drop("watch", "exited")) == ""


@pytest.mark.parametrize("more", [{"followed": "processes"}, {"high_bytes": None}])
def test_few_readings_do_not_show_the_peak(more):
    few = command(end=1.5, **more)
    assert doubted(few) == "its memory was read only 4 times, and the kernel did not count it"
    assert doubted(command(end=2.0, **more)) == ""
    assert doubted(command(end=1.5)) == ""


@pytest.mark.parametrize(
    ("largest", "count", "limit", "hidden"),
    [
        (120.0, 1.0, 100, False), (121.0, 1.0, 221, False), (121.0, 1.0, 220, True), (121.0, 2.0, 341, True),
        (121.0, 2.0, 342, False), (121.0, None, 100, False), (121.0, None, 99, True), (121.0, 0.0, 99, True),
    ],
)  # fmt: skip
def test_processes_that_were_larger_than_was_read_may_have_been_many(largest, count, limit, hidden):
    record = command(followed="processes", largest_process_bytes=largest * MIB, unseen=count)
    text = f"a process reached {largest:.0f} MiB between two readings, and nobody knows how many did at once"
    assert doubted(record, limit * MIB) == (text if hidden else "")


# the claims


def said(verdict):
    return str(verdict.outcome), verdict.message, verdict.hint


def test_how_the_command_ended_is_told_with_mode_attempt_and_hint(kept_too):
    for ended in (
        {}, {"status": 3.0}, {"status": -9.0, "signal": "SIGKILL"}, {"status": -15.0}, {"status": -0.0, "signal": "X"},
        {"status": 137.0, "signal": "SIGKILL"}, {"status": -6.0, "signal": "SIGABRT"},
        {"status": 1.0, "oom_kill": "machine"}, {"oom_kill": "true", "status": 1.0},
        {"status": 1.0, "largest_process_bytes": 170.0 * MIB}, {"status": 1.0, "largest_process_bytes": 169.0 * MIB},
        {"status": 1.0, "largest_process_bytes": 201.0 * MIB},
    ):  # fmt: skip
        for mode in ("", "safe"):
            record = command(mode=mode, **ended)
            kept_too.append(command_succeeds(history(record), plan=plan(limit_bytes=200 * MIB)))
            kept_too.append(command_succeeds(history(record), plan=plan(retries=2)))
    twice = attempt(attempt(Record(), mode="a"), 2, 11.0, 20.0, mode="b", status=1.0)
    kept_too.append(command_succeeds(twice.history(), plan=plan(retries=2)))
    stopped = attempt(Record()).sample(9.0, WatchInterrupted("SIGINT")).sample(9.5, WatchInterrupted("SIGTERM"))
    kept_too.append(command_succeeds(stopped.history(), plan=plan()))
    kept_too.append(command_succeeds(Record().history(), plan=plan()))


REASONS = [
    ({"oom_kill": "true"}, 200, "the kernel killed at the limit 200 MiB"),
    ({"oom_kill": "true"}, None, "the kernel killed at the limit 0 B"),
    ({}, 99, "its peak 100 MiB was over the limit 99 MiB"),
    ({}, 100, ""),
    ({"status": 1.0, "oom_kill": "machine"}, 200, "the kernel's OOM killer acted on this machine meanwhile"),
    ({"status": 0.0, "oom_kill": "machine"}, 200, ""),
    ({"status": -6.0, "signal": "SIGABRT"}, 200, "it ended by SIGABRT, as Node does at the limit of its own heap"),
    ({"status": 1.0}, 117, "its peak 100 MiB was near the 117 MiB that it could have"),
    ({"status": 1.0}, 118, ""),
    ({"status": 0.0}, 117, ""),
    ({"status": 1.0, "largest_process_bytes": 170.0 * MIB}, 200,
     "its peak 170 MiB was near the 200 MiB that it could have"),
    ({"status": 1.0, "available": 110 * MIB}, None, "its peak 100 MiB was near the 110 MiB that it could have"),
]  # fmt: skip


@pytest.mark.parametrize(("ended", "limit_mib", "reason"), REASONS)
def test_the_reason_to_believe_that_memory_ended_it(ended, limit_mib, reason):
    seen, last, _ = parts(command(**ended))
    limit = None if limit_mib is None else limit_mib * MIB
    assert memory_reason(seen, plan(limit_bytes=limit), last) == reason


def test_a_kill_from_outside_is_told_as_such():
    record = command(status=-9.0, signal="SIGKILL", low_bytes=100.0 * MIB)
    hint = command_succeeds(history(record), plan=plan(limit_bytes=200 * MIB)).hint
    assert hint == "it had 100 MiB, 50 % of what it could have: somebody else killed it, and not for memory"
    free = command(status=-9.0, signal="SIGKILL", available="")
    hint = command_succeeds(history(free), plan=plan()).hint
    assert hint == "memory does not seem to be why; see the command's own output"
    other = command(status=-15.0, signal="SIGTERM")
    assert command_succeeds(history(other), plan=plan(limit_bytes=200 * MIB)).hint == hint


@pytest.mark.parametrize(
    ("after", "until", "outcome"), [(3.1, 4.9, "PASS"), (3.1, 5.4, "UNKNOWN"), (0.1, 1.9, "PASS"), (8.1, 9.9, "PASS")]
)
def test_a_tenth_of_the_time_may_be_missed(after, until, outcome):
    record = command(followed="processes").drop("process", "tree", after=after, until=until)
    told = memory_is_measured(history(record), plan=plan())
    assert str(told.outcome) == outcome
    if outcome == "UNKNOWN":
        assert told.message == "its memory was not read during 1.5 s of 10 s"
    limited = peak_stays_within_budget(history(record), plan=plan(limit_bytes=200 * MIB))
    assert str(limited.outcome) == outcome


def wide(**ended):
    """A record with four programs, two kinds beside them, and a peak at 5 s."""
    record = command(**ended)
    for pid, program in ((11, "cc1"), (12, "ld"), (13, "as")):
        record.sample(0.0, ProcessMember(number=pid, pid=str(pid), program=program, phase="other", command=program))
    held = {"pss_bytes": 120.0 * MIB, "pid_10_bytes": 50.0 * MIB, "pid_11_bytes": 40.0 * MIB,
            "pid_12_bytes": 20.0 * MIB, "pid_13_bytes": 10.0 * MIB, "files_bytes": 5.0 * MIB}  # fmt: skip
    return at(5.0, "process", "pss", **held)(record)


def test_measured_memory_is_told_with_who_held_it(kept_too):
    for record in (
        wide(), wide(low_bytes=127.5 * MIB, high_bytes=128.0 * MIB), wide(low_bytes=127.4 * MIB),
        wide(low_bytes=128.0 * MIB, followed="processes"), wide(low_bytes=None, high_bytes=None, followed="processes"),
        wide(high_bytes=None, largest_process_bytes=None),
    ):  # fmt: skip
        kept_too.append(memory_is_measured(history(record), plan=plan()))
    first = memory_is_measured(history(wide()), plan=plan())
    assert first.message == (
        "peak 125 MiB after 5 s (make 50 MiB, cc1 40 MiB, ld 20 MiB and 2 more); area 1012 MiB·s; 10 s"
    )
    assert first.events == (lines_of(wide(), "process", "pss")[10],)


def short(**ended):
    return command(end=0.0, more=0.1, **ended).drop("process")


def test_a_command_that_was_never_read_is_known_by_the_kernels_count(kept_too):
    for record in (short(), short(low_bytes=0.0), short(high_bytes=None), short(followed="processes")):
        for claim in (memory_is_measured, peak_stays_within_budget, peak_stays_near_baseline):
            wanted = plan(limit_bytes=200 * MIB, baseline=baseline(95))
            kept_too.append(claim(history(record), plan=wanted))
    for claim in (memory_is_measured, peak_stays_within_budget, peak_stays_near_baseline):
        kept_too.append(claim(Record().history(), plan=plan(limit_bytes=200 * MIB, baseline=baseline(95))))
    told = memory_is_measured(history(short()), plan=plan())
    assert told.message == "peak 100 MiB, by the kernel's count; it ended before its processes were read"
    nothing = memory_is_measured(history(short(high_bytes=None)), plan=plan())
    assert nothing.message == "`make build` ended before its memory was read once"


LIMITS = [99, 99.999, 100, 100.001, 120, 124, 125, 126, 150, 200]


@pytest.mark.parametrize("limit_mib", LIMITS)
def test_a_limit_is_kept_up_to_itself(kept_too, limit_mib):
    limit = plan(limit_bytes=int(limit_mib * MIB))
    for record in (
        command(), wide(), wide(low_bytes=125.0 * MIB, high_bytes=150.0 * MIB),
        command(largest_process_bytes=120.0 * MIB),
        command(low_bytes=124.0 * MIB, high_bytes=124.0 * MIB), command(oom_kill="true"), command(unseen=1.0),
        command(followed="processes", largest_process_bytes=121.0 * MIB, unseen=1.0),
        every("watch", "memory", high_bytes=None)(command(high_bytes=None)),
    ):  # fmt: skip
        kept_too.append(peak_stays_within_budget(history(record), plan=limit))


def test_a_limit_is_kept_by_a_peak_as_high_and_broken_by_a_page_more():
    assert str(peak_stays_within_budget(history(command()), plan=plan(limit_bytes=100 * MIB)).outcome) == "PASS"
    told = peak_stays_within_budget(history(command()), plan=plan(limit_bytes=100 * MIB - 4096))
    assert told.message == (
        "make (pid 10) held 100 MiB of 100 MiB when the limit 100 MiB was crossed by 4 KiB after 0 s; "
        "peak 100 MiB (make 100 MiB)"
    )
    counted = every("watch", "memory", low_bytes=100.0 * MIB + 4096)(command())
    told = peak_stays_within_budget(history(counted), plan=plan(limit_bytes=100 * MIB))
    assert "together reached 100 MiB (4 KiB more than the limit) between two readings" in told.message
    one = command(largest_process_bytes=100.0 * MIB + 4096)
    told = peak_stays_within_budget(history(one), plan=plan(limit_bytes=100 * MIB))
    assert "one process reached 100 MiB (4 KiB more than the limit) between two readings" in told.message


def test_the_kinds_of_memory_at_the_highest_reading_are_named(kept_too):
    def high(**kinds):
        none = dict.fromkeys(("anon_bytes", "shmem_bytes", "swap_bytes", "kernel_bytes", "hugetlb_bytes"), 0.0)
        record = memory(5.0, **(none | {"memory_bytes": 101.0 * MIB} | {k: v * MIB for k, v in kinds.items()}))(
            command()
        )
        return every("watch", "memory", low_bytes=202.0 * MIB)(record)

    cases = {
        "anonymous 60 MiB, files in memory 30 MiB": {"anon_bytes": 60.0, "shmem_bytes": 30.0, "kernel_bytes": 11.0},
        "huge pages 60 MiB, swapped out 30 MiB": {"hugetlb_bytes": 60.0, "swap_bytes": 30.0, "kernel_bytes": 1.0},
        "the kernel's own 101 MiB": {"kernel_bytes": 101.0},
    }
    for text, kinds in cases.items():
        told = peak_stays_within_budget(history(high(**kinds)), plan=plan(limit_bytes=150 * MIB))
        kept_too.append(told)
        assert told.message.endswith(f"; at the highest reading {text}")
    for far in (high(), every("watch", "memory", low_bytes=203.0 * MIB)(high(anon_bytes=60.0))):
        told = peak_stays_within_budget(history(far), plan=plan(limit_bytes=150 * MIB))
        assert "at the highest reading" not in told.message


@pytest.mark.parametrize("mib", [90, 100, 101, 110, 111, 113, 114, 125, 138, 139, 150])
def test_a_peak_is_as_recorded_within_the_tolerance(kept_too, mib):
    for record in (
        wide(), command(), command(low_bytes=110.0 * MIB, high_bytes=120.0 * MIB), command(unseen=1.0),
        command(growing=1.0), command(followed="processes").drop("process", "tree", after=3, until=6),
    ):  # fmt: skip
        kept_too.append(peak_stays_near_baseline(history(record), plan=plan(baseline=baseline(mib))))
        kept_too.append(peak_stays_near_baseline(history(record), plan=plan(baseline=baseline(mib, mib + 20))))


def test_what_cannot_be_compared_says_why(kept_too):
    seen = history(command())
    for wanted in (
        plan(), plan(incomparable="it is of another command"), plan(baseline=baseline(100), incomparable="other"),
    ):  # fmt: skip
        kept_too.append(peak_stays_near_baseline(seen, plan=wanted))
    kept_too.append(peak_stays_near_baseline(history(command(mode="safe")), plan=plan(baseline=baseline(100))))
    assert highest_bytes(*parts(command())[:2]) == 100.0 * MIB
    assert highest_bytes(*parts(wide())[:2]) == 125.0 * MIB
    assert highest_bytes(*parts(command(low_bytes=130.0 * MIB))[:2]) == 130.0 * MIB
