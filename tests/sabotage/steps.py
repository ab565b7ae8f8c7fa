"""Steps that cure nothing, cure for a moment, or by other means; leaks and baselines that are none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sabotage import add, sabotage
from tape import MIB, Span, Tape, of

from leakdrill.record.event import Event

if TYPE_CHECKING:
    from leakdrill.record.event import Kind

WORKS, RETURNS, GROWS, KEEPS = (
    "step_works",
    "memory_returns_to_baseline",
    "leak_grows_as_declared",
    "target_keeps_running",
)
STAYS, DISK, COMPLETE = "memory_does_not_grow", "disk_returns_to_baseline", "measurements_are_complete"


def before(tape: Tape) -> float:
    """What the service's memory had grown to when the step came."""
    return tape.level(Span(tape.cured.start - 0.4, tape.cured.start)) - tape.level(tape.tail)


def target(name: str, t: float, kind: Kind = "sample", **labels: str) -> Event:
    return Event(index=0, t=t, phase="mitigate", source="target", kind=kind, name=name, value=None, labels=labels)


# Steps that do nothing.


@sabotage("steps that do nothing", "cache", WORKS, "FAIL", "took away 3.63 %")
def memory_stays_where_it_was(tape: Tape) -> Tape:
    held = before(tape)
    return tape.memory(lambda _, x: x + held, tape.cured)


@sabotage("steps that do nothing", "cache", WORKS, "FAIL", "took away")
def a_third_of_the_growth_goes_away(tape: Tape) -> Tape:
    held = before(tape)
    return tape.memory(lambda _, x: x + 0.67 * held, tape.cured)


@sabotage("steps that do nothing", "cache", RETURNS, "FAIL", "stayed")
def the_leak_goes_on_after_the_step(tape: Tape) -> Tape:
    held = before(tape)
    return tape.memory(lambda t, x: x + held + MIB * (t - tape.cured.start), tape.cured)


@sabotage("steps that do nothing", "cache", WORKS, "FAIL", "failed after")
def the_step_failed(tape: Tape) -> Tape:
    return tape.change(
        of("step", "clear the cache", kind="ok"),
        lambda e: replace(e, kind="failed", labels={**e.labels, "error": "404"}),
    )


@sabotage("steps that do nothing", "cache", WORKS, "UNKNOWN", "nobody can say")
def nobody_knows_how_the_step_ended(tape: Tape) -> Tape:
    return tape.change(of("step", "clear the cache", kind="ok"), lambda e: replace(e, kind="unknown"))


@sabotage("steps that do nothing", "cache", WORKS, "UNKNOWN", "the record ends before it did")
def the_step_never_ended(tape: Tape) -> Tape:
    return tape.drop(of("step", "clear the cache", kind="ok"))


@sabotage("steps that do nothing", "cache", WORKS, "UNKNOWN", "never begun")
def the_step_is_not_in_the_record(tape: Tape) -> Tape:
    return tape.drop(of("step", "clear the cache"))


@sabotage("steps that do nothing", "cache", "step_does_not_cure", "FAIL", "cures what it must not")
def the_step_that_must_not_cure_cures(tape: Tape) -> Tape:
    collected = next(e.t for e in tape.events if e.name == "collect garbage" and e.kind == "ok")
    held = before(tape)
    return tape.memory(lambda _, x: x - 0.9 * held, Span(collected, tape.cured.start))


@sabotage("steps that do nothing", "disk", WORKS, "FAIL", "changed nothing")
def the_disk_stays_full(tape: Tape) -> Tape:
    full = tape.level(Span(tape.cured.start - 0.5, tape.cured.start), "filesystem", "used_bytes")
    return tape.numbers(of("filesystem", "disk", tape.cured), "used_bytes", lambda _: full)


@sabotage("steps that do nothing", "disk", WORKS, "UNKNOWN", "there was no growth to cure")
def the_disk_never_grew(tape: Tape) -> Tape:
    empty = tape.level(tape.phases["baseline"], "filesystem", "used_bytes")
    return tape.numbers(of("filesystem", "disk"), "used_bytes", lambda _: empty)


# Steps that work by a restart, or by ending the service.


@sabotage("steps that work by a restart", "cache", WORKS, "UNKNOWN", "no step asks for it")
def the_service_is_restarted_beside_the_step(tape: Tape) -> Tape:
    t = tape.cured.start
    return tape.add(
        target("restart", t - 0.05, "begin", act="900"), target("restart", t + 0.6, "ok", act="900")
    )  # the step ends while the restart goes on


@sabotage("steps that work by a restart", "cache", WORKS, "UNKNOWN", "started anew")
def the_service_tells_a_later_start(tape: Tape) -> Tape:
    return tape.numbers(of("service", "metrics", tape.cured), "process_start_time_seconds", lambda n: n + 40)


