"""What in the record of a watched command cannot be: each rule just kept, and just broken.

0 start ── 10 end; one process of 100 MiB, read every half second by every meter; the kernel counted 100 MiB at most
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from histories import MIB, Record
from test_doubts import as_verdict
from test_watch_checks import plan

from leakdrill.judging.watch.judge import judge_watch
from leakdrill.judging.watch.plan import Mode
from leakdrill.judging.watch.watch_doubts import watch_doubts
from leakdrill.record.events import (
    CgroupResources,
    ProcessMember,
    ProcessPss,
    ProcessTree,
    RecordCovers,
    RunPhase,
    WatchAttempt,
    WatchExited,
    WatchMemory,
    WatchThreshold,
)
from leakdrill.record.history import History

PAGE = 4096
PEAK = 100.0 * MIB
MEMORY = {
    "memory_bytes": 100.0 * MIB, "low_bytes": PEAK, "high_bytes": PEAK, "cache_bytes": 0.0, "anon_bytes": 90.0 * MIB,
    "shmem_bytes": 0.0, "swap_bytes": 0.0, "kernel_bytes": 10.0 * MIB, "hugetlb_bytes": 0.0,
}  # fmt: skip
ENDED = {"low_bytes": PEAK, "high_bytes": PEAK, "left_bytes": 0.0, "unseen": 0.0, "largest_process_bytes": 100.0 * MIB}
APART = 16 * MIB
MOST = PEAK * 1.05 + APART


def command(*, start=0.0, end=10.0, followed="cgroup", number="1", mode="", available=8 * 2**30, more=0.2, **ended):
    """A record that holds no doubt, but for what `ended` says of its end."""
    record = Record().act(RunPhase(phase="load"), 0.0, end + 0.3).sample(0.0, RecordCovers())
    asked = WatchAttempt(number=number, mode=mode, available_bytes=str(available), followed=followed)
    record.act(asked, start, end + more)
    record.sample(start, ProcessMember(number=10, pid="10", program="make", phase="other", command="make"))
    for half in range(int((end - start) * 2) + 1):
        t = start + half / 2
        record.sample(t, ProcessTree(rss_bytes=100.0 * MIB, processes=1.0))
        record.sample(t, CgroupResources(anon_bytes=90.0 * MIB, usage_bytes=100.0 * MIB, oom_kills=0.0))
        record.sample(t, WatchMemory(**MEMORY, clock_s=1000.0 + t))
        parts = {"pss_bytes": 100.0 * MIB, "pid_10_bytes": 100.0 * MIB, "files_bytes": 0.0, "rest_bytes": 0.0}
        record.sample(t, ProcessPss.of(parts))
    values = {"status": 0.0, "number": number, "oom_kill": "false", "at": end} | ENDED | ended
    return record.sample(end, WatchExited(**values))


def history(record):
    ordered = sorted(record.events, key=lambda e: e.t)
    return History([replace(e, index=i, phase="load") for i, e in enumerate(ordered)])


def found(record, **plan_changes):
    """The doubts but those about single numbers, which other tests see to."""
    return [doubt for doubt in watch_doubts(history(record), plan(**plan_changes)) if not doubt.about]


def said(record, **plan_changes):
    return [doubt.text for doubt in found(record, **plan_changes)]


def lines_of(record, source, name):
    return [e.index for e in history(record) if (e.source, e.name) == (source, name)]


def at(t, of, name, **values):
    """Changes the reading at `t`; None takes a value away."""

    def change(record):
        def new(event):
            if event.t != t:
                return event.value
            return {k: v for k, v in (event.value | values).items() if v is not None}

        return record.change(of, name, new)

    return change


def every(of, name, **values):
    def change(record):
        return record.change(of, name, lambda e: {k: v for k, v in (e.value | values).items() if v is not None})

    return change


def memory(t, **values):
    return at(t, "watch", "memory", **values)


def test_a_record_that_agrees_with_itself_is_not_in_doubt():
    assert found(command()) == []
    assert found(command(followed="processes", left_bytes=None)) == []
    here = history(command(available=200 * MIB))
    assert {v.outcome for v in judge_watch(here, plan(limit_bytes=200 * MIB))} == {"PASS"}


def test_only_a_sealed_record_must_have_everything():
    assert found(command(low_bytes=None).drop("record")) == []


ALWAYS = [
    "memory_bytes", "low_bytes", "cache_bytes", "anon_bytes", "shmem_bytes", "kernel_bytes", "hugetlb_bytes",
    "swap_bytes", "clock_s",
]  # fmt: skip


@pytest.mark.parametrize("name", ALWAYS)
@pytest.mark.parametrize(("t", "when"), [(0.0, "0 s"), (5.0, "5 s"), (10.0, "10 s")])
def test_each_count_of_the_kernel_is_whole(name, t, when):
    record = memory(t, **{name: None})(command())
    (doubt,) = found(record)
    assert doubt.text == f"the kernel's count at {when} lacks {name}"
    assert doubt.events == (lines_of(record, "watch", "memory")[int(t * 2)],)


def test_of_a_count_that_lacks_much_two_are_named_and_only_of_the_first():
    record = memory(6.0, clock_s=None)(memory(5.0, clock_s=None, swap_bytes=None, anon_bytes=None)(command()))
    assert said(record) == ["the kernel's count at 5 s lacks anon_bytes and swap_bytes"]


def test_the_kernels_count_is_looked_at_only_where_there_is_one_and_within_the_attempt():
    assert said(command(followed="processes").drop("watch", "memory")) == []
    assert "lacks" in said(memory(5.0, clock_s=None)(command(followed="cgroup")))[0]
    assert said(memory(5.0, clock_s=None)(command(followed="processes"))) == []
    late = command().sample(10.2, WatchMemory(memory_bytes=1.0))
    assert "the kernel's count at 10 s lacks low_bytes and cache_bytes" in said(late)
    assert said(command().sample(10.21, WatchMemory(memory_bytes=1.0))) == []
    empty = command().sample(5.0, WatchMemory(error="no such file"))
    assert said(empty) == []


@pytest.mark.parametrize("lacks", ["low_bytes", "left_bytes"])
def test_an_end_that_lacks_a_count_is_a_doubt_and_nothing_is_compared_with_it(lacks):
    record = memory(5.0, memory_bytes=900.0 * MIB)(command(**{lacks: None}))
    (doubt,) = found(record)
    assert doubt.text == f"the end of the command lacks {lacks}"
    assert doubt.events == (lines_of(record, "watch", "exited")[0],)


NOT_ITS_TIME = "by its own clock the kernel's count was read {} s after the first, and by the record's {} s"


@pytest.mark.parametrize(
    ("clock_s", "texts"),
    [
        (1007.0, []),
        (1003.5, [NOT_ITS_TIME.format("3.5", "5.0")]),  # less than the one before
        (1004.5, []),
        (1007.001, [NOT_ITS_TIME.format("7.0", "5.0")]),
        (0.0, [NOT_ITS_TIME.format("-1000.0", "5.0")]),
    ],
)
def test_the_kernels_clock_runs_as_that_of_the_record(clock_s, texts):
    record = memory(5.0, clock_s=clock_s)(command())
    record = record if clock_s != 1007.0 else record.change("watch", "memory", _later_clock)
    assert said(record) == texts
    counts = lines_of(record, "watch", "memory")
    assert [doubt.events for doubt in found(record)] == [(counts[0], counts[10])] * len(texts)


def _later_clock(event):
    return event.value | {"clock_s": event.value["clock_s"] + (2.0 if event.t > 5 else 0.0)}


def test_a_clock_that_is_two_seconds_behind_is_told_once_with_both_times():
    def slow(event):
        return event.value | {"clock_s": 1000.0 + event.t * 0.5}

    record = command().change("watch", "memory", slow)
    counts = lines_of(record, "watch", "memory")
    (doubt,) = found(record)
    assert (doubt.text, doubt.events) == (NOT_ITS_TIME.format("2.2", "4.5"), (counts[0], counts[9]))


MISSED = "the kernel's count of its memory is missing for {}"


@pytest.mark.parametrize(
    ("after", "until", "texts"),
    [
        (4.6, 5.9, []),
        (4.6, 6.4, []),  # from 4.5 s to 6.5 s, of which one second is usual
        (4.6, 6.5, [MISSED.format("1.5 s")]),
        (0.0, 1.9, []),
        (0.0, 2.4, [MISSED.format("1.5 s")]),
        (9.6, 10.0, ["the kernel's count of its memory was not read at its end"]),
        (7.6, 10.0, ["the kernel's count of its memory was not read at its end", MISSED.format("1.5 s")]),
    ],
)
def test_the_kernels_count_is_there_throughout(after, until, texts):
    record = command().drop("watch", "memory", after=after, until=until)
    assert said(record) == texts
    ends = [doubt.events for doubt in found(record) if "at its end" in doubt.text]
    assert ends == [(lines_of(record, "watch", "memory")[-1],)] * len(ends)


def test_a_count_that_is_nowhere_is_missing_throughout():
    (doubt,) = found(command().drop("watch", "memory"))
    assert (doubt.text, doubt.events) == (MISSED.format("9 s"), ())


@pytest.mark.parametrize(
    ("low", "high", "texts"),
    [
        (PEAK, PEAK * 0.9989, [
            "the peak is at least 100 MiB and at most 99.9 MiB",
            "the peak is at most 99.9 MiB at the end, and was 100 MiB between two readings",
        ]),
        (PEAK * 1.001, PEAK, []),
        (PEAK * 1.00101, PEAK, [
            "the peak is at least 100 MiB and at most 100 MiB",
            "the peak is 100 MiB at the end, and the highest between two readings was 100 MiB",
        ]),
        (PEAK, PEAK / 2, [
            "the peak is at least 100 MiB and at most 50 MiB",
            "the peak is at most 50 MiB at the end, and was 100 MiB between two readings",
        ]),
        (PEAK * 1.001, PEAK * 1.001, []),
        (PEAK * 1.0011, PEAK * 1.0011, [
            "the peak is 100 MiB at the end, and the highest between two readings was 100 MiB",
            "the peak is at most 100 MiB at the end, and was 100 MiB between two readings",
        ]),
        (PEAK * 0.9989, PEAK, ["the peak is 99.9 MiB at the end, and the highest between two readings was 100 MiB"]),
        (PEAK * 0.999, PEAK * 1.0011, [
            "the peak is at most 100 MiB at the end, and was 100 MiB between two readings"
        ]),
        (PEAK, None, [
            "the upper bound of the peak is known at the end, or between two readings, and not both"
        ]),
    ],
)  # fmt: skip
def test_the_peak_at_the_end_is_the_highest_of_those_before(kept_too, low, high, texts):
    record = command(low_bytes=low, high_bytes=high)
    assert said(record) == texts
    kept_too += [as_verdict(doubt) for doubt in found(record)]


def test_the_highest_between_two_readings_is_named_with_its_line():
    record = memory(5.0, low_bytes=PEAK * 1.002)(command())
    assert [doubt.events for doubt in found(record)] == [
        (lines_of(record, "watch", "memory")[10], lines_of(record, "watch", "exited")[0])
    ]


def test_the_upper_bound_is_known_of_all_readings_and_of_the_end_or_of_neither():
    both = "the upper bound of the peak is known at the end, or between two readings, and not both"
    assert said(memory(5.0, high_bytes=None)(command())) == [both]
    assert said(memory(5.0, high_bytes=None)(command(high_bytes=None))) == []
    assert said(every("watch", "memory", high_bytes=None)(command(high_bytes=None))) == []
    assert said(every("watch", "memory", high_bytes=None)(command())) == []


OVER = "{} was {} at {}, and the peak of all memory 100 MiB"


@pytest.mark.parametrize("name", ["anon_bytes", "shmem_bytes", "kernel_bytes", "hugetlb_bytes", "memory_bytes"])
@pytest.mark.parametrize(("t", "when"), [(0.0, "0 s"), (5.0, "5 s"), (10.0, "10 s")])
def test_no_part_of_the_kernels_count_is_more_than_its_peak(name, t, when):
    whole = {"pss_bytes": 121.0 * MIB}
    kept = at(t, "process", "pss", **whole)(memory(t, **{name: MOST})(command()))
    assert said(kept) == []
    broken = at(t, "process", "pss", **whole)(memory(t, **{name: MOST + PAGE})(command()))
    (doubt,) = found(broken)
    assert doubt.text == OVER.format(name, "121 MiB", when)
    assert doubt.events == (lines_of(broken, "watch", "memory")[int(t * 2)], lines_of(broken, "watch", "exited")[0])


@pytest.mark.parametrize(
    ("source", "meter", "name"),
    [("cgroup", "resources", "memory_bytes"), ("cgroup", "resources", "anon_bytes"), ("process", "pss", "pss_bytes")],
)
@pytest.mark.parametrize(("t", "when"), [(0.0, "0 s"), (5.0, "5 s"), (10.0, "10 s")])
def test_no_other_meter_read_more_than_the_kernels_peak(source, meter, name, t, when):
    assert said(at(t, source, meter, **{name: MOST})(command())) == []
    broken = at(t, source, meter, **{name: MOST + PAGE})(command())
    (doubt,) = found(broken)
    assert doubt.text == OVER.format(name, "121 MiB", when)
    assert doubt.events == (lines_of(broken, source, meter)[int(t * 2)], lines_of(broken, "watch", "exited")[0])


def test_what_the_command_left_behind_is_no_more_than_its_peak():
    assert said(command(left_bytes=MOST)) == []
    assert said(command(left_bytes=MOST + PAGE)) == [OVER.format("left_bytes", "121 MiB", "10 s")]


def test_a_reading_outside_of_the_attempt_is_no_part_of_its_peak():
    late = [CgroupResources(anon_bytes=900.0 * MIB, oom_kills=0.0), ProcessTree(rss_bytes=900.0 * MIB, processes=1.0)]
    for event in late:
        assert said(command().sample(10.25, event)) == []


def test_a_higher_lower_bound_is_the_peak():
    record = every("watch", "memory", low_bytes=200.0 * MIB)(command(low_bytes=200.0 * MIB))
    record = at(5.0, "process", "pss", pss_bytes=200.0 * MIB)(record)
    assert said(record) == ["the peak is at least 200 MiB and at most 100 MiB"]
    beyond = at(5.0, "process", "pss", pss_bytes=300.0 * MIB)(record)
    assert said(beyond)[1] == "pss_bytes was 300 MiB at 5 s, and the peak of all memory 200 MiB"


def test_processes_that_the_kernel_did_not_count_may_hold_more():
    record = at(5.0, "process", "pss", pss_bytes=900.0 * MIB)(command(unseen=1.0))
    assert said(record) == []


@pytest.mark.parametrize("high", [None, PEAK])
def test_where_something_is_swapped_out_or_the_peak_is_not_known_more_may_be_read(high):
    record = every("watch", "memory", high_bytes=high)(command(high_bytes=high))
    record = at(5.0, "cgroup", "resources", anon_bytes=900.0 * MIB)(record)
    assert len(said(record)) == (0 if high is None else 1)
    assert said(memory(3.0, swap_bytes=1.0 * PAGE)(record)) == []


@pytest.mark.parametrize(("t", "when"), [(0.0, "0 s"), (5.0, "5 s")])
def test_no_more_is_swapped_out_than_there_is(t, when):
    assert said(memory(t, swap_bytes=100.0 * MIB + APART)(command())) == []
    broken = memory(t, swap_bytes=100.0 * MIB + APART + 1)(command())
    broken = memory(6.0, swap_bytes=900.0 * MIB)(broken)
    (doubt,) = found(broken)
    assert doubt.text == f"more is swapped out at {when} than there is"
    assert doubt.events == (lines_of(broken, "watch", "memory")[int(t * 2)],)


LARGEST = 100.0 * MIB * 1.05 + APART


def test_no_process_was_larger_than_the_largest():
    wide = every("watch", "memory", high_bytes=500.0 * MIB)(command(high_bytes=500.0 * MIB))
    for source, meter, name in (("process", "tree", "rss_bytes"), ("process", "pss", "pid_10_bytes")):
        for t in (0.0, 5.0, 10.0):
            whole = {"pss_bytes": 121.0 * MIB} if meter == "pss" else {}
            assert said(at(t, source, meter, **{name: LARGEST}, **whole)(command())) == []
            broken = at(t, source, meter, **{name: LARGEST + PAGE}, **whole)(command())
            (doubt,) = found(broken)
            assert doubt.text == (f"one process held 121 MiB at {t:g} s, and none held more than 100 MiB by the kernel")
            assert doubt.events[0] == lines_of(broken, source, meter)[int(t * 2)]
            assert doubt.events[1:] == (lines_of(broken, "watch", "exited")[0],)
    assert said(at(5.0, "process", "tree", rss_bytes=900.0 * MIB, processes=2.0)(wide)) == []


def test_of_processes_that_were_not_counted_nobody_knows_which_was_the_largest():
    for more in ({"unseen": 1.0}, {"largest_process_bytes": None}):
        assert said(at(5.0, "process", "tree", rss_bytes=900.0 * MIB)(command(**more))) == []


def test_the_largest_process_had_memory():
    record = command(largest_process_bytes=0.0, unseen=1.0)
    (doubt,) = found(record)
    assert doubt.text == "the largest process of the command had no memory"
    assert doubt.events == (lines_of(record, "watch", "exited")[0],)
    assert said(command(largest_process_bytes=1.0 * PAGE, unseen=1.0)) == []


def test_all_that_the_kernel_counted_is_divided_among_the_processes():
    least = 100.0 * MIB * 0.999 - PAGE
    for part in ("pss_bytes", "files_bytes", "rest_bytes"):
        for t in (0.0, 5.0, 10.0):
            divided = {"pss_bytes": 0.0, "pid_10_bytes": 0.0, "files_bytes": 0.0, "rest_bytes": 0.0}
            assert said(at(t, "process", "pss", **(divided | {part: least}))(command())) == []
            broken = at(t, "process", "pss", **(divided | {part: least - 1}))(command())
            (doubt,) = found(broken)
            assert doubt.text == (
                f"99.9 MiB were divided among the processes at {t:g} s, and the kernel had counted 100 MiB"
            )
            assert doubt.events == (
                lines_of(broken, "watch", "memory")[int(t * 2)],
                lines_of(broken, "process", "pss")[int(t * 2)],
            )


def test_a_division_before_the_first_count_or_outside_of_the_attempt_is_of_nothing():
    parts = {"pss_bytes": 1.0, "files_bytes": 0.0, "rest_bytes": 0.0}
    early = command(start=1.0).sample(0.9, ProcessPss.of(parts)).sample(10.25, ProcessPss.of(parts))
    assert said(early) == []
    early = at(5.0, "process", "pss", pss_bytes=1.0, pid_10_bytes=1.0)(early)
    assert said(early) == ["1 B were divided among the processes at 5 s, and the kernel had counted 100 MiB"]


def test_a_watched_run_has_one_phase():
    none = command().drop("drill")
    assert said(none)[-1] == "the phases of the record are none; expected load"
    two = command().act(RunPhase(phase="warmup"), 10.3, 10.4)
    doubt = found(two)[0]
    assert doubt.text == "the phases of the record are load, warmup; expected load"
    assert doubt.events == tuple(e.index for e in history(two) if e.name == "phase" and e.kind == "begin")


def attempts(*numbers, ends=None, modes=(), available=None):
    """A record of attempts of one second each, one after another."""
    record = Record().act(RunPhase(phase="load"), 0.0, len(numbers) + 0.3).sample(0.0, RecordCovers())
    for place, number in enumerate(numbers):
        mode = modes[place] if modes else ""
        had = str(8 * 2**30) if available is None else available[place]
        act = WatchAttempt(number=number, mode=mode, available_bytes=had, followed="processes")
        record.act(act, place + 0.0, place + 0.9)
    for place, number in enumerate(numbers if ends is None else ends):
        ended = {"oom_kill": "false", "low_bytes": PEAK, "unseen": 0.0}
        record.sample(place + 0.8, WatchExited(0.0, number=number, at=place + 0.8, **ended))
    return record


def test_attempts_are_numbered_from_one_and_no_more_than_were_allowed():
    assert said(attempts("1")) == []
    assert said(attempts("1", "2"), retries=1) == []
    record = attempts("1", "2")
    (doubt,) = found(record)
    assert doubt.text == "the record tells the attempts 1, 2 of at most 1"
    assert doubt.events == tuple(e.index for e in history(record) if e.name == "attempt" and e.kind == "begin")
    assert said(attempts("1", "3"), retries=2) == ["the record tells the attempts 1, 3 of at most 3"]
    assert said(attempts("2"), retries=2) == ["the record tells the attempts 2 of at most 3"]
    assert said(attempts("0"), retries=2) == ["the record tells the attempts 0 of at most 3"]


def test_each_attempt_has_its_end():
    record = attempts("1", "2", ends=["1"])
    (doubt,) = found(record, retries=1)
    assert doubt.text == "the record tells the ends of the attempts 1, and the beginnings of 1, 2"
    assert doubt.events == (lines_of(record, "watch", "exited")[0],)
    none = found(attempts("1", ends=[]))
    assert none[0].text == "the record tells the ends of the attempts none, and the beginnings of 1"
    assert none[0].events == ()


def test_an_attempt_runs_in_a_mode_of_the_plan():
    modes = (Mode(name="safe"), Mode(name="critical"))
    assert said(attempts("1", "2", modes=["safe", "critical"]), retries=1, modes=modes) == []
    (doubt,) = found(attempts("1", "2", modes=["safe", "tiny"]), retries=1, modes=modes)
    assert (doubt.text, doubt.events) == ("attempt 2 ran in the mode `tiny`, which was not asked for", ())
    assert said(attempts("1", modes=[""]), modes=modes) == ["attempt 1 ran in the mode ``, which was not asked for"]
    assert said(attempts("1", modes=["safe"])) == ["attempt 1 ran in the mode `safe`, which was not asked for"]


def test_the_record_says_how_processes_were_followed_and_what_memory_there_was():
    (doubt,) = found(command(followed="", left_bytes=None))
    assert (doubt.text, doubt.events) == (
        "the record does not say how the processes of attempt 1 were followed",
        (),
    )
    record = attempts("1", "2", available=["8589934592", "much"])
    (doubt,) = found(record, retries=1)
    assert doubt.text == "the record does not say how much memory there was"
    assert doubt.events == (lines_of(record, "watch", "attempt")[2],)


ENDS = [
    ({"low_bytes": None, "left_bytes": None}, "lacks low_bytes and left_bytes"),
    ({"status": None}, "lacks status"),
    ({"unseen": None}, "lacks unseen"),
    ({"left_bytes": None}, "lacks left_bytes"),
]


@pytest.mark.parametrize(("lacks", "text"), ENDS)
def test_the_end_of_a_command_is_whole(lacks, text):
    record = command(**lacks)
    (doubt,) = found(record)
    assert (doubt.text, doubt.events) == (f"the end of the command {text}", (lines_of(record, "watch", "exited")[0],))


NO_TIME = "the record does not say when the command ended"


@pytest.mark.parametrize(
    ("ended", "text"),
    [
        ({"signal": "SIGTERM"}, "the command ended with status 0 and by SIGTERM"),
        ({"oom_kill": ""}, "the record does not say whether the kernel killed for memory"),
        ({"oom_kill": "TRUE"}, "the record does not say whether the kernel killed for memory"),
        ({"at": None}, NO_TIME),
        ({"at": -0.002}, NO_TIME),
    ],
)
def test_the_end_of_a_command_can_be(ended, text):
    record = command(**ended)
    doubts = found(record)
    assert [(d.text, d.events) for d in doubts] == [(text, (lines_of(record, "watch", "exited")[0],))]


@pytest.mark.parametrize("kill", ["true", "false", "machine", "unknown"])
def test_it_is_known_whether_the_kernel_killed(kill):
    assert said(command(oom_kill=kill)) == []
    assert said(command(status=143.0, signal="SIGTERM")) == []


def test_a_command_ends_where_its_clock_and_the_record_say_within_a_millisecond():
    assert said(command(followed="processes", at=10.001)) == []
    assert said(command(followed="processes", at=10.0011)) == [NO_TIME]
    assert said(command(start=1.0, at=0.999)) == []
    assert said(command(start=1.0, at=0.998)) == [NO_TIME]


@pytest.mark.parametrize(("more", "doubted"), [(0.0, False), (-0.1, True)])
def test_a_command_ends_in_its_attempt(more, doubted):
    record = command(more=more)
    texts = [d.text for d in found(record) if d.events == (lines_of(record, "watch", "exited")[0],)]
    assert texts == (["the command ended outside its attempt"] if doubted else [])


def test_a_kill_that_the_control_group_counted_is_told():
    for t, kills, told in ((10.0, 1.0, "false"), (10.0, 2.0, "machine")):
        record = at(t, "cgroup", "resources", oom_kills=kills)(command(oom_kill=told))
        (doubt,) = found(record)
        text = f"the control group counted {kills:.0f} OOM kills, and the end of the command tells of none"
        assert doubt.text == text
        assert doubt.events == (lines_of(record, "cgroup", "resources")[-1], lines_of(record, "watch", "exited")[0])
    assert said(at(10.0, "cgroup", "resources", oom_kills=1.0)(command(oom_kill="true"))) == []
    assert said(command().drop("cgroup"))[0] == "nothing was read of cgroup/resources"
    outside = command().sample(10.25, CgroupResources(oom_kills=1.0))
    assert said(outside) == []


@pytest.mark.parametrize("part", ["pss_bytes", "files_bytes", "rest_bytes"])
@pytest.mark.parametrize(("t", "when"), [(0.0, "0 s"), (5.0, "5 s"), (10.0, "10 s")])
def test_a_reading_of_pss_has_all_parts(part, t, when):
    record = at(t, "process", "pss", **{part: None})(command(followed="processes"))
    doubt = found(record)[0]
    assert doubt.text == f"the reading of PSS at {when} lacks a part"
    assert doubt.events == (lines_of(record, "process", "pss")[int(t * 2)],)


def test_processes_hold_no_more_than_their_sum():
    most = 100.0 * MIB * 1.001 + PAGE
    for t in (0.0, 5.0):
        assert said(at(t, "process", "pss", pid_10_bytes=most)(command())) == []
        broken = at(t, "process", "pss", pid_10_bytes=most + 1, pid_11_bytes=0.0)(command())
        broken = at(6.0, "process", "pss", pid_10_bytes=900.0 * MIB)(broken)
        doubt = found(broken)[0]
        assert doubt.text == f"the processes held 100 MiB at {t:g} s, and 100 MiB in sum"
        assert doubt.events == (lines_of(broken, "process", "pss")[int(t * 2)],)
    two = at(5.0, "process", "pss", pid_10_bytes=60.0 * MIB, pid_11_bytes=60.0 * MIB)(command())
    assert said(two) == ["the processes held 120 MiB at 5 s, and 100 MiB in sum"]


def test_every_process_is_known():
    record = at(5.0, "process", "pss", pid_12_bytes=0.0, pid_13_bytes=0.0)(command())
    record = at(6.0, "process", "pss", pid_14_bytes=0.0)(record)
    (doubt,) = found(record)
    assert doubt.text == "nothing but its memory is known of pid_12_bytes"
    assert doubt.events == (lines_of(record, "process", "pss")[10],)
    record.sample(4.0, ProcessMember(number=12, pid="12", program="cc", phase="other", command="cc"))
    assert said(record) == ["nothing but its memory is known of pid_13_bytes"]


def test_a_reading_of_pss_that_failed_or_lies_outside_is_passed_over():
    record = command().sample(4.9, ProcessPss(error="it is gone")).sample(10.25, ProcessPss.of({"pss_bytes": 1.0}))
    record = at(5.0, "process", "pss", pid_12_bytes=0.0)(record)
    assert said(record) == ["nothing but its memory is known of pid_12_bytes"]


@pytest.mark.parametrize("nothing", [0.0, None])
def test_memory_of_no_process_is_none(nothing):
    for t in (0.0, 5.0, 10.0):
        record = at(t, "process", "tree", processes=nothing)(command())
        record = at(10.0, "process", "tree", processes=nothing)(record)
        (doubt,) = found(record)
        assert doubt.text == f"memory of no process was read at {t:g} s"
        assert doubt.events == (lines_of(record, "process", "tree")[int(t * 2)],)
    assert said(command().sample(5.0, ProcessTree(error="gone"))) == []
    assert said(command().sample(10.25, ProcessTree(rss_bytes=1.0))) == []


@pytest.mark.parametrize(
    ("end", "source", "meter", "texts"),
    [
        (2.0, "process", "tree", ["nothing was read of process/tree"]),
        (1.5, "process", "tree", []),
        (2.0, "process", "pss", ["nothing was read of process/pss"]),
        (1.5, "process", "pss", []),
        (2.0, "cgroup", "resources", ["nothing was read of cgroup/resources"]),
        (1.5, "cgroup", "resources", []),
    ],
)
def test_a_command_of_two_seconds_is_read_by_every_meter(end, source, meter, texts):
    assert said(command(end=end).drop(source, meter)) == texts
    failed = command(end=end).drop(source, meter)
    kind = {"tree": ProcessTree, "pss": ProcessPss, "resources": CgroupResources}[meter]
    assert said(failed.sample(1.0, kind(error="gone")).sample(end + 0.25, kind.of({"requests": 1.0}))) == texts


def test_a_command_without_a_control_group_is_not_read_from_one():
    alone = command(followed="processes", left_bytes=None).drop("cgroup").drop("watch", "memory")
    assert said(alone) == []
    (doubt,) = found(alone.drop("process", "pss"))
    assert (doubt.text, doubt.events) == ("nothing was read of process/pss", ())


LIMIT = 200 * MIB


@pytest.mark.parametrize(
    ("pss", "share", "texts"),
    [
        (150.0 * MIB * 0.999, 0.75, []),
        (150.0 * MIB * 0.999 - 1, 0.75, ["150 MiB was told as over 75% of the limit, and the limit is 200 MiB"]),
        (149.0 * MIB, 0.75, ["149 MiB was told as over 75% of the limit, and the limit is 200 MiB"]),
        (None, 0.75, []),
        (1.0, None, []),
    ],
)
def test_a_share_of_the_limit_is_one_of_this_limit(pss, share, texts):
    record = command(available=LIMIT).sample(5.0, WatchThreshold(share, pss))
    record.sample(6.0, WatchThreshold(0.85, 170.0 * MIB))
    assert said(record, limit_bytes=LIMIT) == texts
    assert [d.events for d in found(record, limit_bytes=LIMIT)] == [(lines_of(record, "watch", "threshold")[0],)] * len(
        texts
    )


def test_a_share_is_told_only_where_there_is_a_limit_and_once():
    record = command(available=LIMIT).sample(4.0, WatchThreshold(None, 1.0))
    record.sample(5.0, WatchThreshold(0.75, 150.0 * MIB)).sample(6.0, WatchThreshold(0.85, 170.0 * MIB))
    assert said(record) == ["150 MiB was told as over 75% of the limit, and the limit is none"]
    assert said(record, limit_bytes=LIMIT) == []


THERE_IS = 16 * 2**30


def test_no_command_has_more_memory_than_the_machine():
    for name in ("low_bytes", "largest_process_bytes"):
        record = command(followed="processes", **{name: float(THERE_IS)})
        assert said(record) == []
        record = command(followed="processes", **{name: THERE_IS + 1.0})
        (doubt,) = found(record)
        assert doubt.text == "the command had more memory than the machine's 16 GiB"
        assert doubt.events == (lines_of(record, "watch", "exited")[0],)


def test_no_command_could_have_more_than_the_machine_or_its_limit():
    assert said(command(available=THERE_IS)) == []
    (doubt,) = found(command(available=THERE_IS + PAGE))
    assert doubt.text == "attempt 1 could have 16 GiB, which is more than the limit or the machine"
    assert doubt.events == ()
    assert said(command(available=LIMIT), limit_bytes=LIMIT) == []
    assert said(command(available=LIMIT + PAGE), limit_bytes=LIMIT) == [
        "attempt 1 could have 200 MiB, which is more than the limit or the machine"
    ]
    assert said(command(available=THERE_IS + PAGE), limit_bytes=2 * THERE_IS) == [
        "attempt 1 could have 16 GiB, which is more than the limit or the machine"
    ]
