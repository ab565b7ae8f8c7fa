"""Spoilt records of a watched command."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sabotage import add, sabotage
from tape import Tape, of

if TYPE_CHECKING:
    from tape import Pick

MEASURED, BUDGET = "memory_is_measured", "peak_stays_within_budget"
EXITED, MEMORY, PSS = of("watch", "exited"), of("watch", "memory"), of("process", "pss")
ATTEMPT, ALL = of("watch", "attempt"), ("watch", "cgroup", "process")
MANY = 600 * 1024**2


def number(kind: str, pick: Pick, key: str, value: float | None, word: str) -> None:
    """Adds one that gives a number another value, or leaves it out."""
    what = f"{key} of {'the end' if pick is EXITED else 'a reading'} {'is gone' if value is None else f'is {value:g}'}"
    add(kind, what, "watch", lambda tape: tape.numbers(pick, key, lambda _n: value), BUDGET, "UNKNOWN", word)


for key in ("status", "low_bytes", "unseen", "left_bytes"):
    number("an end that tells too little", EXITED, key, None, "missing" if key == "low_bytes" else f"lacks {key}")
number("an end that tells too little", EXITED, "largest_process_bytes", 0, "had no memory")
number("a peak that is not one", EXITED, "low_bytes", 0, "the peak is")
number("a peak that is not one", EXITED, "high_bytes", 4096, "at least")
number("a peak that is not one", MEMORY, "anon_bytes", MANY, "the peak of all memory")
number("a peak that is not one", MEMORY, "shmem_bytes", MANY, "the peak of all memory")
number("a peak that is not one", MEMORY, "swap_bytes", MANY, "more is swapped out")
number("a peak of one meter", of("cgroup"), "anon_bytes", MANY, "the peak of all memory")
number("a peak that is not one", of("process", "tree"), "rss_bytes", MANY, "none held more")
number("sums that are less than their parts", PSS, "pss_bytes", 4096, "in sum")
number("sums that are less than their parts", PSS, "rest_bytes", None, "lacks a part")
number("kills that are not told", of("cgroup"), "oom_kills", 2, "OOM kills")
number("clocks that disagree", MEMORY, "clock_s", None, "lacks clock_s")
number("numbers that are none", MEMORY, "memory_bytes", float("nan"), "not a number")

for name, lines in {
    "the attempt's beginning and end": ATTEMPT,
    "the attempt's end": of("watch", "attempt", kind="ok"),
    "the end of the command": EXITED,
    "the kernel's count": MEMORY,
    "who the processes are": of("process", "member"),
    "the phase": of("drill", "phase"),
    "the phase's end": of("drill", "phase", kind="ok"),
}.items():
    add("lines that are gone", name, "watch", lambda tape, lines=lines: tape.drop(lines), BUDGET, "UNKNOWN", "")

for label, value, word in (
    ("number", "2", "attempts 2"),
    ("mode", "safe", "was not asked for"),
    ("followed", "", "were followed"),
    ("available_bytes", "much", "how much memory"),
):
    add(
        "attempts that cannot be",
        f"{label} is `{value}`",
        "watch",
        lambda tape, label=label, value=value: tape.labels(ATTEMPT, **{label: value}),
        MEASURED,
        "UNKNOWN",
        "" if label in ("number", "available_bytes") else word,
    )


@sabotage("attempts that cannot be", "watch", BUDGET, "UNKNOWN", "ended as `failed`")
def it_failed(tape: Tape) -> Tape:
    return tape.change(of("watch", "attempt", kind="ok"), lambda e: replace(e, kind="failed"))


@sabotage("attempts that cannot be", "watch", BUDGET, "UNKNOWN", "ends of the attempts")
def two_ends(tape: Tape) -> Tape:
    return tape.twice(EXITED)


@sabotage("kills that are not told", "watch", "command_succeeds", "UNKNOWN", "by SIGKILL")
def a_signal_and_status_0(tape: Tape) -> Tape:
    return tape.labels(EXITED, signal="SIGKILL")


@sabotage("kills that are not told", "watch", BUDGET, "UNKNOWN", "killed for memory")
def nobody_says_whether(tape: Tape) -> Tape:
    return tape.labels(EXITED, oom_kill="")


@sabotage("clocks that disagree", "watch", MEASURED, "UNKNOWN", "by its own clock")
def the_kernels_runs_backwards(tape: Tape) -> Tape:
    return tape.numbers(MEMORY, "clock_s", lambda n: -n + 1e9)


@sabotage("clocks that disagree", "watch", MEASURED, "UNKNOWN", "does not say when")
def the_end_has_no_time(tape: Tape) -> Tape:
    return tape.change(EXITED, lambda e: replace(e, at=None))


@sabotage("memory that is scaled", "watch", BUDGET, "UNKNOWN", "the peak is")
def all_but_the_end(tape: Tape) -> Tape:
    for key in ("memory_bytes", "low_bytes", "high_bytes", "anon_bytes", "pss_bytes", "rss_bytes"):
        tape.numbers(lambda e: e.source in ALL and not EXITED(e), key, lambda n: n // 8192 * 4096)
    return tape


@sabotage("memory that is scaled", "watch", BUDGET, "UNKNOWN", "no multiple")
def by_a_little(tape: Tape) -> Tape:
    for key in ("memory_bytes", "low_bytes", "high_bytes"):
        tape.numbers(of("watch"), key, lambda n: float(int(n * 0.97)))
    return tape


@sabotage("memory that is scaled", "watch", BUDGET, "UNKNOWN", "more memory than the machine")
def to_a_smaller_machine(tape: Tape) -> Tape:
    assert tape.watch is not None
    machine = tape.watch.machine.model_copy(update={"memory_bytes": 1024**2})
    tape.watch = tape.watch.model_copy(update={"machine": machine})
    return tape


@sabotage("numbering", "watch", BUDGET, "UNKNOWN", "lines are missing or moved")
def a_line_is_missing(tape: Tape) -> Tape:
    tape.numbered = False
    return tape.drop(lambda e: e.index == 8)


@sabotage("numbering", "watch", BUDGET, "UNKNOWN", "the run was cut short")
def a_breakdown(tape: Tape) -> Tape:
    return tape.add(replace(tape.first(EXITED), source="drill", name="broken", value="the disk is full", at=None))