@sabotage("steps that work by a restart", "cache", WORKS, "UNKNOWN", "only rises")
def the_control_group_counts_from_zero(tape: Tape) -> Tape:
    used = tape.level(tape.cured, key="cpu_seconds")
    return tape.numbers(of("cgroup", "resources", tape.cured), "cpu_seconds", lambda n: n - used)


@sabotage("steps that work by a restart", "cache", WORKS, "UNKNOWN", "only rises")
def the_process_counts_from_zero(tape: Tape) -> Tape:
    used = tape.level(tape.cured, "process", "cpu_seconds")
    return tape.numbers(of("process", "tree", tape.cured), "cpu_seconds", lambda n: n - used)


@sabotage("steps that work by a restart", "cache", WORKS, "UNKNOWN", "nothing had started it")
def another_process_is_ready(tape: Tape) -> Tape:
    ready = tape.first(of("target", "ready"))
    return tape.add(replace(ready, t=tape.cured.start + 0.5, value={"pid": 99999.0, "took_s": 0.4}))


@sabotage("steps that work by a restart", "cache", KEEPS, "FAIL", "nobody had asked")
def the_service_crashes_and_comes_back(tape: Tape) -> Tape:
    t, ready = tape.cured.start + 0.2, tape.first(of("target", "ready"))
    crashed = replace(target("exited", t, pid="1", signal="", oom_kill="false", reason=""), value=1.0)
    return tape.add(crashed, replace(ready, t=t + 0.8))


@sabotage("steps that end the service", "cache", KEEPS, "FAIL", "SIGKILL")
def the_service_is_killed_and_gone(tape: Tape) -> Tape:
    t = tape.cured.start + 0.2
    killed = target("exited", t, pid="1", signal="SIGKILL", oom_kill="false", reason="")
    return tape.add(replace(killed, value=-9.0))


@sabotage("steps that end the service", "cache", KEEPS, "FAIL", "OOM-killed")
def the_kernel_kills_a_process_of_it(tape: Tape) -> Tape:
    return tape.numbers(of("cgroup", "resources", Span(35, 99)), "oom_kills", lambda _: 1.0)


@sabotage("steps that end the service", "cache", COMPLETE, "UNKNOWN", "of a service that ran")
def there_is_no_process_any_more(tape: Tape) -> Tape:
    for key in ("processes", "threads", "rss_bytes", "fds"):
        tape.numbers(of("process", "tree", tape.cured), key, lambda _: 0.0)
    return tape


@sabotage("steps that end the service", "cache", WORKS, "FAIL", "then nothing more")
def it_serves_no_request_after_the_step(tape: Tape) -> Tape:
    return everything_fails(tape, Span(tape.cured.start, 1e9))


def everything_fails(tape: Tape, span: Span) -> Tape:
    """Every request of `span` fails, by every count."""
    first = next(e for e in tape.events if e.name == "requests" and e.source == "load" and span.of(e.t))
    start = first.value if isinstance(first.value, dict) else {}

    def failed(event: Event) -> Event:
        values = event.value
        if not isinstance(values, dict) or "requests" not in values:
            return event
        if event.source != "load":
            return replace(event, value={**values, "requests": min(values["requests"], start["requests"])})
        count = values["requests"] - start["requests"]
        return replace(event, value={**values, "failures": start["failures"] + count, "fail_per_s": values["rps"]})

    errors = replace(first, t=min(span.end, tape.cured.end) - 0.1, name="errors", value=600.0)
    labels = {"error": "503", "method": "POST", "name": "/generate"}
    tape.change(lambda e: span.of(e.t) and e.source != "replica", failed)
    last = [e.value["failures"] for e in tape.events if e.source == "load" and isinstance(e.value, dict)][-1]
    return tape.add(replace(errors, value=last, labels=labels))


# Steps that work and relapse, or for a blink.


@sabotage("steps that work and relapse", "cache", WORKS, "FAIL", "only, and then")
def memory_falls_for_a_blink(tape: Tape) -> Tape:
    held, back = before(tape), tape.cured.start + 0.5
    return tape.memory(lambda t, x: x + held if t > back else x, tape.cured)


@sabotage("steps that work and relapse", "cache", WORKS, "FAIL", "only, and then")
def memory_falls_for_a_blink_and_again_at_the_end(tape: Tape) -> Tape:
    held, start = before(tape), tape.cured.start
    return tape.memory(lambda t, x: x + held if start + 0.5 < t < start + 5 else x, tape.cured)


@sabotage("steps that work and relapse", "cache", WORKS, "FAIL", "did not last")
def memory_comes_back_for_two_seconds(tape: Tape) -> Tape:
    held, start = before(tape), tape.cured.start
    return tape.memory(lambda t, x: x + held if start + 4 < t < start + 6 else x, tape.cured)


