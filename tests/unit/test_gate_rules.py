"""The claims of a gate run at their bounds, but that about memory; slots and reports are those of slot doubts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_slot_doubts import ASKED, base, change, history, index

from leakdrill.judging.evidence.claim import Claim
from leakdrill.judging.leak.counts import descriptors_do_not_grow, threads_do_not_grow
from leakdrill.judging.leak.gate import judge_gate
from leakdrill.judging.leak.gate_doubts import gate_doubts
from leakdrill.judging.leak.gate_load import keeps_error_rate, load_is_as_asked
from leakdrill.judging.leak.gate_slots import slot_problem
from leakdrill.judging.leak.growing_types import growing_sites, growing_types
from leakdrill.record.events import (
    GateAgent,
    GateEnd,
    GateServiceCount,
    GateSite,
    GateSlot,
    GateTypes,
    LoadExited,
    LoadIdle,
    LoadRequests,
    RecordCovers,
    RunBroken,
    RunPhase,
    TargetExited,
    TargetReady,
    TargetRestart,
    TargetStart,
    TargetUnwatched,
    WorkerLost,
)
from leakdrill.record.history import History

PLAIN = ASKED.model_copy(update={"load": ASKED.load.model_copy(update={"rate": None})})
BUILD = {"build": "candidate", "corpus": "open"}


def load(events, scenario=PLAIN, judge=load_is_as_asked, corpora=("open",)):
    return judge(history(events), scenario, Claim(judge.__name__), "candidate", list(corpora))


def failing(*rows):
    """Reports with failures: (from, how many a second)."""

    def failures(t):
        return sum(max(0.0, t - since) * each for since, each in rows)

    return [
        replace(LoadRequests.of({**e.values, "failures": failures(e.t)}, **BUILD), t=e.t)
        if isinstance(e, LoadRequests) else e
        for e in base()
    ]  # fmt: skip


@pytest.mark.parametrize(("share", "outcome"), [(0.0, "PASS"), (0.01, "PASS"), (0.02, "FAIL")])
def test_the_error_rate_is_that_of_all_reports(kept_too, share, outcome):
    allowed = PLAIN.model_copy(update={"gate": PLAIN.gate.model_copy(update={"error_rate": 0.01})})
    told = load(failing((0.0, 1000 * share)), allowed, keeps_error_rate)
    kept_too.append(told)
    assert str(told.outcome) == outcome
    assert told.numbers == {
        "requests": 60_000, "failures": pytest.approx(60_000 * share), "error_rate": pytest.approx(share),
        "error_rate_wanted": 0.01,
    }  # fmt: skip
    reports = [e.index for e in history(base()).of(LoadRequests)]
    assert told.events == (reports[0], reports[-5])


def test_a_load_that_was_not_counted_says_so(kept_too):
    for judge in (keeps_error_rate, load_is_as_asked):
        kept_too.append(load([e for e in base() if not isinstance(e, LoadRequests)], judge=judge))
        kept_too.append(load(base(), judge=judge, corpora=("open", "closed")))
        kept_too.append(load(base(), judge=judge, corpora=("recording", "open")))
        kept_too.append(load(base(), judge=judge, corpora=("",)))
        none = change(base(), LoadRequests, None, requests=0.0)
        kept_too.append(load(none, judge=judge))
        assert "no request was made (open corpus)" in kept_too[-1].message


def test_a_load_as_it_was_asked_tells_its_tasks(kept_too):
    told = load(base())
    kept_too.append(told)
    assert (str(told.outcome), told.message) == ("PASS", "10 users made 59000 requests in 59000 tasks")


def problems(events, scenario=PLAIN):
    told = load(events, scenario)
    return "" if str(told.outcome) == "PASS" else told.message


def test_what_broke_off_is_named():
    assert problems([*base(), LoadExited(t=30.0)]) == "Locust ended in the middle"
    assert problems([*base(), RunBroken(message="no room", t=30.0)]) == "the run broke off: no room"


def made(*counts):
    """Slots in which so many requests were made."""
    events, done = base(len(counts) + 1), 10_000.0
    for number, count in enumerate((0.0, *counts)):
        done += count
        events = change(events, GateSlot, {number}, requests=done)
    return events


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ((9.0, 9.0, 0.0, 9.0), ""),
        ((9.0, 9.0, 0.0, 0.0), ""),
        ((9.0, 9.0, 0.0, 0.0, 0.0), "3 slots on end had no request (open corpus)"),
        ((0.0, 0.0, 50.0, 50.0), "2 slots on end had no request (open corpus)"),
        ((0.0, 50.0, 50.0, 50.0), ""),
        ((5.0, 0.0, 5.0, 0.0, 0.0, 0.0, 5.0), ""),
        ((5.0, 0.0, 5.0, 0.0, 0.0, 0.0, 0.0, 0.0, 5.0), ""),
        ((0.0, 0.0), "2 slots on end had no request (open corpus)"),
        ((20.0, 9.0, 9.0, 4.0), ""),
        ((20.0, 9.0, 9.0, 3.0), "the load fell from 20 to 3 requests a slot (open corpus)"),
        ((19.0, 9.0, 9.0, 1.0), ""),
        ((20.0, 20.0, 9.0, 9.0, 9.0, 9.0, 3.0, 4.0), "the load fell from 20 to 4 requests a slot (open corpus)"),
    ],
)
def test_slots_have_requests(counts, text):
    assert problems(made(*counts)) == text


def asked(rate, **more):
    gate = PLAIN.gate.model_copy(update={"rate": rate, **more})
    return PLAIN.model_copy(update={"gate": gate})


@pytest.mark.parametrize(
    ("requests", "rate", "text"),
    [
        (1000.0, 1.0, ""),
        (31_500.0, 1000.0, ""),
        (31_499.0, 1000.0, "700 requests/s were made (open corpus); 1000/s were asked for"),
        (100.0, 1.1e5, ""),
    ],
)
def test_a_rate_is_kept_to_seven_tenths(requests, rate, text):
    events = made(*[requests / 5] * 5)
    scenario = asked(rate)
    assert problems(events, scenario) == text
    allowed = scenario.model_copy(update={"load": scenario.load.model_copy(update={"allow": ["lower rate"]})})
    assert problems(events, allowed) == ""


@pytest.mark.parametrize(("counted", "text"), [(50_000.0, False), (20_000.0, True)])
def test_the_service_counts_the_same_requests(counted, text):
    counts = [GateServiceCount(counted=n, completed=m, t=t, **BUILD)
              for n, m, t in ((0.0, 0.0, 9.0), (counted, 50_000.0, 60.5))]  # fmt: skip
    assert bool(problems([*base(), *counts])) is text
    assert problems([*base(), counts[1]]) == ""
    two = change([*base(), *counts], GateSlot, None, processes=2.0)
    assert problems(two) == ""
    assert problems([*base(), counts[0], replace(counts[1], build="baseline")]) == ""


def test_a_part_of_the_load_that_never_ran_is_named_unless_that_is_allowed():
    idle = LoadIdle(part="task buy", t=61.0, **BUILD)
    assert problems([*base(), idle]) == "task buy never ran; `load.allow` may name idle tasks"
    assert problems([*base(), replace(idle, build="")]) == "task buy never ran; `load.allow` may name idle tasks"
    assert problems([*base(), replace(idle, build="baseline")]) == ""
    assert problems([*base(), replace(idle, corpus="closed")]) == ""
    allowed = PLAIN.model_copy(update={"load": PLAIN.load.model_copy(update={"allow": ["idle tasks"]})})
    assert problems([*base(), idle], allowed) == ""


# threads and descriptors


def counts(name, *values):
    events = base(len(values))
    for number, value in enumerate(values):
        events = change(events, GateSlot, {number}, **{name: value})
    return history(events)


@pytest.mark.parametrize(
    ("values", "outcome", "message"),
    [
        ((5, 5, 5, 5, 5, 5, 5), "UNKNOWN", "7 quiet points; expected 8 or more"),
        ((5, 5, 5, 5, 5, 5, 5, 5), "PASS", "5 {}s at the end, 5 at the beginning"),
        ((5, 5, 5, 9, 9, 13, 13, 13), "PASS", "13 {}s at the end, 5 at the beginning"),
        (
            (5, 5, 5, 9, 9, 14, 14, 14),
            "FAIL",
            "9 {}s were left behind (5 to 14), 0.13 per 1000 requests, and they still grew in the second half",
        ),
        ((0, 0, 0, 15, 15, 15, 20, 20), "PASS", "20 {}s at the end, 0 at the beginning"),
        (
            (0, 0, 0, 14, 14, 14, 20, 20),
            "FAIL",
            "20 {}s were left behind (0 to 20), 0.29 per 1000 requests, and they still grew in the second half",
        ),
    ],
)
def test_a_count_that_grows_and_goes_on_growing_is_a_leak(kept_too, values, outcome, message):
    for judge, name, noun in (
        (threads_do_not_grow, "threads", "thread"), (descriptors_do_not_grow, "fds", "file descriptor"),
    ):  # fmt: skip
        told = judge(counts(name, *map(float, values)))
        kept_too.append(told)
        assert (told.check, str(told.outcome), told.message) == (judge.__name__, outcome, message.format(noun))
    kept_too.append(threads_do_not_grow(History([])))


# what grew


def types(before, after, requests=(0.0, 1000.0), **more):
    return [
        GateTypes(counts=count, requests=n, moment=moment, t=t, **{**BUILD, **more})
        for count, n, moment, t in ((before, requests[0], "before", 9.0), (after, requests[1], "after", 61.0))
    ]


def grown(events):
    return growing_types(history(events), **BUILD)


def test_types_are_named_by_how_many_grow_a_request():
    before = {"dict": 100.0, "list": 50.0, "set": 0.0, "int": 0.0, "str": 0.0, "gone": 9.0}
    after = {"dict": 1100.0, "list": 70.0, "set": 500.0, "int": 250.0, "str": 2500.0, "new": 9000.0}
    assert grown(types(before, after)) == ["objects grown a request: str +2.50, dict +1.00, set +0.50, int +0.25"]
    assert grown(types({"list": 50.0}, {"list": 70.0})) == ["objects grown a request: list +0.02"]
    nothing = ["no type of Python object that was counted grew with the requests"]
    assert grown(types({"list": 50.0}, {"list": 69.0})) == nothing
    assert grown(types({"list": 50.0}, {"list": 70.0}, requests=(500.0, 1499.0))) == [
        "objects grown a request: list +0.02"
    ]
    assert grown(types({"list": 50.0}, {"list": 70.0}, requests=(1000.0, 1000.0))) == []
    assert grown(types({"list": 50.0}, {"list": 52.0}, requests=(999.0, 1000.0))) == [
        "objects grown a request: list +2.00"
    ]
    assert grown(types({"list": 5.0}, {"list": 70.0})[:1]) == []
    assert grown(types({"list": 5.0}, {"list": 70.0}, corpus="closed")) == []
    assert grown(types({"list": 5.0}, {"list": 70.0}, requests=(0.0, None))) == []


def test_lines_that_allocated_what_was_kept_are_named_from_a_tenth_of_the_largest_on():
    def sites(*sizes, **more):
        return [GateSite(size_bytes=s, site=f"app.py:{n} < main.py:1", t=61.0, **{**BUILD, **more})
                for n, s in enumerate(sizes)]  # fmt: skip

    def named(events):
        return growing_sites(history(events), **BUILD)

    assert named(sites(1024.0, 102.4, 102.3)) == ["allocated at app.py:0 (1 KiB), app.py:1 (102 B)"]
    assert named(sites(9.0, 8.0, 7.0, 6.0)) == ["allocated at app.py:0 (9 B), app.py:1 (8 B), app.py:2 (7 B)"]
    assert named(sites(0.0)) == named(sites(-5.0)) == named([]) == []
    assert named(sites(None, 2.0)) == ["allocated at app.py:1 (2 B)"]
    assert named(sites(9.0, build="baseline")) == named(sites(9.0, corpus="closed")) == []


# whether the slots can be judged


def problem(events, corpus="open"):
    return slot_problem(history(events), "candidate", corpus)


SLOTS = [*base(), GateAgent(present=1.0, build="candidate")]


def slots(numbers, **values):
    return change(SLOTS, GateSlot, numbers, **values)


def ended(**changes):
    return [replace(e, **changes) if isinstance(e, GateEnd) else e for e in SLOTS]


ENDLESS = [e for e in SLOTS if not isinstance(e, GateEnd)]
USED_NOTHING = "what was read used no CPU time while 50000 requests were answered: it is not what answers them"


@pytest.mark.parametrize(
    ("events", "text"),
    [
        (SLOTS, ""),
        ([*SLOTS, GateSlot(error="gone", t=30.5, **BUILD)], "a quiet point was not read: gone"),
        ([*SLOTS, GateSlot(t=30.5, **BUILD)], "a quiet point was not read: it says nothing"),
        ([*SLOTS, GateSlot(error="gone", t=30.5, build="baseline", corpus="open")], ""),
        (slots({1}, fds=None, threads=None), "the record of a slot lacks threads and fds"),
        (slots({1}, members=""), "the record of a slot lacks its processes"),
        (slots({5}, requests=-1.0), "requests of slot 5 is -1, which cannot be"),
        (slots({5}, threads=0.0), "threads of slot 5 is 0, which cannot be"),
        (slots({5}, fds=0.0), ""),
        (slots({2}, blocks=float("inf")), "blocks of slot 2 is no finite number: inf"),
        (slots({2}, round=2.5), "slots are missing or doubled between slots 1 and 2"),
        (slots({2}, requests=19_999.0), "the number of requests falls between slots 1 and 2"),
        (slots({2}, requests=20_000.0), ""),
        (slots({2}, load_s=20.0), "the clock jumped between slots 1 and 2: 10.0 s and 0.0 s passed at once"),
        (slots({5}, load_s=62.0), ""),
        (slots({5}, load_s=62.1), "the clock jumped between slots 4 and 5: 10.0 s and 12.1 s passed at once"),
        (slots({5}, load_s=58.0), ""),
        (slots({5}, load_s=57.9), "the clock jumped between slots 4 and 5: 10.0 s and 7.9 s passed at once"),
        (slots({2, 3}, processes=3.0), "the number of processes changed (1, 3)"),
        (
            slots({3, 4, 5}, members="11@1.00"),
            "processes of the service were replaced between slots 2 and 3: what they had kept went with them",
        ),
        (slots(None, members="11@1.00"), "processes of the service were replaced after the last slot"),
        (slots(None, cpu_seconds=9.0), USED_NOTHING),
        (ENDLESS, "nobody looked whether the service lived through the last slot"),
        (ended(members=""), "the service was gone after the last slot"),
        (ended(rounds=7.0), "slots are missing: the last is 5, of 7 that were measured"),
        (ended(rounds=None), "slots are missing: the last is 5, of 0 that were measured"),
        (
            slots({2}, live_bytes=None, blocks=None, gc_objects=None, uordblks_bytes=None),
            "the agent was silent in 1 of 6 slots, so that garbage was not collected there",
        ),
        (slots({2}, live_bytes=None, blocks=None, gc_objects=None), ""),
    ],
)  # fmt: skip
def test_slots_that_cannot_be_judged_say_why(events, text):
    assert problem(events) == text


def test_an_agent_may_be_silent_in_an_eighth_of_the_slots_and_one_that_was_not_there_in_all():
    silent = dict.fromkeys(("live_bytes", "blocks", "gc_objects", "uordblks_bytes"))
    eight = [replace(e, rounds=8.0) if isinstance(e, GateEnd) else e for e in base(8)]
    agent = GateAgent(present=1.0, build="candidate")
    assert problem(change([*eight, agent], GateSlot, {2}, **silent)) == ""
    assert problem(change([*eight, agent], GateSlot, {2, 3}, **silent)).startswith("the agent was silent in 2 of 8")
    for absent in ([], [GateAgent(present=0.0, build="candidate")], [GateAgent(present=1.0, build="baseline")]):
        assert problem(change([*eight, *absent], GateSlot, {2, 3}, **silent)) == ""


def test_of_no_slots_nothing_is_wrong_here():
    assert problem([]) == ""
    assert problem(change(SLOTS, GateSlot, None, corpus=""), corpus="") == "the record of a slot lacks its corpus"
    one = [replace(e, rounds=1.0) if isinstance(e, GateEnd) else e for e in base(1)]
    assert problem(one) == ""


def test_a_service_that_answered_little_need_not_have_used_cpu_time():
    def few(requests):
        events = change(SLOTS, GateSlot, None, cpu_seconds=9.0, requests=10_000.0)
        return problem(change(events, GateSlot, {5}, requests=10_000.0 + requests))

    assert few(999.0) == ""
    assert few(1000.0).startswith("what was read used no CPU time while 1000 requests")


# the record of the run


def whole(*, phases=("setup", "warmup", "slots", "teardown"), warmup_s=10.0, more=()):
    events = [RecordCovers(t=0.0), *SLOTS, *more]
    spans = {"setup": (0.0, 1.0), "warmup": (1.0, 1.0 + warmup_s), "slots": (11.5, 66.0), "teardown": (66.0, 67.0)}
    for number, name in enumerate(phases):
        start, end = spans.get(name, (67.0, 68.0))
        begin = RunPhase(phase=name, t=start, kind="begin", act=f"p{number}")
        events += [begin, replace(begin, t=end, kind="ok")]
    start = TargetStart(t=0.2, kind="begin", act="s")
    return [*events, start, replace(start, t=0.4, kind="ok")]


def doubts(events, builds=("candidate",), scenario=PLAIN):
    seen = history(events)
    ends = (("setup", 1.0), ("warmup", 11.0), ("slots", 66.0), ("teardown", 1e9))
    phased = [replace(event, phase=next(name for name, end in ends if event.t <= end)) for event in seen]
    found = gate_doubts(History(phased), scenario, {"cpus": 2}, list(builds))
    return [d.text for d in found if not d.about and "does not lie in its phase" not in d.text]


def test_the_record_of_a_gate_has_its_phases():
    assert doubts(whole(warmup_s=10.0)) == []
    lacking = doubts(whole(phases=("setup", "slots", "teardown")))
    assert lacking == ["the phases of the record are setup, slots, teardown; expected warmup and slots between two"]
    assert doubts([e for e in whole() if not isinstance(e, RunPhase)])[0] == (
        "the phases of the record are none; expected warmup and slots between two"
    )


def test_a_service_is_started_once_for_each_build_and_at_the_beginning():
    assert doubts(whole(more=[TargetReady(process=10.0, t=0.6)])) == [
        "1 builds were measured, 1 started, and 2 were ready"
    ]
    assert doubts(whole(more=[TargetReady(t=0.6)])) == []
    late = doubts(whole(more=[TargetReady(process=10.0, t=30.0)]))
    assert late[-1] == "a service was started at 30 s, in the middle of the measurement"
    restart = TargetRestart(t=30.0, kind="begin", act="r")
    assert doubts(whole(more=[restart, replace(restart, kind="ok", t=31.0)])) == ["the service was restarted at 30 s"]
    assert doubts(whole(more=[TargetUnwatched(message="it is gone", t=30.0)])) == [
        "the service could not be watched: it is gone"
    ]
    assert doubts(whole(more=[WorkerLost(t=30.0)])) == ["Locust lost its worker"]


def test_an_agent_is_told_of_and_only_one_that_is_there_tells_types():
    nobody = [e for e in whole() if not isinstance(e, GateAgent)]
    assert doubts(nobody) == ["the record does not say whether the candidate had an agent"]
    told = GateTypes(counts={"dict": 1.0}, requests=1.0, moment="before", t=12.0, **BUILD)
    assert doubts([*nobody, GateAgent(present=0.0, build="candidate"), told]) == [
        "the types of the candidate's objects were told by no agent"
    ]
    assert doubts([*whole(), told]) == []
    off = PLAIN.model_copy(update={"gate": PLAIN.gate.model_copy(update={"agent": "off"})})
    assert doubts(nobody, scenario=off) == []


def test_the_service_is_asked_for_its_count_twice():
    count = GateServiceCount(counted=0.0, completed=0.0, t=12.0, **BUILD)
    text = "the service's own count of requests was not read before the slots and after them"
    assert doubts(whole(more=[count])) == [text]
    assert doubts(whole(more=[count, replace(count, t=65.0)])) == []
    assert doubts(whole(more=[count, replace(count, t=65.0), replace(count, t=65.5)])) == [text]


def test_a_run_that_broke_off_is_told_by_each_claim(kept_too):
    for more in (
        TargetExited(-9.0, oom_kill="true", t=30.0), TargetExited(3.0, t=30.0), TargetExited(t=30.0),
        LoadExited(t=30.0), LoadExited(reason="it was told to", t=30.0), RunBroken("no room", t=30.0),
    ):  # fmt: skip
        kept_too += judge_gate(history([*SLOTS, more]), PLAIN)
    kept_too += judge_gate(history(SLOTS), PLAIN)
    assert index(SLOTS, GateSlot, 0) > 0
