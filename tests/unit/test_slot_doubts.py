"""What in the slots of a gate run cannot be: each rule just kept, and just broken.

Six slots of 10 s, 1,000 requests a second, on two CPUs; one process of 40 MiB; Locust reports every second.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_gate_run import SCENARIO

from leakdrill.judging.evidence.load_conduct import COUNTS
from leakdrill.judging.leak.slot_doubts import slot_doubts
from leakdrill.record.events import GateEnd, GateRequestsByName, GateSlot, LoadErrors, LoadRequests, TargetReady
from leakdrill.record.history import History
from leakdrill.scenario.scenario import Scenario

MIB = 1024.0**2
APART = 16 * MIB
SLOT = {
    "rest_s": 1.0, "rss_before_bytes": 44 * MIB, "rss_after_bytes": 40 * MIB, "pss_bytes": 36 * MIB,
    "uss_bytes": 32 * MIB, "anon_bytes": 30 * MIB, "threads": 5.0, "fds": 20.0, "processes": 1.0,
}  # fmt: skip
AGENT = {"live_bytes": 9e6, "blocks": 6e4, "gc_objects": 1e4, "uordblks_bytes": 9e6}
REPORT = {"users_started": 10.0, "users": 10.0, "workers": 1.0, "rps": 1000.0, "fail_per_s": 0.0, "p50_ms": 1.0,
          "p95_ms": 2.0, "p99_ms": 3.0}  # fmt: skip
ASKED = Scenario.model_validate(SCENARIO.model_dump() | {"gate": {"slot": "10s"}})


def base(slots=6):
    """Slots from 10 s on, each with its requests by their names, and reports from 1 s on."""
    events = [TargetReady(process=10.0, t=0.5)]
    for n in range(slots):
        t = 10.0 + 10 * n
        values = SLOT | AGENT | {"round": float(n), "load_s": t, "requests": 1000 * t, "cpu_seconds": t}
        events.append(GateSlot.of(values, members="10@1.00", build="candidate", corpus="open"))
        events[-1] = replace(events[-1], t=t)
        named = {"/a": 500 * t, "/b": 500 * t}
        events.append(GateRequestsByName(requests=named, build="candidate", corpus="open", t=t + 0.1))
    for t in range(1, 10 * slots + 6):
        made = dict.fromkeys(COUNTS, 0.0) | {"requests": 1000.0 * t, "completed": 1000.0 * t, "tasks": 1000.0 * t}
        events.append(replace(LoadRequests.of(made | REPORT, build="candidate", corpus="open"), t=float(t)))
    return [*events, GateEnd(rounds=6.0, members="10@1.00", build="candidate", corpus="open", t=10.0 * slots + 1)]


def history(events):
    ordered = sorted(events, key=lambda e: e.t)
    return History([replace(e.to_event(), index=i, phase="slots") for i, e in enumerate(ordered)])


def found(events, scenario=ASKED, machine=None, corpus="open"):
    return list(
        slot_doubts(history(events), scenario, {"cpus": 2} if machine is None else machine, "candidate", corpus)
    )


def said(events, *args, **more):
    return [doubt.text for doubt in found(events, *args, **more)]


def index(events, of, number):
    return [e.index for e in history(events).of(of)][number]


def change(events, of, numbers, **values):
    """Other values of some of the events of a class, which count from 0; None takes a value away."""
    count, new = -1, []
    fields = {k: v for k, v in values.items() if k in ("t", "members", "corpus", "build")}
    named = {k: v for k, v in values.items() if k not in fields}
    for event in events:
        count += isinstance(event, of)
        if not isinstance(event, of) or (numbers is not None and count not in numbers):
            new.append(event)
            continue
        kept = {k: v for k, v in {**event.values, **named}.items() if v is not None}
        labels = {name: getattr(event, name) for name in ("members", "build", "corpus") if hasattr(event, name)}
        new.append(replace(of.of(kept, **labels), **{"t": event.t, **fields}))
    return new


def slots(numbers, **values):
    return change(base(), GateSlot, numbers, **values)


def test_slots_that_agree_are_not_in_doubt():
    assert found(base()) == []
    assert found(base(2)) == []


def test_a_slot_alone_is_compared_with_nothing_and_one_of_another_build_or_corpus_is_no_slot():
    assert found(change(base(1), GateSlot, None, fds=0.0)) == []
    both = change(base(2), GateSlot, None, fds=0.0)
    assert said(both) == ["a service that serves had no open file at 10 s"]
    assert said(both, corpus="closed") == []


@pytest.mark.parametrize("name", ["load_s", "rest_s", "requests", "cpu_seconds", "pss_bytes", "processes", "fds"])
def test_of_slots_that_lack_a_number_nothing_is_said_here(name):
    assert said(slots({3}, **{name: None})) == []


def test_as_many_processes_are_named_as_counted():
    events = slots({2, 3}, processes=2.0)
    (doubt,) = found(events)
    assert (doubt.text, doubt.events) == ("1 process is named and 2 counted at 30 s", (index(events, GateSlot, 2),))
    both = slots(None, processes=2.0, members="10@1.00,11@2.00")
    assert found(both) == []
    assert said(slots(None, members="10@1.00,11@2.00"))[0] == "2 processes are named and 1 counted at 10 s"


def test_the_process_that_was_started_is_measured():
    events = slots(None, members="11@1.00")
    (doubt,) = found(events)
    assert doubt.text == "what was measured is not the process that was started"
    assert doubt.events == (index(events, GateSlot, 0),)
    assert said([e for e in events if not isinstance(e, TargetReady)]) == []
    container = ASKED.model_copy(update={"target": ASKED.target.model_copy(update={"kind": "docker"})})
    assert said(events, container) == []
    assert said(slots(None, processes=2.0, members="11@1.00,10@1.00")) == []
    assert said([*events, TargetReady(process=11.0, t=0.6)]) == []
    assert said([*events, TargetReady(t=0.6)]) == [doubt.text]


@pytest.mark.parametrize("name", ["live_bytes", "blocks", "gc_objects", "uordblks_bytes"])
def test_what_the_agent_says_it_says_in_every_slot(name):
    events = slots({2}, **{name: None})
    (doubt,) = found(events)
    assert (doubt.text, doubt.events) == (f"1 of 6 slots lack {name}", (index(events, GateSlot, 0),))
    assert said(slots({0, 1, 2, 4, 5}, **{name: None})) == [f"5 of 6 slots lack {name}"]


def test_an_agent_that_spoke_told_what_is_alive_and_one_that_did_not_need_not():
    events = slots(None, live_bytes=None)
    (doubt,) = found(events)
    assert doubt.text == "the agent spoke, and no slot has its live_bytes"
    assert doubt.events == (index(events, GateSlot, 0),)
    assert said(slots(None, **dict.fromkeys(AGENT))) == []
    assert said(change(slots({4}, **dict.fromkeys(AGENT)), GateSlot, {2}, blocks=None)) == ["1 of 5 slots lack blocks"]
    assert said(slots({4}, shmem_bytes=0.0, hblkhd_bytes=0.0)) == []


@pytest.mark.parametrize(
    ("part", "whole"), [("uss_bytes", "pss_bytes"), ("pss_bytes", "rss_after_bytes"), ("anon_bytes", "rss_after_bytes")]
)
def test_a_part_is_no_more_than_its_whole(part, whole):
    several = {"processes": 2.0, "members": "10@1.00,11@1.00"}
    all_larger = {"rss_after_bytes": 40 * MIB, "pss_bytes": 40 * MIB, "uss_bytes": 1 * MIB, "anon_bytes": 1 * MIB}
    size = 40 * MIB * 1.05 + APART
    kept = change(slots(None, **several, **all_larger), GateSlot, {3}, **{part: size})
    assert said(kept) == []
    broken = change(kept, GateSlot, {3, 4}, **{part: size + 1})
    (doubt,) = found(broken)
    assert doubt.text == f"{part} was 58 MiB and {whole} 40 MiB at 40 s"
    assert doubt.events == (index(broken, GateSlot, 3),)


def test_a_service_that_serves_has_an_open_file():
    events = slots({1, 2}, fds=0.0)
    (doubt,) = found(events)
    assert doubt.text == "a service that serves had no open file at 20 s"
    assert doubt.events == (index(events, GateSlot, 1),)


@pytest.mark.parametrize(("less", "more"), [("pss_bytes", "rss_after_bytes"), ("uss_bytes", "pss_bytes")])
def test_what_one_process_shares_does_not_change_by_itself(less, more):
    level = {"rss_after_bytes": 80 * MIB, "pss_bytes": 80 * MIB, "uss_bytes": 80 * MIB}
    most = APART + 0.05 * 80 * MIB
    below = {"uss_bytes": 80 * MIB - most} if less == "pss_bytes" else {}
    kept = change(slots(None, **level), GateSlot, {3}, **({less: 80 * MIB - most} | below))
    assert said(kept) == []
    broken = change(kept, GateSlot, {3}, **({less: 80 * MIB - most - 1} | {k: v - 1 for k, v in below.items()}))
    (doubt,) = found(broken)
    assert doubt.text == f"between {less} and {more} lay 0 B to 20 MiB, and nobody shared what changed"
    assert doubt.events == (index(broken, GateSlot, 0), index(broken, GateSlot, 5))
    several = change(broken, GateSlot, None, processes=2.0, members="10@1.00,11@1.00")
    assert said(several) == []


@pytest.mark.parametrize(
    ("load_s", "text"),
    [
        (60 - 4.5, None), (60 + 4.5, None),
        (60 - 4.6, "50.0 s passed between the first slot and the last, and 45.4 s by the load's clock"),
        (60 + 4.6, "50.0 s passed between the first slot and the last, and 54.6 s by the load's clock"),
    ],
)  # fmt: skip
def test_as_much_time_passes_by_the_clock_of_the_load(load_s, text):
    events = slots({5}, load_s=load_s)
    ends = (index(events, GateSlot, 0), index(events, GateSlot, 5))
    assert [(d.text, d.events) for d in found(events)] == ([(text, ends)] if text else [])


@pytest.mark.parametrize(("rest_s", "text"), [(12.0, None), (12.1, "12.1"), (0.0, "0"), (-1.0, "-1"), (0.01, None)])
def test_a_pause_takes_time_and_no_more_than_there_was(rest_s, text):
    events = slots({2, 3}, rest_s=rest_s)
    lines = [
        (f"the pause of the slot at 30 s lasted {text} s", (index(events, GateSlot, 1), index(events, GateSlot, 2)))
    ]
    assert [(d.text, d.events) for d in found(events) if "pause" in d.text] == (lines if text else [])


def test_the_pause_of_the_first_slot_is_compared_with_nothing():
    assert said(slots({0}, rest_s=900.0)) == []


def test_an_open_slot_is_as_long_as_was_asked():
    events = change(base(), GateSlot, {3}, t=39.0, load_s=39.0)
    assert said(events) == []
    events = change(base(), GateSlot, {3}, t=38.9, load_s=38.9)
    (doubt,) = found(events)
    assert doubt.text == "the slot at 39 s lasted 8.9 s; the scenario asks for 10 s"
    assert doubt.events == (index(events, GateSlot, 2), index(events, GateSlot, 3))
    closed = [replace(e, corpus="closed") if hasattr(e, "corpus") else e for e in events]
    assert said(closed, corpus="closed") == []


def test_cpu_time_does_not_fall():
    for number, seconds in ((3, 29.9), (5, 49.9), (5, 1.0)):
        events = slots({number}, cpu_seconds=seconds)
        (doubt,) = found(events)
        assert doubt.text == "the CPU time of the service falls between two slots"
        assert doubt.events == (index(events, GateSlot, 0), index(events, GateSlot, 5))
    assert said(slots({1}, cpu_seconds=10.0)) == []


def idle(made, used_s):
    """Slots in which so many requests were answered with so much CPU time."""
    events = base()
    for number in range(6):
        done = 10_000 + made * (number == 5)
        events = change(events, GateSlot, {number}, cpu_seconds=10.0 + used_s * (number == 5), requests=float(done))
    return [d for d in found(events) if "of CPU" in d.text], events


def test_each_request_takes_cpu_time():
    assert idle(1000, 0.0101)[0] == []
    assert idle(999, 0.0)[0] == []
    (doubt,), events = idle(1000, 0.0099)
    assert doubt.text == "what was read used 0.0099 s of CPU for 1000 requests"
    assert doubt.events == (index(events, GateSlot, 0), index(events, GateSlot, 5))


def test_no_more_cpu_time_is_used_than_the_machine_has():
    most = 1.1 * 2 * 50 + 2
    assert said(slots({5}, cpu_seconds=10 + most)) == []
    events = slots({5}, cpu_seconds=10 + most + 0.1)
    (doubt,) = found(events)
    assert doubt.text == "what was read used 112 s of CPU in 50 s, on 2 CPUs"
    assert doubt.events == (index(events, GateSlot, 0), index(events, GateSlot, 5))
    for machine in ({}, {"cpus": "2"}, {"cpus": 0}):
        assert said(events, machine=machine) == []


def test_requests_by_their_names_are_told_in_every_slot():
    events = [e for e in base() if not (isinstance(e, GateRequestsByName) and e.t == 20.1)]
    (doubt,) = found(events)
    assert doubt.text == "the requests by their names were told 5 times in 6 slots"
    assert doubt.events == tuple(e.index for e in history(events).of(GateRequestsByName))
    other = GateRequestsByName(requests={"/a": 1.0}, build="candidate", corpus="closed", t=15.0)
    assert said([*base(), other, replace(other, corpus="open", build="baseline")]) == []


@pytest.mark.parametrize(
    ("named", "text"),
    [
        (30_000 - 620.0, ""), (30_000 + 620.0, ""),
        (30_000 - 621.0, "30000 requests were made by 30 s, and 29379 by their names"),
        (30_000 + 621.0, "30000 requests were made by 30 s, and 30621 by their names"),
    ],
)  # fmt: skip
def test_requests_by_their_names_are_as_many_as_in_sum(named, text):
    events = [
        replace(e, requests={"/a": named - 5, "/b": 5.0})
        if isinstance(e, GateRequestsByName) and e.t in (30.1, 60.1 if text else 0.0)
        else e
        for e in base()
    ]
    lines = [(text, (index(events, GateSlot, 2), index(events, GateRequestsByName, 2)))] if text else []
    assert [(d.text, d.events) for d in found(events)] == lines


def silent(after, until):
    return [e for e in base() if not (isinstance(e, LoadRequests) and after < e.t < until)]


def test_locust_reports_throughout_but_for_pauses():
    assert said(silent(21, 25)) == []
    events = silent(20.5, 25.5)
    (doubt,) = found(events)
    assert doubt.text == "Locust reported nothing from 20 s to 26 s"
    assert doubt.events == tuple(e.index for e in history(events).of(LoadRequests) if e.t in (20.0, 26.0))
    again = [e for e in events if not (isinstance(e, LoadRequests) and 40.5 < e.t < 45.5)]
    assert said(again) == [doubt.text]


@pytest.mark.parametrize(
    ("after", "until", "enough"),
    [
        (21, 25, True),  # four seconds and no slot
        (20.5, 25.5, False),
        (25, 31, False),  # the slot at 30 s has a pause of one second
        (25, 30, True),
        (30, 35, True),
        (30.5, 35.5, False),
        (20, 26, False),
    ],
)
def test_a_pause_may_keep_locust_from_reporting(after, until, enough):
    events = slots({1, 3, 4, 5}, rest_s=0.1)
    events = [e for e in events if not (isinstance(e, LoadRequests) and after < e.t < until)]
    assert ("Locust reported nothing" in " ".join(said(events))) is not enough


def test_after_the_end_of_the_build_the_load_need_not_report():
    assert said([e for e in base() if not (isinstance(e, LoadRequests) and e.t > 61)]) == []
    late = [*silent(61, 90), replace(next(e for e in base() if e.t == 65 and isinstance(e, LoadRequests)), t=70.0)]
    assert said(late) == []
    ended = [replace(e, t=70.0) if isinstance(e, GateEnd) else e for e in late]
    assert said(ended)[0] == "Locust reported nothing from 1 min 1 s to 1 min 10 s"
    other = [
        *late,
        GateEnd(build="baseline", corpus="open", t=70.0),
        GateEnd(build="candidate", corpus="closed", t=70.0),
    ]
    assert said(other) == []
    assert said([e for e in late if not isinstance(e, GateEnd)]) == []


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (28_412.0, ""),
        (28_411.0, "28411 requests were made by 30 s, and Locust told of 29000 before and 34000 after"),
        (34_714.0, ""),
        (34_715.0, "34715 requests were made by 30 s, and Locust told of 29000 before and 34000 after"),
    ],
)
def test_the_requests_of_a_slot_are_those_that_locust_told_of(made, text):
    events = [
        replace(e, requests={"/a": made}) if isinstance(e, GateRequestsByName) and e.t == 30.1 else e
        for e in slots({2}, requests=made)
    ]
    lines = [(text, (index(events, GateSlot, 2),))] if text else []
    assert [(d.text, d.events) for d in found(events)] == lines


def errors(*counts, failed=0.0, corpora=("open",)):
    """A run with errors of so many kinds, each told of twice, and so many failures in sum."""
    events = base()
    for place, count in enumerate(counts):
        name = {"method": "GET", "request": f"/{place}", "error": "500"}
        events += [LoadErrors(count=n, t=30.0 + 10 * n / count, **name) for n in (count / 2, count)]
    events += [LoadErrors(count=1e6, method="task", request="/", error="x", t=31.0)]
    values = REPORT | {"failures": failed}
    events += [replace(LoadRequests.of(values, build="b", corpus=c), t=3.0) for c in corpora]
    return found(events), events


@pytest.mark.parametrize(
    ("counts", "failed", "told"),
    [
        ((21.0,), 0.0, None),
        ((22.0,), 0.0, "Locust counted 0 failures at most, and 22 by their error"),
        ((11.0, 11.0), 0.0, None),
        ((11.0, 12.0), 0.0, "Locust counted 0 failures at most, and 23 by their error"),
        ((225.0,), 100.0, None),
        ((226.0,), 100.0, "Locust counted 100 failures at most, and 226 by their error"),
    ],
)
def test_errors_by_their_kinds_are_no_more_than_failures_of_both_builds(counts, failed, told):
    doubts, events = errors(*counts, failed=failed)
    last = [e.index for e in history(events).of(LoadRequests) if e.build == "candidate"][-1]
    assert [(d.text, d.events) for d in doubts] == ([(told, (last,))] if told else [])


def test_with_two_corpora_failures_are_counted_four_times():
    assert errors(429.0, failed=100.0, corpora=("open", "closed"))[0] == []
    assert len(errors(430.0, failed=100.0, corpora=("open", "closed"))[0]) == 1