@sabotage("steps that work and relapse", "cache", RETURNS, "FAIL", "stayed")
def memory_is_back_at_the_end(tape: Tape) -> Tape:
    held, start = before(tape), tape.cured.start
    return tape.memory(lambda t, x: x + held if t > start + 6 else x, tape.cured)


@sabotage("steps that work and relapse", "cache", WORKS, "FAIL", "took away 3.63 %")
def memory_falls_long_after_the_step(tape: Tape) -> Tape:
    held, start = before(tape), tape.cured.start
    return tape.memory(lambda t, x: x + held if t < start + 6 else x, tape.cured)


@sabotage("steps that work and relapse", "cache", "alert_resolves_and_stays_resolved", "UNKNOWN", "above")
def memory_falls_three_seconds_after_the_alert_cleared(tape: Tape) -> Tape:
    held, start = before(tape), tape.cured.start
    return tape.memory(lambda t, x: x + held if t < start + 3.5 else x, tape.cured)


@sabotage("steps that work and relapse", "disk", WORKS, "FAIL", "only, and then")
def the_disk_is_empty_for_a_blink(tape: Tape) -> Tape:
    full = tape.level(Span(tape.cured.start - 0.5, tape.cured.start), "filesystem", "used_bytes")
    back = Span(tape.cured.start + 0.6, tape.cured.start + 9)
    return tape.numbers(of("filesystem", "disk", back), "used_bytes", lambda _: full)


# Leaks that do not leak.


@sabotage("leaks that do not leak", "cache", GROWS, "UNKNOWN", "did not leak")
def memory_stays_flat_all_the_time(tape: Tape) -> Tape:
    level = tape.level(tape.phases["baseline"])
    return tape.memory(lambda _, x: min(x, level))


@sabotage("leaks that do not leak", "cache", GROWS, "FAIL", "less than half of what is declared")
def memory_grows_by_a_quarter(tape: Tape) -> Tape:
    level = tape.level(tape.phases["baseline"])
    return tape.memory(lambda _, x: level + 0.25 * (x - level) if x > level else x, tape.phases["load"])


@sabotage("leaks that do not leak", "cache", GROWS, "FAIL", "declared")
def memory_grows_three_times_as_fast(tape: Tape) -> Tape:
    level = tape.level(tape.phases["baseline"])
    return tape.memory(lambda _, x: level + 3 * (x - level) if x > level else x, tape.phases["load"])


@sabotage("leaks that do not leak", "cache", GROWS, "UNKNOWN", "never switched on")
def the_leak_was_never_switched_on(tape: Tape) -> Tape:
    return tape.drop(of("leak", "switch_on"))


@sabotage("leaks that do not leak", "cache", GROWS, "UNKNOWN", "404")
def the_switch_failed(tape: Tape) -> Tape:
    failed = lambda e: replace(e, kind="failed", labels={**e.labels, "error": "404"})  # noqa: E731 - one edit
    return tape.change(of("leak", "switch_on", kind="ok"), failed)


@sabotage("leaks that do not leak", "cache", GROWS, "UNKNOWN", "never switched off")
def the_leak_was_never_switched_off(tape: Tape) -> Tape:
    return tape.drop(of("leak", "switch_off"))


@sabotage("leaks that do not leak", "cache", GROWS, "UNKNOWN", "was switched in the phase")
def the_leak_was_switched_on_in_the_baseline(tape: Tape) -> Tape:
    return tape.move(of("leak", "switch_on"), -5)


@sabotage("leaks that do not leak", "cache", GROWS, "UNKNOWN", "was switched in the phase")
def the_leak_was_switched_off_before_the_step(tape: Tape) -> Tape:
    return tape.move(of("leak", "switch_off"), tape.cured.start - 1.5 - tape.first(of("leak", "switch_off")).t)


# Memory that is back in level and not in slope; baselines that are none.


@sabotage("back in level and not in slope", "cache", RETURNS, "FAIL", "still grows")
def memory_creeps_up_after_the_step(tape: Tape) -> Tape:
    return tape.memory(lambda t, x: x - 3 * MIB + 0.6 * MIB * (t - tape.cured.start), tape.cured)


@sabotage("back in level and not in slope", "twin", STAYS, "FAIL", "still grows")
def memory_of_the_twin_creeps_up(tape: Tape) -> Tape:
    load = tape.phases["load"]
    return tape.memory(lambda t, x: x + 0.3 * MIB * (t - load.start), Span(load.start, 1e9))


@sabotage("back in level and not in slope", "disk", DISK, "FAIL", "disk")
def the_disk_fills_again_slowly(tape: Tape) -> Tape:
    grown = iter(range(10**6))
    return tape.numbers(of("filesystem", "disk", tape.cured), "used_bytes", lambda n: n + next(grown) * 0.4 * MIB)


