"""Readings that are missing, shifted, frozen, doubled, negative or no numbers, exactly where it matters."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import TYPE_CHECKING

from sabotage import add, sabotage
from steps import COMPLETE, GROWS, RETURNS, STAYS, before
from tape import MIB, Span, Tape, moved, of

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakdrill.record.event import Event

METERS = {
    ("cgroup", "resources"): ("anon_bytes", "usage_bytes", "cpu_seconds"),
    ("process", "tree"): ("rss_bytes", "cpu_seconds", "threads", "fds", "processes"),
    ("process", "smaps"): ("anon_bytes", "pss_bytes", "uss_bytes"),
    ("filesystem", "disk"): ("used_bytes",),
    ("load", "requests"): ("requests", "failures", "rps"),
}
IMPOSSIBLE: dict[str, Callable[[float], float]] = {
    "negative": lambda n: -abs(n) - 1,
    "not a number": lambda _: math.nan,
    "infinite": lambda _: math.inf,
    "beyond every machine": lambda _: 1e18,
}


def _spoilt(source: str, name: str, field: str, new: Callable[[float], float]) -> Callable[[Tape], Tape]:
    return lambda tape: tape.numbers(of(source, name, tape.tail), field, new)


for (source, name), fields in METERS.items():
    for field in fields:
        for what, new in IMPOSSIBLE.items():
            spoil = _spoilt(source, name, field, new)
            add(f"numbers that are {what}", f"{source} {name} {field}", "cache", spoil, COMPLETE, "UNKNOWN", "")

# A whole meter gone, in one phase, in one place, singly.


def gone(source: str, name: str, span: Span | None = None) -> Callable[[Tape], Tape]:
    return lambda tape: tape.drop(of(source, name, span or Span(0, 1e9)))


for source, name in METERS:
    if source != "load":
        nothing_read = "nothing was read"
        add("meters that are gone", f"{source} {name}", "cache", gone(source, name), COMPLETE, "UNKNOWN", nothing_read)
    add(
        "meters that are gone in one phase",
        f"{source} {name} in `recover`",
        "cache",
        lambda tape, source=source, name=name: tape.drop(of(source, name, tape.phases["recover"])),
        COMPLETE,
        "UNKNOWN",
        "for",
    )


@sabotage("meters that are gone", "cache", RETURNS, "UNKNOWN", "nothing was read of cgroup/resources")
def the_processes_take_the_place_of_the_control_group(tape: Tape) -> Tape:
    return tape.drop(of("cgroup", "resources"))


@sabotage("meters that are gone", "cache", RETURNS, "UNKNOWN", "lacks anon_bytes")
def anonymous_memory_is_gone_from_the_control_group(tape: Tape) -> Tape:
    return tape.numbers(of("cgroup", "resources"), "anon_bytes", lambda _: None)


@sabotage("meters that are gone in one phase", "cache", RETURNS, "UNKNOWN", "0 in `recover`")
def anonymous_memory_is_gone_after_the_step(tape: Tape) -> Tape:
    return tape.numbers(of("cgroup", "resources", tape.cured), "anon_bytes", lambda _: None)


@sabotage("meters that are gone in one phase", "cache", COMPLETE, "UNKNOWN", "silent")
def the_control_group_is_silent_while_memory_should_fall(tape: Tape) -> Tape:
    start = tape.cured.start
    return tape.drop(of("cgroup", "resources", Span(start, start + 1.5)))


@sabotage("meters that are gone", "cache", COMPLETE, "UNKNOWN", "nothing was read of service/metrics")
def the_service_tells_nothing_of_itself(tape: Tape) -> Tape:
    return tape.drop(of("service", "metrics"))


@sabotage("meters that are gone in one phase", "cache", COMPLETE, "UNKNOWN", "was silent for 8 s")
def readings_without_numbers_and_without_a_reason(tape: Tape) -> Tape:
    return tape.change(of("cgroup", "resources", tape.tail), lambda e: replace(e, value=None))


def high(tape: Tape) -> Tape:
    """Memory that swings up and down after the step, by every meter."""
    return tape.memory(lambda t, x: x + (25 * MIB if int(t * 5) % 3 == 0 else 0), tape.tail)


@sabotage("high readings dropped", "cache", RETURNS, "UNKNOWN", "lacks")
def the_high_readings_of_the_control_group_are_dropped(tape: Tape) -> Tape:
    low = tape.level(tape.tail) + 12 * MIB
    high(tape)
    return tape.drop(lambda e: of("cgroup", "resources", tape.tail)(e) and number(e, "anon_bytes") > low)


@sabotage("high readings dropped", "cache", RETURNS, "UNKNOWN", "lacks readings")
def the_high_readings_of_both_are_dropped(tape: Tape) -> Tape:
    low = tape.level(tape.tail) + 12 * MIB
    times = {round(e.t, 1) for e in high(tape).events if e.source == "cgroup" and number(e, "anon_bytes") > low}
    ticks = lambda e: e.source in ("cgroup", "process") and tape.tail.of(e.t) and round(e.t, 1) in times  # noqa: E731
    return tape.drop(ticks)


@sabotage("high readings dropped", "cache", GROWS, "UNKNOWN", "lacks")
def every_second_reading_of_the_leak_is_dropped(tape: Tape) -> Tape:
    place = itertools.count()
    return tape.drop(lambda e: of("cgroup", "resources", tape.phases["load"])(e) and next(place) % 2 == 0)


@sabotage("high readings dropped", "twin", STAYS, "UNKNOWN", "lacks")
def the_high_readings_of_the_twin_are_dropped(tape: Tape) -> Tape:
    place = itertools.count()
    return tape.drop(lambda e: of("cgroup", "resources", tape.phases["load"])(e) and next(place) % 7 == 0)


def number(event: Event, key: str) -> float:
    return event.value.get(key, 0.0) if isinstance(event.value, dict) else 0.0


# One meter against the others.


@sabotage("meters that disagree", "cache", RETURNS, "UNKNOWN", "and the control group's")
def the_control_group_is_low_and_the_processes_are_not(tape: Tape) -> Tape:
    held, level = before(tape), tape.level(tape.tail)
    tape.memory(lambda _, x: x + held, tape.cured)
    return tape.numbers(of("cgroup", "resources", tape.cured), "anon_bytes", lambda _: level)


@sabotage("meters that disagree", "cache", RETURNS, "UNKNOWN", "and the control group's")
def only_the_control_group_falls(tape: Tape) -> Tape:
    held = before(tape)
    tape.memory(lambda _, x: x + held, tape.cured)
    for field in ("anon_bytes", "usage_bytes", "working_set_bytes"):
        tape.numbers(of("cgroup", "resources", tape.cured), field, lambda n: n - held)
    return tape


@sabotage("meters that disagree", "cache", RETURNS, "UNKNOWN", "resident")
def the_service_itself_tells_of_more(tape: Tape) -> Tape:
    return tape.numbers(of("service", "metrics", tape.cured), "process_resident_memory_bytes", lambda n: n + 90 * MIB)


@sabotage("meters that disagree", "cache", RETURNS, "UNKNOWN", "of which it names")
def the_control_group_uses_more_than_it_names(tape: Tape) -> Tape:
    for field in ("usage_bytes", "working_set_bytes"):
        tape.numbers(of("cgroup", "resources", tape.cured), field, lambda n: n + 90 * MIB)
    return tape


@sabotage("meters that disagree", "cache", COMPLETE, "UNKNOWN", "of CPU")
def the_processes_use_more_cpu_than_their_control_group(tape: Tape) -> Tape:
    start = tape.level(tape.phases["load"], key="cpu_seconds")
    return tape.numbers(
        of("cgroup", "resources"), "cpu_seconds", lambda n: n if n < start else start + 0.1 * (n - start)
    )


@sabotage("meters that disagree", "replicas", "step_does_not_cure", "UNKNOWN", "and the control group's")
def the_control_groups_of_the_replicas_are_low(tape: Tape) -> Tape:
    span = Span(tape.cured.start + 2, 1e9)
    for field in ("anon_bytes", "usage_bytes", "working_set_bytes"):
        tape.numbers(of("cgroup", "resources", span), field, lambda n: 0.4 * n)
    return tape


# Frozen, shifted, doubled.

for source, name, word in (("cgroup", "resources", "same CPU time"), ("process", "tree", "same CPU time")):

    def freeze(tape: Tape, source: str = source, name: str = name) -> Tape:
        frozen = tape.first(of(source, name, tape.tail)).value
        keep = {"requests"}

        def still(event: Event) -> Event:
            now = event.value if isinstance(event.value, dict) else {}
            then = frozen if isinstance(frozen, dict) else {}
            return replace(event, value={**then, **{key: now[key] for key in keep & now.keys()}})

        return tape.change(of(source, name, tape.tail), still)

    add("meters that are frozen", f"{source} {name} repeats itself", "cache", freeze, COMPLETE, "UNKNOWN", word)


@sabotage("meters that are frozen", "cache", COMPLETE, "UNKNOWN", "had reported")
def the_count_of_requests_beside_the_readings_stands_still(tape: Tape) -> Tape:
    counted = number(tape.first(of("cgroup", "resources", tape.tail)), "requests")
    return tape.numbers(of("cgroup", "resources", tape.tail), "requests", lambda _: counted)


@sabotage("meters that are frozen", "cache", RETURNS, "UNKNOWN", "proves nothing")
def memory_of_the_control_group_is_frozen_before_it_grew(tape: Tape) -> Tape:
    level = tape.level(tape.phases["baseline"])
    return tape.numbers(of("cgroup", "resources", tape.phases["load"]), "anon_bytes", lambda _: level)


@sabotage("meters that are frozen", "cache", COMPLETE, "UNKNOWN", "0 at")
def memory_is_zero_after_the_step(tape: Tape) -> Tape:
    return tape.memory(lambda _t, _x: 0.0, tape.cured)


@sabotage("meters that are frozen", "twin", STAYS, "UNKNOWN", "samples in the baseline and 0 in `load`")
def memory_of_the_twin_is_zero(tape: Tape) -> Tape:
    return tape.memory(lambda _t, _x: 0.0, tape.phases["load"])


for (source, name), seconds in itertools.product(METERS, (-10, 10)):
    add(
        "meters that are shifted",
        f"{source} {name} by {seconds} s",
        "cache",
        lambda tape, source=source, name=name, seconds=seconds: tape.move(of(source, name), seconds),
        COMPLETE,
        "UNKNOWN",
        "",
    )


@sabotage("meters that are shifted", "cache", COMPLETE, "UNKNOWN", "was silent for")
def every_meter_by_ten_seconds(tape: Tape) -> Tape:
    phase = lambda e: next((p for p, s in tape.phases.items() if s.of(e.t)), "teardown")  # noqa: E731 - of the new time
    shifted = lambda e: (later := moved(e, -10)) and replace(later, phase=phase(later))  # noqa: E731 - one edit
    return tape.change(lambda e: e.source in ("cgroup", "process", "service") and e.t > 15, shifted)


for source, name in METERS:
    add(
        "lines written twice",
        f"{source} {name}",
        "cache",
        lambda tape, source=source, name=name: tape.twice(of(source, name, tape.tail)),
        COMPLETE,
        "UNKNOWN",
        "repeats the one before",
    )


@sabotage("lines written twice", "cache", COMPLETE, "UNKNOWN", "at once")
def readings_doubled_a_moment_later(tape: Tape) -> Tape:
    again = [moved(e, 0.004) for e in tape.events if of("cgroup", "resources")(e)]
    return tape.add(*again)
