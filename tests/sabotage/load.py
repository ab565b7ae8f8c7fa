"""Requests that stop, hang or fail, and counts of them that contradict each other."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from sabotage import add, sabotage
from steps import COMPLETE, WORKS, everything_fails
from tape import Span, Tape, of

if TYPE_CHECKING:
    from leakdrill.record.event import Event

ERRORS, LATENCY, SPREAD = "requests_keep_error_rate", "requests_keep_latency", "load_is_spread"
LOAD = of("load", "requests")


def hang(tape: Tape, span: Span) -> Tape:
    """Nothing is answered in `span`, by every count; what followed follows later."""
    reached: dict[tuple[str, str, str], float] = {}

    def stood(event: Event) -> Event:
        values = event.value
        if not isinstance(values, dict) or event.t < span.start:
            return event
        counts = [key for key in values if key in ("requests", "failures") or key.startswith("http_requests_total")]
        held = {key: reached.setdefault((event.source, event.name, key), values[key]) for key in counts}
        if span.of(event.t):
            rates = {key: 0.0 for key in ("rps", "fail_per_s") if key in values}
            kept = {key: value for key, value in values.items() if key not in ("p50_ms", "p95_ms", "p99_ms")}
            return replace(event, value={**kept, **held, **rates})
        lost = {
            key: reached.setdefault((event.source, event.name, f"+{key}"), values[key] - held[key]) for key in counts
        }
        return replace(event, value={**values, **{key: values[key] - lost[key] for key in counts}})

    return tape.change(lambda _: True, stood)


for seconds in (8, 20):
    add(
        "a service that hangs",
        f"{seconds} s in the load",
        "cache",
        lambda tape, seconds=seconds: hang(tape, Span(22, 22 + seconds)),
        COMPLETE,
        "UNKNOWN",
        "no request was answered",
    )


@sabotage("a service that hangs", "cache", ERRORS, "UNKNOWN", "no request was answered")
def from_the_middle_of_recover_to_the_end(tape: Tape) -> Tape:
    return hang(tape, Span(tape.cured.start + 5, 1e9))


@sabotage("a service that hangs", "cache", WORKS, "UNKNOWN", "no request was answered")
def from_soon_after_the_step_to_the_end(tape: Tape) -> Tape:
    return hang(tape, Span(tape.cured.start + 3, 1e9))


@sabotage("a service that hangs", "twin", ERRORS, "UNKNOWN", "no request was answered")
def the_twin_hangs(tape: Tape) -> Tape:
    return hang(tape, Span(18, 26))


@sabotage("requests that stop or fail", "cache", ERRORS, "UNKNOWN", "never reached")
def there_were_none_at_all(tape: Tape) -> Tape:
    return hang(tape, Span(0, 1e9))


@sabotage("requests that stop or fail", "cache", ERRORS, "FAIL", "failed")
def all_failed_from_the_baseline_on(tape: Tape) -> Tape:
    return everything_fails(tape, Span(tape.phases["baseline"].start, 1e9))


@sabotage("requests that stop or fail", "cache", ERRORS, "FAIL", "failed")
def all_failed_in_recover(tape: Tape) -> Tape:
    return everything_fails(tape, Span(tape.cured.start + 4, 1e9))


@sabotage("requests that stop or fail", "cache", COMPLETE, "UNKNOWN", "Locust ended")
def locust_ended_in_the_load(tape: Tape) -> Tape:
    exited = replace(tape.first(of("load", "requests", Span(30, 99))), name="exited", value=-9.0)
    return tape.drop(of("load", "requests", Span(30, 1e9))).add(exited)


@sabotage("requests that stop or fail", "cache", COMPLETE, "UNKNOWN", "reported nothing")
def locust_reported_nothing_for_six_seconds(tape: Tape) -> Tape:
    return tape.drop(of("load", "requests", Span(25, 31)))


@sabotage("requests that stop or fail", "cache", LATENCY, "FAIL", "p99")
def answers_take_three_seconds(tape: Tape) -> Tape:
    return tape.numbers(LOAD, "p99_ms", lambda _: 3000.0)


# Counts that are none, or that contradict each other.

for name, value in (("not a number", math.nan), ("negative", -5.0), ("more than the requests", 1e6)):
    add(
        "failures that are none",
        name,
        "cache",
        lambda tape, value=value: tape.numbers(of("load", "requests", tape.tail), "failures", lambda _: value),
        ERRORS,
        "UNKNOWN",
        "",
    )


@sabotage("failures that are none", "cache", ERRORS, "UNKNOWN", "cannot be true")
def there_is_no_count_of_failures(tape: Tape) -> Tape:
    return tape.numbers(LOAD, "failures", lambda _: None)


@sabotage("failures that are none", "cache", ERRORS, "UNKNOWN", "by their error")
def errors_are_named_and_no_failures_counted(tape: Tape) -> Tape:
    told = replace(tape.first(of("load", "requests", Span(50, 99))), name="errors", value=700.0)
    return tape.add(replace(told, labels={"error": "503", "method": "POST", "name": "/generate"}))


@sabotage("failures that are none", "cache", ERRORS, "UNKNOWN", "its counts say")
def failures_a_second_that_are_not_counted(tape: Tape) -> Tape:
    return tape.numbers(of("load", "requests", tape.tail), "fail_per_s", lambda _: 40.0)


@sabotage("counts that contradict each other", "cache", ERRORS, "UNKNOWN", "had reported")
def locust_counts_twice_as_many_as_were_answered(tape: Tape) -> Tape:
    return tape.numbers(LOAD, "requests", lambda n: 2 * n).numbers(LOAD, "rps", lambda n: 2 * n)


@sabotage("counts that contradict each other", "cache", ERRORS, "UNKNOWN", "its counts say")
def the_rate_is_another(tape: Tape) -> Tape:
    return tape.numbers(LOAD, "rps", lambda n: n / 3)


@sabotage("counts that contradict each other", "cache", ERRORS, "UNKNOWN", "the service counted")
def the_service_counted_hardly_any(tape: Tape) -> Tape:
    def held(event: Event) -> Event:
        values = event.value if isinstance(event.value, dict) else {}
        kept = {key: (1000.0 if key.startswith("http_requests_total") else n) for key, n in values.items()}
        return replace(event, value=kept)

    return tape.change(of("service", "metrics", tape.phases["load"]), held)


@sabotage("counters that reset", "cache", ERRORS, "UNKNOWN", "cannot be true")
def locust_counts_from_zero(tape: Tape) -> Tape:
    first = tape.first(of("load", "requests", tape.cured)).value
    counted = first["requests"] if isinstance(first, dict) else 0.0
    return tape.numbers(of("load", "requests", Span(tape.cured.start, 1e9)), "requests", lambda n: n - counted)


@sabotage("counters that reset", "cache", COMPLETE, "UNKNOWN", "had reported")
def the_count_beside_the_readings_begins_anew(tape: Tape) -> Tape:
    return tape.numbers(of("cgroup", "resources", Span(30, 1e9)), "requests", lambda n: max(0.0, n - 1500))


for field in ("cpu_seconds", "periods", "throttled_seconds"):
    add(
        "counters that reset",
        f"cgroup {field}",
        "cache",
        lambda tape, field=field: tape.numbers(of("cgroup", "resources"), field, lambda n: n + 9).numbers(
            of("cgroup", "resources", tape.tail), field, lambda n: max(0.0, n - 9)
        ),
        "target_keeps_running",
        "UNKNOWN",
        "only rises",
    )


# Replicas.


@sabotage("replicas", "replicas", SPREAD, "FAIL", "not spread")
def one_replica_answers_everything(tape: Tape) -> Tape:
    stuck = lambda n: min(n, 30.0)  # noqa: E731 - one number
    for name in ("inference-gateway-2", "inference-gateway-3"):
        tape.numbers(of("replica", "requests"), name, stuck)
    return tape


@sabotage("replicas", "replicas", SPREAD, "FAIL", "not spread")
def a_replica_was_not_read(tape: Tape) -> Tape:
    return tape.numbers(of("replica", "requests"), "inference-gateway-3", lambda _: None)


@sabotage("replicas", "replicas", SPREAD, "UNKNOWN", "not read")
def no_replica_was_read(tape: Tape) -> Tape:
    return tape.drop(of("replica", "requests"))


@sabotage("replicas", "replicas", COMPLETE, "UNKNOWN", "says what cannot be")
def a_replica_answered_less_than_nothing(tape: Tape) -> Tape:
    return tape.numbers(of("replica", "requests", tape.tail), "inference-gateway-2", lambda n: -n)


@sabotage("replicas", "replicas", COMPLETE, "UNKNOWN", "ended as `failed`")
def the_scaling_failed(tape: Tape) -> Tape:
    return tape.change(
        of("target", "scale", kind="ok"), lambda e: replace(e, kind="failed", labels={**e.labels, "error": "no room"})
    )
