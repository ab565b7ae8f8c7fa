"""What no machine, no control group and no sealed record of this version says, and readings lost in a regular way."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from sabotage import add, sabotage
from steps import COMPLETE, KEEPS, RETURNS
from tape import MIB, Tape, of

from leakdrill.record.event import Event

if TYPE_CHECKING:
    from collections.abc import Callable

CLAIM = "load_is_as_asked"
GROUP, TREE = of("cgroup", "resources"), of("process", "tree")


def thinned(source: str, name: str, keeps: int) -> Callable[[Tape], Tape]:
    """Only one of `keeps` readings stays, over the whole record."""

    def spoil(tape: Tape) -> Tape:
        place = itertools.count()
        return tape.drop(lambda e: of(source, name)(e) and next(place) % keeps != 0)

    return spoil


for (source, name), keeps in itertools.product((("cgroup", "resources"), ("process", "tree")), (2, 3, 4, 5)):
    what = f"one of {keeps} of {source} {name} is left"
    add("readings lost in a regular way", what, "cache", thinned(source, name, keeps), COMPLETE, "UNKNOWN", "lacks")

for field in ("limit_bytes", "cpu_seconds", "usage_bytes", "anon_bytes"):
    add(
        "fields that are gone everywhere",
        f"cgroup resources {field}",
        "cache",
        lambda tape, field=field: tape.numbers(GROUP, field, lambda _: None),
        COMPLETE,
        "UNKNOWN",
        f"lacks {field}",
    )

for factor in (0.1, 2.0, 10.0, 100.0):
    for source in ("cgroup", "process"):
        add(
            "CPU time that is scaled",
            f"{source} by {factor:g}",
            "cache",
            lambda tape, source=source, factor=factor: tape.numbers(
                of(source), "cpu_seconds", lambda n, factor=factor: factor * n
            ),
            COMPLETE,
            "UNKNOWN",
            "of CPU",
        )


@sabotage("CPU time that is scaled", "cache", COMPLETE, "UNKNOWN", "the machine has 2 CPUs")
def both_by_a_hundred(tape: Tape) -> Tape:
    return tape.numbers(lambda e: GROUP(e) or TREE(e), "cpu_seconds", lambda n: 100 * n)


@sabotage("values beyond the machine", "cache", COMPLETE, "UNKNOWN", "anon_bytes is 3.49676e+10")
def memory_by_every_meter(tape: Tape) -> Tape:
    return tape.memory(lambda _, x: 1000 * x)


for source, field in (("cgroup", "usage_bytes"), ("process", "pss_bytes")):
    add(
        "values beyond the machine",
        f"{source} {field}",
        "cache",
        lambda tape, source=source, field=field: tape.numbers(of(source), field, lambda n: n + 2**20 * MIB),
        COMPLETE,
        "UNKNOWN",
        "and the machine has",
    )


@sabotage("OOM kills that nobody saw", "cache", KEEPS, "UNKNOWN", "before its first reading")
def three_from_the_first_reading_on(tape: Tape) -> Tape:
    return tape.numbers(GROUP, "oom_kills", lambda n: n + 3)


def sealed(tape: Tape) -> Tape:
    """The record says that it was closed off, as the ones of this version do."""
    labels = {"file": "run.json", "sha256": "0" * 64, "lines": ""}
    return tape.add(
        Event(index=0, t=0.0, phase="setup", source="record", kind="sample", name="covers", value=None, labels=labels)
    )


@sabotage("sealed records that lack what is always there", "cache", CLAIM, "UNKNOWN", "nobody counted")
def no_report_counts_what_the_load_did(tape: Tape) -> Tape:
    return sealed(tape)


@sabotage("sealed records that lack what is always there", "cache", CLAIM, "UNKNOWN", "nobody counted")
def there_is_no_report_of_the_load(tape: Tape) -> Tape:
    return sealed(tape).drop(of("load", "requests"))


@sabotage("sealed records that lack what is always there", "cache", RETURNS, "UNKNOWN", "lacks ended_bytes")
def no_reading_tells_which_processes_ended(tape: Tape) -> Tape:
    return sealed(tape).numbers(TREE, "ended_age_s", lambda _: 0.0)
