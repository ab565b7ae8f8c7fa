"""Spoilt records of drills of which this version tells more: what a kernel, a target and a Prometheus always say."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

from sabotage import add, sabotage
from steps import COMPLETE, RETURNS
from tape import Span, Tape, of

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakdrill.record.event import Event

GROUP, TREE, LOAD = of("cgroup", "resources"), of("process", "tree"), of("load", "requests")
ALERT, NOTICE = of("prometheus", "alert"), of("alertmanager", "notification")
ALERTS = "alert_fires_in_time"


def meters(event: Event) -> bool:
    return (event.source, event.name) in {
        ("cgroup", "resources"),
        ("process", "tree"),
        ("process", "smaps"),
        ("service", "metrics"),
        ("filesystem", "disk"),
        ("pod", "resources"),
    }


@sabotage("all meters thinned alike", "sealed", COMPLETE, "UNKNOWN", "times a second")
def every_second_reading(tape: Tape) -> Tape:
    places: dict[tuple[str, str], itertools.count[int]] = {}
    return tape.drop(lambda e: meters(e) and next(places.setdefault((e.source, e.name), itertools.count())) % 2 == 1)


@sabotage("all meters thinned alike", "pods", COMPLETE, "UNKNOWN", "times a second")
def every_second_reading_of_a_pod(tape: Tape) -> Tape:
    return every_second_reading(tape)


def scaled(factor: float, phase: str) -> Callable[[Tape], Tape]:
    """Memory of every meter in a phase is so many times as much, without parts of a byte."""

    def spoil(tape: Tape) -> Tape:
        return tape.memory(lambda _t, size: float(int(size * factor)), tape.phases[phase])

    return spoil


for factor, phase in ((1.09, "baseline"), (0.97, "recover"), (0.7, "recover")):
    what = f"times {factor:g} in {phase}"
    add("memory that is scaled by a little", what, "sealed", scaled(factor, phase), COMPLETE, "UNKNOWN", "no multiple")
    add(
        "memory that is scaled by a little",
        f"{what}, in a pod",
        "pods",
        scaled(factor, phase),
        COMPLETE,
        "UNKNOWN",
        "no multiple",
    )


@sabotage("memory that is scaled by a little", "sealed", COMPLETE, "UNKNOWN", "no multiple")
def by_a_fraction(tape: Tape) -> Tape:
    return tape.memory(lambda _t, size: size * 0.9731)


for key, whole in (("anon_bytes", "memory_bytes"), ("throttled_periods", "periods"), ("uss_bytes", "pss_bytes")):
    add(
        "parts that are more than the whole",
        f"{key} and {whole}",
        "sealed",
        lambda tape, key=key: tape.numbers(
            lambda e: e.source in ("cgroup", "process"), key, lambda n: n * 2 + 64 * 1024**2
        ),
        COMPLETE,
        "UNKNOWN",
        "cannot be",
    )

for meter, base in ((TREE, "pods"), (of("process", "smaps"), "pods"), (of("pod", "resources"), "pods")):
    example = next(e for e in Tape(base).events if meter(e))
    add(
        "meters that are gone",
        f"{example.source} {example.name} of a pod",
        base,
        lambda tape, meter=meter: tape.drop(meter),
        COMPLETE,
        "UNKNOWN",
        "nothing was read",
    )


@sabotage("meters that are gone", "pods", COMPLETE, "UNKNOWN", "nothing was read of pod/resources for")
def pods_under_load(tape: Tape) -> Tape:
    return tape.drop(of("pod", "resources", Span(17, 27)))


@sabotage("acts that are not told", "sealed", COMPLETE, "UNKNOWN", "start of the target")
def the_start(tape: Tape) -> Tape:
    return tape.drop(of("target", "start"))


@sabotage("acts that are not told", "sealed", COMPLETE, "UNKNOWN", "end of the target")
def the_end(tape: Tape) -> Tape:
    return tape.drop(of("target", "stop"))


@sabotage("acts that are not told", "pods", COMPLETE, "UNKNOWN", "no restart")
def the_restart(tape: Tape) -> Tape:
    return tape.drop(of("target", "restart"))


@sabotage("acts that are not told", "pods", COMPLETE, "UNKNOWN", "nothing was ready after")
def what_was_ready_after_it(tape: Tape) -> Tape:
    return tape.drop(of("target", "ready", Span(10, 1e9)))


@sabotage("acts that are not told", "pods", COMPLETE, "UNKNOWN", "the same process was ready")
def that_another_process_was_ready(tape: Tape) -> Tape:
    first = tape.first(of("target", "ready"))
    return tape.change(of("target", "ready"), lambda e: replace(e, value=first.value))


@sabotage("acts that are not told", "sealed", "leak_grows_as_declared", "UNKNOWN", "was switched on")
def that_the_leak_was_switched_on_at_once(tape: Tape) -> Tape:
    return tape.move(of("leak", "switch_on"), 5)


for label, value, word in (
    ("job", "another", "the job another"),
    ("instance", "10.0.0.9:9100", "the instance 10.0.0.9:9100"),
    ("pod", "another-pod", "the pod another-pod"),
):
    base = "pods" if label == "pod" else "sealed"
    add(
        "alerts of something else",
        f"of another {label}",
        base,
        lambda tape, label=label, value=value: tape.labels(lambda e: ALERT(e) or NOTICE(e), **{label: value}),
        ALERTS,
        "UNKNOWN",
        word,
    )


@sabotage("alerts of something else", "sealed", ALERTS, "UNKNOWN", "the drill receives at")
def sent_to_another_receiver(tape: Tape) -> Tape:
    return tape.labels(NOTICE, receiver="null")


@sabotage("alerts of something else", "sealed", ALERTS, "UNKNOWN", "was evaluated")
def without_the_time_of_the_evaluation(tape: Tape) -> Tape:
    return tape.change(ALERT, lambda e: replace(e, at=None))


@sabotage("alerts of something else", "sealed", ALERTS, "UNKNOWN", "what the rule")
def without_what_the_rules_select(tape: Tape) -> Tape:
    return tape.drop(of("prometheus", "selector"))


@sabotage("counts of the load that cannot be", "sealed", "requests_keep_error_rate", "UNKNOWN", "no response")
def unanswered_and_not_failed(tape: Tape) -> Tape:
    return tape.numbers(LOAD, "completed", lambda n: n * 0.9 // 1)


@sabotage("counts of the load that cannot be", "sealed", "requests_keep_error_rate", "UNKNOWN", "had not ended")
def other_users_than_were_started(tape: Tape) -> Tape:
    return tape.numbers(LOAD, "users", lambda _n: 1.0)


@sabotage("counts of the load that cannot be", "sealed", "requests_keep_error_rate", "UNKNOWN", "asked for")
def no_worker(tape: Tape) -> Tape:
    return tape.numbers(LOAD, "workers", lambda _n: 0.0)


@sabotage("counts of the load that cannot be", "sealed", "requests_keep_latency", "UNKNOWN", "took up to 0 ms")
def answers_in_no_time(tape: Tape) -> Tape:
    for key in ("p50_ms", "p95_ms", "p99_ms"):
        tape.numbers(LOAD, key, lambda _n: 0.0)
    return tape


@sabotage("readings that are copied", "sealed", RETURNS, "UNKNOWN", "repeats from")
def an_uneven_stretch(tape: Tape) -> Tape:
    places = itertools.count()
    sizes = (3, 9, 4, 7, 1, 8, 2, 6, 5, 0, 11, 10, 13, 12, 15, 14, 17, 16, 19, 18, 21, 20, 23, 22, 25, 24)

    def uneven(event: Event) -> Event:
        assert isinstance(event.value, dict)
        size = 4096 * sizes[next(places) % len(sizes)]
        return replace(event, value={**event.value, "rss_bytes": event.value["rss_bytes"] // 2**24 * 2**24 + size})

    return tape.change(of("process", "tree", Span(tape.cured.start + 3, 1e9)), uneven)


@sabotage("time that is cut out", "sealed", COMPLETE, "UNKNOWN", "time is missing")
def five_seconds_and_the_rest_moved_up(tape: Tape) -> Tape:
    hole = Span(tape.phases["load"].end - 10, tape.phases["load"].end - 5)
    return tape.drop(lambda e: e.kind == "sample" and hole.of(e.t)).move(lambda e: e.t > hole.end, -5)


@sabotage("time that is cut out", "sealed", COMPLETE, "UNKNOWN", "the record begins at")
def the_beginning(tape: Tape) -> Tape:
    return tape.move(lambda _e: True, 3600)


@sabotage("lines that nothing writes", "sealed", COMPLETE, "UNKNOWN", "nothing writes the line")
def an_unknown_event(tape: Tape) -> Tape:
    return tape.add(replace(tape.first(TREE), source="drill", name="all_is_well", value=1.0))


@sabotage("another scenario", "sealed", COMPLETE, "UNKNOWN", "was started as process")
def of_a_container(tape: Tape) -> Tape:
    assert tape.scenario is not None
    target = tape.scenario.target.model_copy(update={"kind": "docker"})
    tape.scenario = tape.scenario.model_copy(update={"target": target})
    return tape


@sabotage("another scenario", "sealed", COMPLETE, "UNKNOWN", "does not describe the machine")
def without_a_machine(tape: Tape) -> Tape:
    tape.machine = {}
    return tape


@sabotage("another scenario", "pods", COMPLETE, "UNKNOWN", "the pod's memory limit")
def with_another_limit(tape: Tape) -> Tape:
    return tape.numbers(lambda e: e.source in ("cgroup", "pod"), "limit_bytes", lambda n: 2 * n)


for key in ("usage_bytes", "anon_bytes", "working_set_bytes"):
    add(
        "figures of a pod that are gone",
        key,
        "pods",
        lambda tape, key=key: tape.numbers(of("pod", "resources"), key, lambda _: None),
        COMPLETE,
        "UNKNOWN",
        f"pod/resources lacks {key}",
    )
for key in ("usage_bytes", "anon_bytes"):
    add(
        "figures of a pod that cannot be",
        f"{key} is 0",
        "pods",
        lambda tape, key=key: tape.numbers(of("pod", "resources"), key, lambda _: 0.0),
        COMPLETE,
        "UNKNOWN",
        f"read {key} 0",
    )
