"""Measures how often the leak verdict is wrong, beside the rules that gates in the wild use.

    python benchmarks/leak_benchmark.py [RECORDINGS] [--each 30]

prints Markdown: false alarms and detections on made-up recordings, with Wilson intervals; how early the verdict is
certain; the smallest leak that is found 19 times of 20; equal pairs called different; and, where a folder of recordings
is given, the words on each of its folders and on all pairs of equal services. Seeds are fixed: the table is the same
on every machine.
"""

from __future__ import annotations

import argparse
import datetime as dt
import itertools
import re
import sys
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from generated_traces import (
    CONTINUOUS,
    COUNTED,
    EXACT,
    HEALTHY,
    LEAKS,
    LIVE,
    PACED,
    Schedule,
    generate,
    healthy,
    leaking,
)
from naive_rules import naive_rules
from scipy import stats

from leakdrill.judging.leak.decision_rules import DEFAULT_BUDGET, DEFAULT_CONFIDENCE, DEFAULT_LONGEST_TTL_S, differs
from leakdrill.judging.leak.difference import difference, incomparable_reason
from leakdrill.judging.leak.leak_verdict import LeakOutcome, judge_trace
from leakdrill.judging.leak.looks import SLOTS, looks
from leakdrill.judging.leak.quiescent_points import points
from leakdrill.judging.leak.trace import Trace, read_trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

SCHEDULES: Final = (EXACT, COUNTED, PACED, CONTINUOUS)
SIZES: Final = (64, 256, 1024)
LADDER: Final = (40, 48, 56, 64, 80, 96, 128, 192, 256, 384, 512, 1024)
POWER: Final = 0.95
_SECONDS_OF_SLOTS: Final = LIVE.warmup_s + (SLOTS + 0.5) * LIVE.slot_s
LEAKING: Final = re.compile(r"(aiohttp-3\.10\.10|multidict-6\.3\.[02]|hiredis-3\.1|pydantic-2\.5\.2|ujson-5\.11)(?!\d)")
"""Recordings that leak by the count of blocks or bytes in them; multidict 6.3.2 loses four blocks a request."""


def wilson(hits: int, tries: int) -> str:
    """`hits` of `tries` as a percentage with its 95 % Wilson interval."""
    if not tries:
        return "-"
    interval = stats.binomtest(hits, tries).proportion_ci(method="wilson")
    return f"{100 * hits / tries:.1f} % ({100 * interval.low:.1f} to {100 * interval.high:.1f})"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def word(trace: Trace) -> LeakOutcome:
    """Our verdict at default settings."""
    return judge_trace(trace).outcome


@cache
def words(schedule: Schedule, each: int, size: int) -> tuple[tuple[str, LeakOutcome], ...]:
    """Our verdict on every recording made: of healthy services for a `size` of 0, else of leaks of that size."""
    return tuple((name, word(trace)) for name, trace in _made(schedule, each, size))


def _made(schedule: Schedule, each: int, size: int) -> Iterator[tuple[str, Trace]]:
    return leaking(schedule, 2 * each, size) if size else healthy(schedule, 3 * each)


def error_rates(schedule: Schedule, each: int) -> str:
    """False alarms on healthy services and detections of leaks, ours and the naive rules'."""
    rows = [["**leakdrill**"]]
    tries = {size: len(words(schedule, each, size)) for size in (0, *SIZES)}
    for size in (0, *SIZES):
        count = Counter(word for _, word in words(schedule, each, size))
        passed = f"; passed {count[LeakOutcome.CLEAN]}"
        rows[0].append(wilson(count[LeakOutcome.LEAK], tries[size]) + (passed if size else ""))
    for name, rule in naive_rules(DEFAULT_BUDGET).items():
        detected = {size: sum(rule(trace) for _, trace in _made(schedule, each, size)) for size in (0, *SIZES)}
        detections = [f"{wilson(detected[size], tries[size])}; passed {tries[size] - detected[size]}" for size in SIZES]
        rows.append([name, wilson(detected[0], tries[0]), *detections])
    sizes = [f"{size} B found, of {tries[size]}" for size in SIZES]
    return table(["rule", f"false alarms, of {tries[0]}", *sizes], rows)


