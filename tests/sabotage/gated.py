"""Spoilt records of a gate."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sabotage import add, sabotage
from tape import Span, Tape, of

if TYPE_CHECKING:
    from tape import Pick

LEAK, LOAD_CLAIM = "memory_does_not_leak", "load_is_as_asked"
SLOT, LOAD, END = of("gate", "slot"), of("load", "requests"), of("gate", "end")


def number(kind: str, pick: Pick, key: str, factor: float | None, word: str) -> None:
    """Adds one that multiplies a number, or leaves it out."""
    what = f"{key} {'is gone' if factor is None else f'times {factor:g}'}"
    spoil = (lambda _n: None) if factor is None else (lambda n: n * factor)
    add(kind, what, "gate", lambda tape: tape.numbers(pick, key, spoil), LEAK, "UNKNOWN", word)


number("requests that nobody made", SLOT, "requests", 100, "requests were made")
number("requests that nobody made", SLOT, "requests", 0.5, "requests were made")
number("requests that nobody made", LOAD, "completed", 0.5, "requests were made")
number("requests that nobody made", LOAD, "rps", 0.01, "its counts say")
number("requests that nobody made", LOAD, "users", 0.25, "users")
number("another process behind the readings", SLOT, "cpu_seconds", 1000, "on 2 CPUs")
number("another process behind the readings", SLOT, "fds", 0, "no open file")
number("parts that are more than the whole", SLOT, "uss_bytes", 4, "uss_bytes was")
number("figures that are gone", SLOT, "live_bytes", None, "live_bytes")
number("clocks that disagree", SLOT, "load_s", 0.5, "by the load's clock")
number("clocks that disagree", SLOT, "rest_s", 0, "the pause of the slot")
number("clocks that disagree", SLOT, "rest_s", 5000, "the pause of the slot")
number("memory that is scaled by a little", SLOT, "rss_after_bytes", 0.97, "")

for name, lines, word in (
    ("the agent", of("gate", "agent"), "had an agent"),
    ("requests by name", of("gate", "requests_by_name"), "by their names"),
    ("the phase of the warm-up", of("drill", "phase", kind="begin"), "one beginning"),
    ("the start", of("target", "start"), "0 started"),
    ("what was ready", of("target", "ready"), "0 were ready"),
    ("most reports of the load", lambda e: LOAD(e) and e.index % 4 != 0, "reported nothing"),
):
    add("lines that are gone", name, "gate", lambda tape, lines=lines: tape.drop(lines), LEAK, "UNKNOWN", word)

for source, name in (("drill", "phase"), ("target", "stop"), ("target", "start")):
    add(
        "acts that failed",
        f"{source} {name}",
        "gate",
        lambda tape, source=source, name=name: tape.change(
            of(source, name, kind="ok"), lambda e: replace(e, kind="failed")
        ),
        LEAK,
        "UNKNOWN",
        "ended as `failed`",
    )


@sabotage("another process behind the readings", "gate", LEAK, "UNKNOWN", "not the process that was started")
def of_another_number(tape: Tape) -> Tape:
    return tape.labels(lambda e: SLOT(e) or END(e), members="7@1.00")


@sabotage("another process behind the readings", "gate", LEAK, "UNKNOWN", "2 were ready")
def another_was_ready(tape: Tape) -> Tape:
    ready = tape.first(of("target", "ready"))
    return tape.add(replace(ready, t=15.0, phase="slots", value={"pid": 7.0, "took_s": 0.1}))


@sabotage("another process behind the readings", "gate", LEAK, "UNKNOWN", "s of CPU for")
def that_hardly_works(tape: Tape) -> Tape:
    return tape.numbers(SLOT, "cpu_seconds", lambda n: 9 + n / 1000)


@sabotage("two meters that drift apart", "gate", LEAK, "UNKNOWN", "nobody shared")
def resident_memory_grows_alone(tape: Tape) -> Tape:
    for key in ("rss_before_bytes", "rss_after_bytes"):
        tape.change(
            SLOT,
            lambda e, key=key: replace(e, value={**e.value, key: e.value[key] + 2**22 * e.value["round"]}),  # type: ignore[dict-item,index]
        )
    return tape


@sabotage("errors that are not counted", "gate", LEAK, "UNKNOWN", "by their error")
def more_kinds_than_failures(tape: Tape) -> Tape:
    labels = {"error": "HTTPError(500)", "method": "GET", "name": "/page"}
    return tape.add(replace(tape.first(LOAD), t=15.0, phase="slots", name="errors", value=9000.0, labels=labels))


@sabotage("numbering", "gate", LEAK, "UNKNOWN", "time runs backwards")
def two_lines_change_their_places(tape: Tape) -> Tape:
    tape.numbered = False
    events = tape.history().events
    tape.events = [replace(e, index=i) for i, e in enumerate((*events[:40], events[45], *events[40:45], *events[46:]))]
    return tape


@sabotage("numbering", "gate", LEAK, "UNKNOWN", "the slot at")
def everything_is_twice_as_fast(tape: Tape) -> Tape:
    return tape.change(lambda e: Span(11, 27).of(e.t), lambda e: replace(e, t=11 + (e.t - 11) / 2))


@sabotage("requests that nobody made", "gate", LOAD_CLAIM, "UNKNOWN", "lost its worker")
def a_worker_was_lost(tape: Tape) -> Tape:
    lost = replace(tape.first(LOAD), t=15.0, phase="slots", name="worker_lost", value=1.0, labels={"wanted": "1"})
    return tape.add(lost)


for key in ("rps", "users", "workers", "completed", "p95_ms"):
    add(
        "counts of the load that are gone",
        f"{key} of a gate",
        "gate",
        lambda tape, key=key: tape.numbers(LOAD, key, lambda _: None),
        LOAD_CLAIM,
        "UNKNOWN",
        "lacks",
    )


@sabotage("counts of the load that cannot be", "gate", LOAD_CLAIM, "UNKNOWN", "quantiles")
def the_median_is_above_the_99th_percentile(tape: Tape) -> Tape:
    return tape.numbers(LOAD, "p50_ms", lambda n: n + 1e4)


@sabotage("another process behind the readings", "gate", LEAK, "UNKNOWN", "not the process that was started")
def no_process_was_ready(tape: Tape) -> Tape:
    return tape.numbers(of("target", "ready"), "pid", lambda _: 0.0)
