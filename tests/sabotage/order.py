"""Records of drills that broke off, failed at their end, or lost lines, phases and acts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sabotage import add, sabotage
from steps import COMPLETE, WORKS, target
from tape import Span, Tape, moved, of

from leakdrill.record.event import PHASES, Event

if TYPE_CHECKING:
    from tape import Pick

KEEPS = "target_keeps_running"


def phase(name: str) -> Pick:
    return lambda e: e.source == "drill" and e.labels.get("phase") == name


for name in PHASES:
    missing = lambda tape, name=name: tape.drop(phase(name))  # noqa: E731 - one edit
    add("phases that are missing", name, "cache", missing, COMPLETE, "UNKNOWN", "")
for name in ("warmup", "baseline", "recover", "teardown"):
    failed = lambda tape, name=name: tape.change(  # noqa: E731 - one edit
        lambda e: phase(name)(e) and e.kind == "ok",
        lambda e: replace(e, kind="failed", labels={**e.labels, "error": "x"}),
    )
    add("phases that failed", name, "cache", failed, COMPLETE, "UNKNOWN", "x")


@sabotage("phases that are missing", "cache", COMPLETE, "UNKNOWN", "expected setup, warmup")
def two_phases_change_their_names(tape: Tape) -> Tape:
    return tape.change(phase("warmup"), lambda e: replace(e, labels={**e.labels, "phase": "settle"}))


@sabotage("phases that are missing", "cache", COMPLETE, "UNKNOWN", "lasted")
def recover_is_shorter_than_planned(tape: Tape) -> Tape:
    ends = Span(tape.cured.end - 5, 1e9)
    return tape.change(lambda e: ends.of(e.t) and (phase("recover")(e) or phase("teardown")(e)), lambda e: moved(e, -5))


@sabotage("phases that are missing", "cache", COMPLETE, "UNKNOWN", "does not lie in its phase")
def lines_name_another_phase(tape: Tape) -> Tape:
    return tape.change(of("cgroup", "resources", tape.tail), lambda e: replace(e, phase="load"))


@sabotage("drills that broke off", "cache", COMPLETE, "UNKNOWN", "cut short")
def the_record_tells_that_the_drill_was_cut_short(tape: Tape) -> Tape:
    return tape.add(replace(target("broken", 40.0), source="drill", value="Prometheus has ended"))


@sabotage("drills that broke off", "cache", COMPLETE, "UNKNOWN", "teardown")
def the_record_ends_before_the_teardown(tape: Tape) -> Tape:
    return tape.drop(lambda e: e.t > tape.cured.end)


@sabotage("drills that broke off", "cache", COMPLETE, "UNKNOWN", "never ended")
def the_teardown_never_ended(tape: Tape) -> Tape:
    return tape.drop(lambda e: phase("teardown")(e) and e.kind == "ok")


@sabotage("drills that broke off", "cache", COMPLETE, "UNKNOWN", "ended as `unknown`")
def the_target_could_not_be_removed(tape: Tape) -> Tape:
    return tape.change(of("target", "stop", kind="ok"), lambda e: replace(e, kind="unknown", value="cgroup busy"))


@sabotage("drills that broke off", "cache", COMPLETE, "UNKNOWN", "ended as `failed`")
def the_target_did_not_start(tape: Tape) -> Tape:
    return tape.change(of("target", "start", kind="ok"), lambda e: replace(e, kind="failed"))


@sabotage("drills that broke off", "cache", KEEPS, "UNKNOWN", "never ready")
def the_target_was_never_ready(tape: Tape) -> Tape:
    return tape.drop(of("target", "ready"))


@sabotage("drills that broke off", "cache", KEEPS, "UNKNOWN", "nobody could")
def nobody_watched_the_target_to_the_end(tape: Tape) -> Tape:
    return tape.add(replace(target("unwatched", 45.0), value="connection refused"))


@sabotage("drills that broke off", "cache", COMPLETE, "UNKNOWN", "lost 1 of 2 workers")
def a_worker_was_lost(tape: Tape) -> Tape:
    return tape.add(replace(target("worker_lost", 30.0, wanted="2"), source="load", value=1.0))


# Numbers and times of the lines.


def unnumbered(tape: Tape) -> Tape:
    """As it is written: neither put in order nor numbered anew."""
    tape.numbered = False
    return tape


@sabotage("lines that are out of order", "cache", COMPLETE, "UNKNOWN", "bears the number")
def lines_are_missing_and_the_numbers_jump(tape: Tape) -> Tape:
    tape.events.sort(key=lambda e: e.index)
    return unnumbered(tape.drop(of("cgroup", "resources", Span(30, 30.3))))


@sabotage("lines that are out of order", "cache", COMPLETE, "UNKNOWN", "bears the number")
def one_number_is_used_twice(tape: Tape) -> Tape:
    return unnumbered(tape.change(lambda e: e.index == 700, lambda e: replace(e, index=699)))


@sabotage("lines that are out of order", "cache", COMPLETE, "UNKNOWN", "time runs backwards")
def time_runs_backwards(tape: Tape) -> Tape:
    return unnumbered(tape.change(lambda e: e.index == 900, lambda e: replace(e, t=e.t - 5)))


@sabotage("lines that are out of order", "cache", COMPLETE, "UNKNOWN", "could not be examined")
def a_line_has_no_time(tape: Tape) -> Tape:
    return unnumbered(tape.change(lambda e: e.index == 900, lambda e: replace(e, t=float("nan"))))


@sabotage("lines that are out of order", "cache", COMPLETE, "UNKNOWN", "")
def two_lines_change_places(tape: Tape) -> Tape:
    tape.events[800], tape.events[801] = tape.events[801], tape.events[800]
    return unnumbered(tape)


# Acts.


@sabotage("acts that contradict themselves", "cache", COMPLETE, "UNKNOWN", "one beginning and one end")
def an_act_ends_twice(tape: Tape) -> Tape:
    end = tape.first(of("step", "collect garbage", kind="ok"))
    return tape.add(replace(end, t=end.t + 0.2))


@sabotage("acts that contradict themselves", "cache", COMPLETE, "UNKNOWN", "one beginning and one end")
def an_act_ends_before_it_begins(tape: Tape) -> Tape:
    return tape.move(of("leak", "switch_off", kind="ok"), -1)


@sabotage("acts that contradict themselves", "cache", COMPLETE, "UNKNOWN", "one beginning and one end")
def an_act_has_no_beginning(tape: Tape) -> Tape:
    return tape.drop(of("target", "stop", kind="begin"))


@sabotage("acts that contradict themselves", "cache", WORKS, "UNKNOWN", "the scenario says")
def a_step_was_another_action(tape: Tape) -> Tape:
    return tape.labels(of("step", "clear the cache"), action="restart")


@sabotage("acts that contradict themselves", "cache", WORKS, "UNKNOWN", "not those of the scenario")
def a_step_was_carried_out_twice(tape: Tape) -> Tape:
    again = [replace(moved(e, 2), labels={**e.labels, "act": "77"}) for e in tape.events if e.name == "clear the cache"]
    return tape.add(*again)


@sabotage("acts that contradict themselves", "cache", COMPLETE, "UNKNOWN", "not those of the scenario")
def a_step_that_nobody_planned(tape: Tape) -> Tape:
    def line(kind: str, t: float) -> Event:
        return replace(target("restart it", t), source="step", kind=kind, labels={"action": "restart", "act": "78"})

    return tape.add(line("begin", tape.cured.start + 3), line("ok", tape.cured.start + 4))


@sabotage("acts that contradict themselves", "cache", COMPLETE, "UNKNOWN", "not begun in the phase")
def the_step_was_carried_out_in_recover(tape: Tape) -> Tape:
    return tape.move(of("step", "clear the cache"), 3)