def by_service(schedule: Schedule, each: int) -> str:
    """Our words on every healthy service, and on every leak of 64 B and of 256 B a request."""
    count: dict[str, Counter[LeakOutcome]] = defaultdict(Counter)
    for size in (0, 64, 256):
        for name, word in words(schedule, each, size):
            count[f"leak of {size} B: {name}" if size else name][word] += 1
    rows = [
        [name, *(str(by_word[w]) for w in (LeakOutcome.LEAK, LeakOutcome.UNKNOWN, LeakOutcome.CLEAN))]
        for name, by_word in count.items()
    ]
    return table(["service", "LEAK", "UNKNOWN", "CLEAN"], rows)


def smallest_leaks(each: int) -> str:
    """The smallest leak by every request which is found 19 times of 20, on top of every service."""
    rows = [[service, *(_smallest(schedule, service, each) for schedule in SCHEDULES)] for service in HEALTHY]
    return table(["found with 95 % power on top of", *(schedule.name for schedule in SCHEDULES)], rows)


def _smallest(schedule: Schedule, service: str, each: int) -> str:
    def detection_rate(size: float) -> float:
        traces = (
            generate(schedule, service, seed, leak="per_request", bytes_per_request=size)
            for seed in range(1000, 1000 + each)
        )
        return sum(word(trace) is LeakOutcome.LEAK for trace in traces) / each

    return next((f"{size} B" for size in LADDER if detection_rate(size) >= POWER), f"above {LADDER[-1]} B")


def times_to_verdict(each: int) -> str:
    """The look at which a leak is first called, and a healthy service first passed, and how often neither is."""
    rows = []
    for title, traces in (
        ("leak of 64 B by every request", _one_leak(64, each)),
        ("leak of 256 B by every request", _one_leak(256, each)),
        ("healthy", [trace for _, trace in healthy(LIVE, each)]),
    ):
        ends = [_first_look(trace) for trace in traces]
        for wanted in (LeakOutcome.LEAK, LeakOutcome.CLEAN):
            seconds = [s for word, s in ends if word is wanted]
            median = f"{np.median(seconds):.0f} s" if seconds else "-"
            late = sum(s > _SECONDS_OF_SLOTS for s in seconds)
            rows.append([title, str(wanted), wilson(len(seconds), len(ends)), median, str(late)])
    return table(["recording", "word", "how often", "median, warm-up included", "only after the 24 slots"], rows)


def _one_leak(size: float, each: int) -> list[Trace]:
    services = list(HEALTHY)
    return [
        generate(LIVE, services[n % len(services)], n, leak="per_request", bytes_per_request=size)
        for n in range(2 * each)
    ]


def _first_look(trace: Trace) -> tuple[LeakOutcome, float]:
    """The word at which a live run would end, and how many seconds after load began."""
    for look in looks(SLOTS, len(trace)):
        end = look.after_slots
        columns = {name: values[:end] for name, values in trace.columns.items()}
        part = Trace(
            name=trace.name, t=trace.t[:end], requests=trace.requests[:end], columns=columns, quiet=trace.quiet
        )
        verdict = judge_trace(part, confidence=look.confidence)
        if verdict.outcome is not LeakOutcome.UNKNOWN or (end >= SLOTS and not verdict.more_would_settle):
            break
    return verdict.outcome, float(part.t[-1])


def generated_pairs(each: int) -> str:
    """Independent pairs of the same healthy service that are called different."""
    rows = []
    for schedule in (PACED, CONTINUOUS):
        pairs = [
            (generate(schedule, service, seed, run=1), generate(schedule, service, seed, run=2))
            for service in HEALTHY
            for seed in range(5000, 5000 + 2 * each)
        ]
        called = [_different(a, b) for a, b in pairs]
        compared = [c for c in called if c is not None]
        rows.append([schedule.name, str(len(compared)), wilson(sum(compared), len(compared))])
    return table(["schedule", "pairs", "called different"], rows)


def _different(candidate: Trace, baseline: Trace) -> bool | None:
    """Whether two recordings are told apart; None when they cannot be compared."""
    skipped_s = 0.0 if candidate.quiet else DEFAULT_LONGEST_TTL_S
    a, b = points(candidate, after_s=skipped_s), points(baseline, after_s=skipped_s)
    if incomparable_reason(a, b, rate_matters=not candidate.quiet):
        return None
    more = difference(a, b, confidence=DEFAULT_CONFIDENCE)
    return differs(more, DEFAULT_BUDGET) != 0


