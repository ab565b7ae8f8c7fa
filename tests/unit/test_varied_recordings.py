"""Recordings of the gate and of watched commands, each changed in one place: just within a limit, and just beyond.

What must come of each is kept in `verdict_texts/`, sentence by sentence.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from histories import MIB, Record
from test_doubts import as_verdict
from test_gate_run import SCENARIO, run
from test_leak_verdict import FLAT, NOISE, REQUESTS, SLOTS, T, recording
from test_watch_checks import attempt, baseline, counted, plan

from leakdrill.judging.leak.gate import judge_gate
from leakdrill.judging.leak.gate_doubts import gate_doubts
from leakdrill.judging.leak.leak_verdict import judge_trace
from leakdrill.judging.leak.slot_doubts import slot_doubts
from leakdrill.judging.watch.judge import judge_watch
from leakdrill.judging.watch.watch_doubts import watch_doubts
from leakdrill.record.events import (
    CgroupResources,
    RecordCovers,
    RunPhase,
    WatchAttempt,
    WatchInterrupted,
    WatchThreshold,
)
from leakdrill.record.history import History

SIZES = [-500, -33, -31, 0, 16, 30, 31.5, 32, 32.5, 34, 64, 500, 5000]
WIGGLE = np.where(np.arange(SLOTS) % 2, 4096.0, 0.0)
SOME = np.full(SLOTS, 60_000.0)
ALL = {"blocks": SOME, "gcobj": SOME, "uord": FLAT, "hblkhd": SOME, "ford": SOME}
SHAPES = {
    "a line": REQUESTS - REQUESTS[0],
    "a line that begins late": np.maximum(0, REQUESTS - REQUESTS[8]),
    "a line that ends": np.minimum(REQUESTS, REQUESTS[14]) - REQUESTS[0],
    "a line that ends early": np.minimum(REQUESTS, REQUESTS[5]) - REQUESTS[0],
    "one step": np.where(np.arange(SLOTS) >= 12, REQUESTS[-1] - REQUESTS[0], 0.0),
    "two steps": np.where(np.arange(SLOTS) >= 8, 3e4, 0.0) + np.where(np.arange(SLOTS) >= 16, 3e4, 0.0),
    "a curve": 4e4 * (1 - np.exp(-(REQUESTS - REQUESTS[0]) / 20_000)),
    "a saw": (REQUESTS - REQUESTS[0]) % 14_000,
    "one peak": np.where(np.arange(SLOTS) == 12, 9e4, 0.0),
    "a fall": REQUESTS[-1] - REQUESTS,
}


def judged(kept_too, candidate, other=None, **settings):
    kept_too.append(judge_trace(candidate, other, **settings).as_verdict())


@pytest.mark.parametrize("size", SIZES)
def test_a_trace_grows_by_so_much_a_request(kept_too, size):
    judged(kept_too, recording(FLAT + NOISE + size * REQUESTS))


@pytest.mark.parametrize("size", [100.0, 1000.0])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_trace_has_a_shape(kept_too, shape, size):
    judged(kept_too, recording(FLAT + NOISE + size * SHAPES[shape]))
    judged(kept_too, recording(FLAT + WIGGLE + size * SHAPES[shape], **ALL | {"uord": FLAT + size * SHAPES[shape]}))


@pytest.mark.parametrize("counter", ALL)
@pytest.mark.parametrize("grows", ["blocks", "gcobj", "uord", "hblkhd", "ford"])
def test_a_counter_grows_or_is_missing(kept_too, counter, grows):
    counters = {name: values + (100 * REQUESTS if name == grows else 0) for name, values in ALL.items()}
    judged(kept_too, recording(FLAT + NOISE + 100 * REQUESTS, **{k: v for k, v in counters.items() if k != counter}))


@pytest.mark.parametrize("points", [1, 2, 5, 7, 8, 9, 12, 23])
def test_a_trace_is_short(kept_too, points):
    trace = recording(FLAT + NOISE + 100 * REQUESTS)
    cut = {name: values[:points] for name, values in trace.columns.items()}
    judged(kept_too, replace(trace, t=trace.t[:points], requests=trace.requests[:points], columns=cut))


@pytest.mark.parametrize("settings", [{"longest_ttl_s": s} for s in (0.0, 5.0, 16.0, 20.0, 40.0)]
                         + [{"confidence": c} for c in (0.5, 0.8, 0.999)]
                         + [{"budget_bytes_per_request": b} for b in (0.0, 99.0, 101.0, 1e6)])  # fmt: skip
def test_a_trace_is_judged_by_other_rules(kept_too, settings):
    judged(kept_too, recording(FLAT + NOISE + 100 * REQUESTS), **settings)


@pytest.mark.parametrize("other", [0.0, 60.0, 68.0, 99.0, 100.0, 101.0, 140.0])
def test_a_trace_is_compared_with_another(kept_too, other):
    judged(kept_too, recording(FLAT + NOISE + 100 * REQUESTS), recording(FLAT - NOISE + other * REQUESTS))
    judged(kept_too, recording(FLAT + NOISE), recording(FLAT - NOISE + other * REQUESTS, t=T * 2))


GATE = {
    "few slots": {"slots": 8},
    "one slot": {"slots": 1},
    "more slots": {"slots": 40},
    "half the budget": {"leak": 16},
    "the budget": {"leak": 32},
    "twice the budget": {"leak": 64},
    "a closed corpus": {"corpus": "closed"},
    "threads grow slowly": {"threads": (5.0, 0.1)},
    "threads grow": {"threads": (5.0, 0.5)},
    "descriptors grow": {"fds": (20.0, 1.0)},
    "descriptors fall": {"fds": (60.0, -1.0)},
    "requests fail": {"extra": [(("load", "errors", 900.0), {"method": "GET", "error": "500"})]},
    "it ended": {"extra": [(("target", "exited", 1.0), {})]},
    "the baseline too": {"build": "baseline"},
}


@pytest.mark.parametrize("name", GATE)
def test_a_run_of_the_gate_is_varied(name):
    assert judge_gate(run(**GATE[name]), SCENARIO)


@pytest.mark.parametrize("limit_mib", [400, 449, 450, 451, 454, 475, 499, 500, 501, 520, 1000])
def test_a_command_nears_its_limit(limit_mib):
    for record in (attempt(Record()), counted(low=450.0, high=500.0), counted(low=500.0, high=None)):
        assert judge_watch(record.history(), plan(limit_bytes=limit_mib * MIB))


@pytest.mark.parametrize("peaks", [(409,), (454,), (455,), (440, 455), (500,), (555,), (556,), (900, 100)])
def test_a_command_nears_its_baseline(peaks):
    history = attempt(Record()).history()
    assert judge_watch(history, plan(baseline=baseline(*peaks)))
    assert judge_watch(history, plan(baseline=baseline(*peaks), tolerance=0.0))


ENDS = {
    "by a signal": {"status": -15.0, "signal": "SIGTERM"},
    "by a kill": {"status": -9.0, "signal": "SIGKILL"},
    "by a kill for memory": {"status": -9.0, "signal": "SIGKILL", "oom_kill": "true"},
    "by the machine": {"status": 1.0, "oom_kill": "machine"},
    "by itself": {"status": 3.0},
    "well": {},
}


@pytest.mark.parametrize("end", ENDS)
def test_a_command_ends(end):
    record = attempt(attempt(Record(), **ENDS[end]), 2, 11.0, 21.0, **ENDS[end])
    assert judge_watch(record.history(), plan(limit_bytes=550 * MIB, retries=1))


@pytest.mark.parametrize("cut", [0.05, 0.5, 1.0, 5.0, 9.0, 9.9])
def test_the_record_of_a_command_breaks_off(cut):
    assert judge_watch(counted().cut(cut).history(), plan(limit_bytes=550 * MIB))
    assert judge_watch(attempt(Record()).cut(cut).history(), plan(limit_bytes=550 * MIB))


@pytest.mark.parametrize("source", ["process", "watch"])
@pytest.mark.parametrize(("after", "until"), [(2.0, 2.5), (2.0, 2.95), (2.0, 3.1), (2.0, 5.0), (9.0, 9.95), (0.1, 9.9)])
def test_readings_of_a_command_are_missing(source, after, until):
    record = counted().drop(source, after=after, until=until)
    assert judge_watch(record.history(), plan(limit_bytes=550 * MIB))
    assert judge_watch(counted(followed="marks").drop("process", after=after, until=until).history(),
                       plan(limit_bytes=550 * MIB))  # fmt: skip


@pytest.mark.parametrize("unseen", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("followed", ["cgroup", "marks", ""])
def test_a_command_is_followed(followed, unseen):
    record = counted(low=110.0, high=120.0, followed=followed, unseen=unseen)
    assert judge_watch(record.history(), plan(limit_bytes=550 * MIB))


SEALED = {
    "as it is": lambda r: r,
    **{
        f"{key} of watch/memory is {value}": lambda r, k=key, v=value: r.change(
            "watch", "memory", lambda e: e.value | {k: v} if 5 <= e.t < 5.05 else e.value
        )
        for key in ("memory_bytes", "low_bytes", "high_bytes", "cache_bytes", "anon_bytes", "swap_bytes", "clock_s")
        for value in (0.0, 1.0, 4.9, 700.0 * MIB, 2.0**45)
    },
    **{
        f"{key} of the processes by {factor}": lambda r, k=key, f=factor: r.change(
            "process", "pss", lambda e: e.value | {k: e.value[k] * f} if 5 <= e.t < 5.05 else e.value
        )
        for key in ("pss_bytes", "pid_10_bytes")
        for factor in (0.5, 0.9989, 1.0011, 3.0)
    },
    "an unknown process": lambda r: r.change("process", "pss", lambda e: e.value | {"pid_12_bytes": 0.0}),
    "no processes": lambda r: r.change("process", "tree", lambda e: e.value | {"processes": 0.0}),
    **{f"no {source}": lambda r, s=source: r.drop(s) for source in ("process", "watch")},
    "no readings of a half": lambda r: r.drop("watch", "memory", after=4.95, until=9.95),
    "over a limit": lambda r: r.sample(5, WatchThreshold(pss_bytes=300.0 * MIB, share=0.8)),
    "over another limit": lambda r: r.sample(5, WatchThreshold(pss_bytes=500.0 * MIB, share=0.8)),
}


def sealed_command():
    """A record of today of a command that runs for ten seconds, with all that such a record has."""
    record = Record().act(RunPhase(phase="load"), 0.0, 10.2).sample(0.0, RecordCovers())
    counted(record, low=110.0, high=120.0, left_bytes=0.0)
    parts = {"files_bytes": 0.0, "rest_bytes": 0.0}
    record.change("process", "pss", lambda e: e.value | parts)
    record.change("watch", "memory", lambda e: e.value | dict.fromkeys(ALL_KINDS, 0.0) | e.value)
    for tick in range(100):
        record.sample(tick / 10, CgroupResources(anon_bytes=100.0 * MIB, usage_bytes=100.0 * MIB, oom_kills=0.0))
    return record


ALL_KINDS = ("shmem_bytes", "swap_bytes", "kernel_bytes", "hugetlb_bytes", "cache_bytes")


@pytest.mark.parametrize("name", SEALED)
def test_what_is_in_doubt_of_a_command(kept_too, name):
    record = sealed_command()
    SEALED[name](record)
    kept_too += [as_verdict(doubt) for doubt in watch_doubts(record.history(), plan(limit_bytes=550 * MIB))]


SLOTS_SPOILT = {
    "as it is": lambda _n, value: value,
    **{
        f"{key} by {factor} in {where}": lambda n, value, k=key, f=factor, w=where: (
            value | {k: value[k] * f} if w == "all" or n == 12 else value
        )
        for key in (
            "requests", "rss_before_bytes", "rss_after_bytes", "anon_bytes", "uss_bytes", "pss_bytes", "blocks",
            "uordblks_bytes", "processes", "cpu_seconds", "rest_s", "round", "load_s",
        )
        for factor, where in ((0.5, "one"), (3.0, "one"), (0.0, "all"))
    },
}  # fmt: skip


@pytest.mark.parametrize("name", SLOTS_SPOILT)
def test_what_is_in_doubt_of_slots(kept_too, name):
    numbers = itertools.count()
    events = [
        replace(e, value=SLOTS_SPOILT[name](next(numbers), e.value)) if (e.source, e.name) == ("gate", "slot") else e
        for e in run().events
    ]
    doubts = slot_doubts(History(events), SCENARIO, {"cpus": 2}, "candidate", "open")
    kept_too += [as_verdict(doubt) for doubt in doubts]


@pytest.mark.parametrize("more", [{}, {"corpus": "both"}])
def test_what_is_in_doubt_of_a_run_of_the_gate(kept_too, more):
    extra = [
        (("record", "covers", None), {}),
        (("target", "ready", 4121.0), {}),
        (("target", "unwatched", "it does not answer"), {}),
        (("load", "worker_lost", 1.0), {}),
        (("gate", "types", {"dict": 3.0}), {"build": "candidate"}),
    ]
    doubts = gate_doubts(run(extra=extra, **more), SCENARIO, {"cpus": 2}, ["candidate"])
    kept_too += [as_verdict(doubt) for doubt in doubts]


def test_a_command_is_interrupted():
    record = attempt(Record()).sample(4.0, WatchInterrupted())
    assert judge_watch(record.history(), plan(limit_bytes=550 * MIB))
    record = Record().act(WatchAttempt(number="1"), 0.0, 0.1, "failed", error="no such program")
    assert judge_watch(record.history(), plan(limit_bytes=550 * MIB))
