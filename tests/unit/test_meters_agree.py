"""Whether two meters of one thing agree, at the bounds of what is tolerated: literal readings in, doubts out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from histories import MIB, Record, plan

from leakdrill.judging.evidence.agreement import agreement_doubts
from leakdrill.judging.evidence.doubt import HOST_RESOURCES, Doubt
from leakdrill.record.events import (
    CgroupResources,
    Notice,
    ProcessSmaps,
    ProcessTree,
    RunPhase,
    ServiceMetrics,
    TargetExited,
    TargetReady,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    Level = Callable[[float], float | None]

MEMORY = frozenset({"memory"})
ANONYMOUS = "the processes' anonymous memory was {} at {}, and the control group's {}"
RESIDENT = "the processes' anonymous memory was {} at {}, and what is resident of them {}"
OWN = "the service's own resident memory was {} at {}, and that of its process {}"


def record() -> Record:
    """A baseline from 5 to 15 s, a load to 55 s, and a recovery from 60 to 80 s."""
    made = Record().act(RunPhase("baseline"), 5, 15).act(RunPhase("load"), 15, 55)
    return made.act(RunPhase("recover"), 60, 80).sample(90, Notice("the last line"))


def flat(mib: float) -> Level:
    return lambda _t: mib * MIB


def but(level: Level, other: float | None, since: float, until: float) -> Level:
    """As `level`, but other MiB from one time to another."""
    return lambda t: (None if other is None else other * MIB) if since <= t <= until else level(t)


def read(made: Record, kind: type, every: float = 1.0, **levels: Level) -> Record:
    for t in np.arange(0, 88.01, every).round(3).tolist():
        values = {name: level(t) for name, level in levels.items()}
        known = {name: value for name, value in values.items() if value is not None}
        if known:
            made.sample(t, kind(**known))
    return made


def memory(
    *, group: Level | None = None, anon: Level | None = None, unique: Level | None = None, rss: Level | None = None,
    processes: float = 1, own: Level | None = None,
) -> Record:  # fmt: skip
    made = record()
    if group is not None:
        read(made, CgroupResources, anon_bytes=group)
    if anon is not None:
        read(made, ProcessSmaps, anon_bytes=anon, uss_bytes=unique or anon)
    if rss is not None:
        read(made, ProcessTree, rss_bytes=rss, processes=lambda _t: processes)
    for t in range(88) if own is not None else ():
        made.sample(t, ServiceMetrics.of({"process_resident_memory_bytes": own(t) or 0.0}))
    return made


def found(made: Record) -> list[Doubt]:
    return list(agreement_doubts(made.history(), plan()))


def told(made: Record, about: frozenset[str] = MEMORY) -> list[str]:
    doubts = found(made)
    assert all((doubt.about, doubt.cut_short) == (about, False) for doubt in doubts)
    return [doubt.text for doubt in doubts]


def times(made: Record) -> list[list[float]]:
    history = made.history()
    return [[history.events[index].t for index in doubt.events] for doubt in found(made)]


@pytest.mark.parametrize(
    ("anon", "text"),
    [
        (100, ""),
        (83.7, ""),
        (83.6, ANONYMOUS.format("83.6 MiB", "30 s", "100 MiB")),
        (119.9, ""),
        (120.1, ANONYMOUS.format("120 MiB", "30 s", "100 MiB")),
    ],
)
def test_anonymous_memory_lies_within_8_mib_and_a_tenth_of_the_control_groups(anon: float, text: str) -> None:
    made = memory(group=flat(100), anon=but(flat(100), anon, 30, 32))
    assert told(made) == ([text] if text else [])
    assert times(made) == ([[30.0]] if text else [])


def test_three_readings_in_a_row_must_disagree_and_the_first_of_them_is_told() -> None:
    high = ANONYMOUS.format("200 MiB", "30 s", "100 MiB")
    assert told(memory(group=flat(100), anon=but(flat(100), 200, 30, 31))) == []
    assert told(memory(group=flat(100), anon=but(flat(100), 200, 30, 34))) == [high]
    twice = but(but(flat(100), 200, 20, 21), 200, 30, 33)
    assert told(memory(group=flat(100), anon=twice)) == [high]


def test_memory_of_the_processes_alone_must_be_more_than_the_groups_to_contradict_it() -> None:
    assert told(memory(group=flat(100), anon=flat(300), unique=flat(100))) == []
    assert told(memory(group=flat(100), anon=flat(100), unique=flat(300))) == []
    assert told(memory(group=flat(100), anon=flat(300), unique=flat(200))) == [
        ANONYMOUS.format("200 MiB", "5 s", "100 MiB")
    ]
    assert told(memory(group=flat(100), anon=flat(50), unique=flat(10))) == [
        ANONYMOUS.format("50 MiB", "5 s", "100 MiB")
    ]
    lacking = memory(group=flat(100), anon=flat(300), unique=but(flat(300), None, 40, 40))
    assert told(lacking) == []


def test_anonymous_memory_is_resident() -> None:
    assert told(memory(anon=flat(119.9), rss=flat(100))) == []
    assert told(memory(anon=flat(120.1), rss=flat(100))) == [RESIDENT.format("120 MiB", "5 s", "100 MiB")]
    assert told(memory(anon=flat(10), rss=flat(100))) == []
    both = memory(group=flat(100), anon=flat(300), rss=flat(100))
    assert told(both) == [
        ANONYMOUS.format("300 MiB", "5 s", "100 MiB"),
        RESIDENT.format("300 MiB", "5 s", "100 MiB"),
    ]


@pytest.mark.parametrize(("own", "fits"), [(100, True), (83.7, True), (83.6, False), (119.9, True), (120.1, False)])
def test_what_a_service_tells_of_itself_is_what_its_process_has(own: float, fits: bool) -> None:
    made = memory(rss=flat(100), own=flat(own))
    assert told(made) == ([] if fits else [OWN.format(f"{own:.3g} MiB", "5 s", "100 MiB")])
    assert told(memory(rss=flat(100), own=flat(own), processes=2)) == []


def test_a_meter_is_compared_with_what_was_read_within_a_second_of_it() -> None:
    gone = but(flat(100), None, 28, 34)
    assert told(memory(group=gone, anon=but(flat(100), 300, 29, 33))) == []
    assert told(memory(group=gone, anon=but(flat(100), 300, 28, 33))) == []
    assert told(memory(group=but(flat(100), None, 29, 33), anon=but(flat(100), 300, 28, 30))) == []
    assert told(memory(group=but(flat(100), None, 32, 33), anon=but(flat(100), 300, 28, 30))) != []


def test_a_reading_behind_by_three_contradicts_the_least_that_was_read_near_it() -> None:
    rises: Level = lambda t: 100 * MIB if t < 30 else 200 * MIB  # noqa: E731
    late: Level = lambda t: 100 * MIB if t < 35 else 200 * MIB  # noqa: E731
    assert told(memory(group=rises, anon=late)) == [ANONYMOUS.format("100 MiB", "31 s", "200 MiB")]
    early: Level = lambda t: 100 * MIB if t < 25 else 200 * MIB  # noqa: E731
    assert told(memory(group=rises, anon=early)) == [ANONYMOUS.format("200 MiB", "25 s", "100 MiB")]


def down(made: Record, start: float, end: float) -> Record:
    """An end that nobody asked for, and a process that is ready again; meters may settle until 1.5 s after it."""
    return made.sample(start, TargetExited(1.0)).sample(end, TargetReady(process=1.0))


def test_meters_may_disagree_while_processes_come_and_go() -> None:
    def spoilt() -> Record:
        return memory(group=flat(100), anon=but(flat(100), 300, 30, 34))

    assert told(down(spoilt(), 30, 33)) == []
    assert told(down(spoilt(), 33.2, 34)) == [ANONYMOUS.format("300 MiB", "30 s", "100 MiB")]
    assert told(down(spoilt(), 33.0, 34)) == []
    assert told(down(spoilt(), 20, 27.3)) == [ANONYMOUS.format("300 MiB", "30 s", "100 MiB")]
    assert told(down(spoilt(), 20, 27.5)) == [ANONYMOUS.format("300 MiB", "31 s", "100 MiB")]


def test_only_what_was_watched_from_the_baseline_on_is_compared() -> None:
    assert told(memory(group=flat(100), anon=but(flat(100), 300, 0, 4))) == []
    assert told(memory(group=flat(100), anon=but(flat(100), 300, 0, 7))) == [
        ANONYMOUS.format("300 MiB", "5 s", "100 MiB")
    ]
    assert told(memory(group=flat(100), anon=but(flat(100), 300, 79, 88))) == []
    assert len(told(memory(group=flat(100), anon=but(flat(100), 300, 78, 88)))) == 1
    assert told(memory(rss=flat(100), own=but(flat(100), 300, 79, 88))) == []
    without = memory(group=flat(100), anon=flat(300))
    without.events = [event for event in without.events if event.labels.get("phase") != "baseline"]
    assert told(without) == []


SIXTY, TWENTY = flat(60), flat(20)


def charged(
    usage: Level, anon: Level = SIXTY, cache: Level = TWENTY, more: Callable[[Record], object] = id
) -> list[str]:
    made = read(record(), CgroupResources, usage_bytes=usage, anon_bytes=anon, cache_bytes=cache)
    more(made)
    assert all(len(one) == 1 for one in times(made))
    return told(made)


def unnamed(mib: str, at: str = "30 s", anon: str = "60 MiB", cache: str = "20 MiB") -> str:
    return f"the control group used {mib} at {at}, of which it names {anon} as anonymous and {cache} as page cache"


def test_memory_in_use_is_named_but_for_as_much_as_in_the_baseline() -> None:
    assert charged(flat(90)) == []
    assert charged(flat(190)) == []
    assert charged(but(flat(90), 135.5, 30, 32)) == []
    assert charged(but(flat(90), 135.7, 30, 32)) == [unnamed("136 MiB")]
    assert charged(but(flat(90), 135.7, 30, 31)) == []
    assert charged(but(flat(150), 107.3, 30, 32)) == []
    assert charged(but(flat(150), 107.2, 30, 32)) == [unnamed("107 MiB")]
    assert charged(but(flat(190), 130, 30, 32)) == [unnamed("130 MiB")]
    grown = but(flat(20), 80, 30, 60)
    assert charged(but(flat(90), 150, 30, 60), cache=grown) == []
    assert charged(but(flat(90), 90, 30, 60), cache=grown) == [unnamed("90 MiB", cache="80 MiB")]
    assert charged(flat(90), anon=but(flat(60), 5, 30, 60)) == [unnamed("90 MiB", anon="5 MiB")]


def test_what_is_usual_is_the_median_of_the_baseline() -> None:
    assert charged(lambda t: (90 if t <= 15 else 190) * MIB) == [unnamed("190 MiB", "16 s")]
    assert charged(lambda t: (90 if t < 5 else 190) * MIB) == []
    assert charged(lambda t: (90 if t < 10 else 190) * MIB) == [unnamed("90 MiB", "5 s")]


def test_memory_in_use_is_not_compared_where_a_part_is_not_read_or_processes_change() -> None:
    wrong = but(flat(90), 300, 30, 40)
    assert charged(wrong) == [unnamed("300 MiB")]
    assert charged(wrong, cache=but(flat(20), None, 50, 50)) == []
    assert charged(wrong, anon=but(flat(60), None, 50, 50)) == []
    assert charged(wrong, more=lambda r: down(r, 30, 40)) == []
    assert charged(wrong, more=lambda r: down(r, 29, 30)) == [unnamed("300 MiB", "33 s")]
    assert charged(lambda _t: None) == []


def used(
    group: Level | None, tree: Level | None, processes: Level = lambda _t: 1.0, more: Callable[[Record], object] = id
) -> list[tuple[str, list[float]]]:
    made = record()
    if group is not None:
        read(made, CgroupResources, cpu_seconds=group)
    if tree is not None:
        read(made, ProcessTree, cpu_seconds=tree, processes=processes)
    more(made)
    return list(zip(told(made, HOST_RESOURCES), times(made), strict=True))


def rate(cores: float) -> Level:
    return lambda t: cores * t


MORE = "in `{}` the processes used {} s of CPU, and their control group {} s"
LESS = "in `{}` the control group used {} s of CPU, and its only process {} s"


def test_processes_use_no_more_than_their_control_group_but_for_a_fifth_and_half_a_second() -> None:
    assert used(rate(1), rate(1.2)) == []
    assert used(lambda t: t, lambda t: t + 0.25 * max(0, min(t, 15) - 5)) == []
    assert used(lambda t: t, lambda t: t + 0.251 * max(0, min(t, 15) - 5)) == [
        (MORE.format("baseline", "12.5", "10.0"), [5.0, 15.0])
    ]
    assert used(lambda t: t, lambda t: t + 0.214 * max(0, min(t, 55) - 15)) == [
        (MORE.format("load", "48.6", "40.0"), [15.0, 55.0])
    ]
    assert used(lambda t: t, lambda t: t + 0.23 * max(0, t - 60)) == [
        (MORE.format("recover", "24.6", "20.0"), [60.0, 80.0])
    ]
    assert len(used(rate(1), rate(3))) == 3
    assert used(lambda t: t, lambda t: t + max(0, min(t, 60) - 55)) == []


def test_a_control_group_uses_no_more_than_its_only_process_but_for_a_half_and_a_second() -> None:
    assert used(lambda t: t + 0.59 * max(0, min(t, 15) - 5), rate(1)) == []
    assert used(lambda t: t + 0.61 * max(0, min(t, 15) - 5), rate(1)) == [
        (LESS.format("baseline", "16.1", "10.0"), [5.0, 15.0])
    ]
    assert used(rate(2), rate(1), processes=lambda _t: 2.0) == []
    assert [text for text, _ in used(rate(2), rate(1), processes=lambda t: 1.0 + (t == 20))] == [
        LESS.format("baseline", "20.0", "10.0"),
        LESS.format("recover", "40.0", "20.0"),
    ]
    assert [text for text, _ in used(rate(2), rate(1), processes=lambda t: 1.0 - (t == 70))] == [
        LESS.format("baseline", "20.0", "10.0"),
        LESS.format("load", "80.0", "40.0"),
    ]


def test_a_phase_is_not_compared_in_which_processes_changed_or_few_readings_were_taken() -> None:
    assert [text for text, _ in used(rate(1), rate(3), more=lambda r: down(r, 30, 31))] == [
        MORE.format("baseline", "30.0", "10.0"),
        MORE.format("recover", "60.0", "20.0"),
    ]
    assert len(used(rate(1), rate(3), more=lambda r: down(r, 55, 57))) == 3
    assert used(None, rate(3)) == used(rate(3), None) == []
    five, four = (lambda r, n=n: r.drop("cgroup", after=5 + n, until=99) for n in (4.5, 3.5))
    assert len(used(rate(1), rate(3), more=five)) == 1
    assert used(rate(1), rate(3), more=four) == []
    without = lambda r: setattr(r, "events", [e for e in r.events if e.labels.get("phase") != "load"])  # noqa: E731
    assert [text.split("`")[1] for text, _ in used(rate(1), rate(3), more=without)] == ["baseline", "recover"]


def frozen(
    *, since: float = 30, until: float = 35, every: float = 0.5, per_s: float = 100, cores: float = 0.5,
    more: Callable[[Record], object] = id, kind: type = CgroupResources,
) -> list[Doubt]:  # fmt: skip
    made = record()
    for t in np.arange(0, 88.01, every).round(3).tolist():
        made.sample(t, kind(cpu_seconds=cores * (since if since <= t <= until else t), requests=per_s * t))
    more(made)
    return found(made)


@pytest.mark.parametrize("kind", [CgroupResources, ProcessTree])
def test_cpu_time_moves_while_requests_are_answered(kind: type) -> None:
    (doubt,) = frozen(kind=kind)
    assert doubt.text == "the same CPU time was read for 5 s from 30 s on, while 500 requests were answered"
    assert doubt.about == HOST_RESOURCES | {"requests"}
    assert len(doubt.events) == 2
    assert frozen(kind=kind, cores=0.0) != []


def test_a_meter_repeats_itself_in_five_more_readings_and_two_seconds() -> None:
    assert frozen(until=32.0) == []
    assert len(frozen(until=32.5)) == 1
    assert frozen(until=31.5, every=0.25) == []
    assert frozen(until=31.75, every=0.25) == []
    assert len(frozen(until=32.0, every=0.25)) == 1
    assert frozen(until=34, every=1) == []
    assert len(frozen(until=35, every=1)) == 1


def test_a_meter_repeats_itself_while_twenty_requests_are_answered_that_took_time() -> None:
    assert frozen(per_s=3.9) == []
    assert len(frozen(per_s=4)) == 1
    assert frozen(cores=0.009) == []
    assert len(frozen(cores=0.0112)) == 1
    assert len(frozen(cores=0.0)) == 1
    assert frozen(per_s=0) == []


def test_a_meter_may_repeat_itself_while_processes_change_and_outside_of_the_watch() -> None:
    assert frozen(more=lambda r: down(r, 29, 30)) == []
    assert frozen(more=lambda r: down(r, 35, 36)) != []
    assert frozen(more=lambda r: down(r, 34.9, 36)) == []
    assert frozen(more=lambda r: down(r, 27, 28.4)) != []
    assert frozen(since=0, until=7) == []
    assert len(frozen(since=0, until=7.5)) == 1
    assert frozen(since=78, until=88) == []
    assert len(frozen(since=77.5, until=88)) == 1


def test_the_first_stretch_that_is_told_may_be_the_last() -> None:
    made = record()
    for t in np.arange(0, 88.01, 0.5).round(3).tolist():
        stands = 20 if 20 <= t <= 21 else 30 if 30 <= t <= 35 else 50 if 50 <= t <= 55 else t
        made.sample(t, CgroupResources(cpu_seconds=0.5 * stands, requests=100 * t))
    (doubt,) = found(made)
    assert "from 30 s on" in doubt.text
    to_the_end = record()
    for t in np.arange(0, 80.01, 0.5).round(3).tolist():
        to_the_end.sample(t, CgroupResources(cpu_seconds=0.5 * min(t, 70), requests=100 * t))
    (doubt,) = found(to_the_end)
    assert doubt.text == "the same CPU time was read for 10 s from 1 min 10 s on, while 1000 requests were answered"