def recordings(folder: Path) -> str:
    """The words on every folder of recordings, by truth, ours and the naive rules'."""
    rows = []
    for name, traces in _by_folder(folder).items():
        for truth in (True, False):
            chosen = [trace for trace in traces if bool(LEAKING.search(Path(trace.name).stem)) is truth]
            count = Counter(map(word, chosen))
            naive = [str(sum(map(rule, chosen))) for rule in naive_rules(DEFAULT_BUDGET).values()]
            words = [str(count[w]) for w in (LeakOutcome.LEAK, LeakOutcome.UNKNOWN, LeakOutcome.CLEAN)]
            if chosen:
                rows.append([name, "leaks" if truth else "healthy", str(len(chosen)), *words, *naive])
    return table(["folder", "truth", "files", "LEAK", "UNKNOWN", "CLEAN", *naive_rules(DEFAULT_BUDGET)], rows)


def recorded_pairs(folder: Path) -> str:
    """All pairs and disjoint pairs of recordings of the same healthy service, and pairs of a leak and its fix."""
    rows = []
    for name, traces in _by_folder(folder).items():
        rows += [[name, *row] for row in (_equal_pairs(traces), _fixed_pairs(traces)) if row]
    return table(["folder", "pairs", "all", "told apart", "disjoint", "told apart"], rows)


def _equal_pairs(traces: Sequence[Trace]) -> list[str]:
    groups: dict[str, list[Trace]] = defaultdict(list)
    for trace in traces:
        stem = Path(trace.name).stem
        if not LEAKING.search(stem):
            groups[re.sub(r"-[a-z]?\d+$", "", stem)].append(trace)
    pairs = [pair for group in groups.values() for pair in itertools.combinations(group, 2)]
    disjoint = [pair for group in groups.values() for pair in zip(group[::2], group[1::2], strict=False)]
    return _pair_row("equal", pairs, disjoint)


def _fixed_pairs(traces: Sequence[Trace]) -> list[str]:
    """Every leaking recording against every recording of the same package that does not leak."""

    def package(trace: Trace) -> str:
        return Path(trace.name).stem.split("-")[0]

    leaks = [trace for trace in traces if LEAKING.search(Path(trace.name).stem)]
    sound = [trace for trace in traces if not LEAKING.search(Path(trace.name).stem)]
    pairs = [(a, b) for a in leaks for b in sound if package(a) == package(b)]
    return _pair_row("leak and fix", pairs, [])


def _pair_row(title: str, pairs: Sequence[tuple[Trace, Trace]], disjoint: Sequence[tuple[Trace, Trace]]) -> list[str]:
    counts = []
    for chosen in (pairs, disjoint):
        called = [c for a, b in chosen if (c := _different(a, b)) is not None]
        counts += [str(len(called)), wilson(sum(called), len(called))]
    return [title, *counts] if pairs else []


def _section(title: str, schedule: Schedule, each: int) -> tuple[str, Callable[[], str]]:
    return (title, lambda: f"{error_rates(schedule, each)}\n{by_service(schedule, each)}")


def _by_folder(folder: Path) -> dict[str, list[Trace]]:
    files = sorted(folder.rglob("*.csv"))
    traces: dict[str, list[Trace]] = defaultdict(list)
    for file in files:
        traces[file.parent.name].append(read_trace(file))
    return traces


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recordings", nargs="?", type=Path, help="a folder of recordings, searched for *.csv")
    parser.add_argument("--each", type=int, default=30, help="a third of the recordings made of every healthy service")
    given = parser.parse_args()
    for title, make in _sections(given.each, given.recordings):
        sys.stdout.write(f"\n### {title}\n\n{make()}")
        sys.stdout.flush()


def _sections(each: int, folder: Path | None) -> list[tuple[str, Callable[[], str]]]:
    today = dt.datetime.now(tz=dt.UTC).date()
    sections: list[tuple[str, Callable[[], str]]] = []
    head = f"{today}, {len(HEALTHY)} healthy services, {len(LEAKS)} leaks"
    sections.extend(_section(f"Made-up recordings, {s.name} ({head})", s, each) for s in SCHEDULES)
    sections.append(("Time to verdict, as the gate looks", lambda: times_to_verdict(each)))
    sections.append(("Smallest leak", lambda: smallest_leaks(max(20, each // 2))))
    sections.append(("Equal pairs, made up", lambda: generated_pairs(each)))
    if folder is not None:
        sections.append(("Recordings", lambda: recordings(folder)))
        sections.append(("Pairs of recordings", lambda: recorded_pairs(folder)))
    return sections


if __name__ == "__main__":
    main()