@sabotage("baselines that are none", "cache", RETURNS, "UNKNOWN", "itself rose")
def the_baseline_rises_as_while_warming_up(tape: Tape) -> Tape:
    span = tape.phases["baseline"]
    return tape.memory(lambda t, x: x - 2 * MIB * (span.end - t) if t < span.end else x, Span(span.start - 3, span.end))


@sabotage("baselines that are none", "cache", RETURNS, "UNKNOWN", "lower, without a cause")
def the_baseline_is_inflated(tape: Tape) -> Tape:
    return tape.memory(lambda _, x: x + 40 * MIB, tape.phases["baseline"])


@sabotage("baselines that are none", "cache", RETURNS, "UNKNOWN", "itself fell")
def the_baseline_falls_from_a_peak(tape: Tape) -> Tape:
    span = tape.phases["baseline"]
    return tape.memory(lambda t, x: x + 5 * MIB * (span.end - t), span)


@sabotage("baselines that are none", "cache", RETURNS, "UNKNOWN", "lower, without a cause")
def only_the_control_group_has_an_inflated_baseline(tape: Tape) -> Tape:
    picks = of("cgroup", "resources", tape.phases["baseline"])
    return tape.numbers(picks, "anon_bytes", lambda n: n + 40 * MIB)


@sabotage("baselines that are none", "twin", STAYS, "UNKNOWN", "lower, without a cause")
def the_baseline_of_the_twin_is_inflated(tape: Tape) -> Tape:
    return tape.memory(lambda _, x: x + 20 * MIB, tape.phases["baseline"])


@sabotage("baselines that are none", "disk", DISK, "UNKNOWN", "lower, without a cause")
def the_disk_of_the_baseline_is_inflated(tape: Tape) -> Tape:
    return tape.numbers(of("filesystem", "disk", tape.phases["baseline"]), "used_bytes", lambda n: n + 60 * MIB)


@sabotage("baselines that are none", "cache", COMPLETE, "UNKNOWN", "lasted")
def the_baseline_was_cut(tape: Tape) -> Tape:
    span = tape.phases["baseline"]
    begin = tape.first(lambda e: e.labels.get("phase") == "baseline")
    warm = tape.first(lambda e: e.labels.get("phase") == "warmup" and e.kind == "ok")
    return tape.change(lambda e: e in (begin, warm), lambda e: replace(e, t=e.t + 5)).change(
        lambda e: Span(span.start, span.start + 5).of(e.t) and e.kind == "sample", lambda e: replace(e, phase="warmup")
    )


# Limits.


def limit(tape: Tape, bytes_: float, span: Span) -> Tape:
    return tape.numbers(of("cgroup", "resources", span), "limit_bytes", lambda _: bytes_)


@sabotage("limits raised above the leak", "cache", RETURNS, "UNKNOWN", "no step asks for it")
def the_limit_is_raised_at_the_step(tape: Tape) -> Tape:
    return limit(tape, 1024 * MIB, tape.cured)


@sabotage("limits raised above the leak", "cache", RETURNS, "UNKNOWN", "no step asks for it")
def the_limit_is_gone_after_the_step(tape: Tape) -> Tape:
    return tape.numbers(of("cgroup", "resources", tape.cured), "limit_bytes", lambda _: None)


@sabotage("limits raised above the leak", "cache", RETURNS, "UNKNOWN", "the scenario says")
def the_limit_is_higher_from_the_beginning(tape: Tape) -> Tape:
    return limit(tape, 300 * MIB, Span(0, 1e9))


@sabotage("limits raised above the leak", "cache", RETURNS, "UNKNOWN", "no step asks for it")
def somebody_sets_the_limit_beside_the_step(tape: Tape) -> Tape:
    told = replace(target("limits", tape.cured.start - 0.01), value={"memory_bytes": 1024.0 * MIB})
    return limit(tape, 1024 * MIB, tape.cured).add(told)


@sabotage("limits raised above the leak", "limits", "alert_resolves_and_stays_resolved", "UNKNOWN", "not to")
def the_step_sets_another_limit(tape: Tape) -> Tape:
    tape.numbers(of("target", "limits"), "memory_bytes", lambda n: 4 * n)
    return limit(tape, 4 * 512 * MIB, tape.cured)


@sabotage(
    "limits raised above the leak", "limits", "alert_resolves_and_stays_resolved", "UNKNOWN", "the control group has"
)
def the_limit_of_the_step_did_not_arrive(tape: Tape) -> Tape:
    return limit(tape, 160 * MIB, Span(tape.cured.start, 1e9)).memory(lambda _, x: min(x, 159 * MIB), tape.cured)


add(
    "limits raised above the leak",
    "the limit is raised in the middle of the load",
    "cache",
    lambda tape: limit(tape, 320 * MIB, Span(30, 1e9)),
    "alert_fires_before_oom_kill",
    "UNKNOWN",
    "no step asks for it",
)
