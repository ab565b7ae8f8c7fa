"""A pytest plugin that tries mutants: each in a child of the one process that has collected the tests.

mutmut starts pytest for each mutant, which takes longer than most of the tests. Here a mutant costs a fork and the
tests that call its function, until one fails: those that failed for mutants of the same function first.
"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import resource
import select
import signal
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import mutant_switch
import psutil
from _pytest.runner import runtestprotocol
from mutant_reach import Reach, Watch
from mutant_results import Result
from mutated_copy import read_mutants

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    import pytest
    from mutant_results import Results
    from mutated_copy import Mutant

REACH: Final = "reach.json"
TOLD: Final = "told.json"
"""Which test of a kept change tells which mutant, as the search found; it is tried first."""

BUDGET_S: Final = 10.0
"""CPU time of the tests that are run for one mutant; those beyond are left out."""

ENDLESS: Final = 10
"""How many times the CPU time that its tests take without it a mutant gets."""

CONTROLS: Final = 40
"""After so many mutants, tests run once without any: were they to fail, all that they say of mutants were worthless."""

PATIENCE_S: Final = 600
"""After this time a child that waits for something is ended."""

MEMORY_BYTES: Final = 4 * 1024**3
"""Of address space, beside what the process has: a mutant that takes all memory fails alone."""


@dataclass
class Child:
    """A process that runs tests with one mutant switched on."""

    mutant: Mutant | None
    """None for a control: without a mutant the same tests must pass."""
    pid: int
    answer: int
    started: float = field(default_factory=time.monotonic)


class Trials:
    """Tries mutants with the collected tests."""

    def __init__(self, mutants: list[Mutant], results: Results, hashes: dict[str, str], jobs: int, copy: Path) -> None:
        self._mutants, self._results, self._hashes, self._jobs = mutants, results, hashes, jobs
        self._reach_file = copy / REACH
        self._sources = {one.place: one.source for one in read_mutants(copy)}
        told = copy / TOLD
        self._told: dict[str, str] = json.loads(told.read_text()) if told.exists() else {}
        self._items: dict[str, pytest.Item] = {}
        self._failed: dict[str, Counter[str]] = {}
        self._reach = Reach()
        self._again: set[str] = set()

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Instead of the tests, run the mutants."""
        self._items = {item.nodeid: item for item in session.items}
        self._reach = self._measured()
        for mutant in self._mutants:
            if (known := self._results.last(mutant)) and known.by:
                self._note(mutant.place, known.by)
        waiting = [mutant for mutant in self._mutants if self._results.valid(mutant, self._hashes) is None]
        running: list[Child] = []
        gc.collect()
        gc.freeze()  # a child need not copy what it never looks at
        for number, mutant in enumerate(self._in_turn(waiting)):
            tests = self._tests_of(mutant)
            if not tests:
                self._results.add(Result(mutant.key, mutant.source, "no tests", "", self._hashes[""]))
                continue
            for tried in [mutant] if number % CONTROLS else [None, mutant]:
                while len(running) >= self._jobs:
                    self._collect(running)
                running.append(self._start(tried, tests))
            sys.stderr.write(f"\r{number + 1} of {len(waiting)} mutants ")
        while running:
            self._collect(running)
        return True

    def _measured(self) -> Reach:
        """Which tests run which lines: measured in a child, for the files of tests that changed since."""
        kept = json.loads(self._reach_file.read_text()) if self._reach_file.exists() else {"files": {}, "places": []}
        places = sorted(mutant_switch.TABLES)
        files = kept["files"] if set(places) <= set(kept["places"]) else {}
        file_of = {test: test.partition("::")[0] for test in self._items}
        changed = {file for file in file_of.values() if files.get(file, {}).get("hash") != self._alone(file)}
        for file in sorted(changed):
            tests = [test for test in self._items if file_of[test] == file]
            files = {name: measured for name, measured in files.items() if name != file}
            code = _wait(lambda tests=tests, files=files: self._measure(tests, files, places))
            if code == 0:
                files = json.loads(self._reach_file.read_text())["files"]
            else:
                sys.stderr.write(f"{file} could not be measured (its process ended with {code}), so it is left out\n")
        reach = Reach()
        for file in sorted(set(file_of.values()) & set(files)):
            reach.add(files[file])
        for test in reach.useless:
            sys.stderr.write(f"fails without a mutant, so it is left out: {test}\n")
        return reach

    def _alone(self, file: str) -> str:
        return self._hashes[f"alone {file}"]

    def _measure(self, tests: list[str], files: dict[str, Any], places: list[str]) -> None:
        file, watch = tests[0].partition("::")[0], Watch(self._sources)
        cpu_s: dict[str, float] = {}
        useless = []
        for item, following in _pairs(self._items[test] for test in tests):
            before = time.process_time()
            with watch.over(item.nodeid):
                failed = _fails(item, following)
            if failed:
                useless.append(item.nodeid)
            else:
                cpu_s[item.nodeid] = time.process_time() - before
        measured = {"hash": self._alone(file), "cpu_s": cpu_s, "useless": useless, **watch.seen(list(cpu_s))}
        unfinished = self._reach_file.with_suffix(".new")
        unfinished.write_text(json.dumps({"files": {**files, file: measured}, "places": places}))
        unfinished.replace(self._reach_file)

    def _tests_of(self, mutant: Mutant) -> list[str]:
        """The tests that run the statement which the mutant changes, within the budget.

        First the one that told it before, those that failed for mutants beside it, and the cheapest; the last quarter
        of the budget is for any others.
        """
        failed, cpu_s = self._failed.get(mutant.place, Counter()), self._reach.cpu_s
        of_module = self._failed.get(mutant.module, Counter())
        candidates = [test for test in self._reach.of(mutant) if test in self._items]
        known = self._results.last(mutant)
        first = {known.by if known else "", self._told.get(mutant.key, "")}
        ordered = sorted(
            candidates, key=lambda test: (test not in first, -failed[test], -of_module[test], cpu_s[test], test)
        )
        cheap = list(_within(ordered, cpu_s, BUDGET_S * 3 / 4))
        others = sorted(set(ordered) - set(cheap), key=lambda test: hashlib.sha256(test.encode()).digest())
        return [*cheap, *_within(others, cpu_s, BUDGET_S - sum(cpu_s[test] for test in cheap))] or ordered[:1]

    def _start(self, mutant: Mutant | None, tests: list[str]) -> Child:
        answer, question = os.pipe()
        pid = os.fork()
        if pid == 0:
            limit = int(ENDLESS * sum(self._reach.cpu_s[test] for test in tests)) + 5
            _in_child(lambda: _try(mutant, [self._items[test] for test in tests], limit, question))
        os.close(question)
        return Child(mutant, pid, answer)

    def _collect(self, running: list[Child]) -> None:
        """Wait until one of the children has ended, and take its result."""
        ready, _, _ = select.select([child.answer for child in running], [], [], 5.0)
        for child in list(running):
            if child.answer not in ready and time.monotonic() - child.started < PATIENCE_S:
                continue
            if child.answer not in ready:
                os.kill(child.pid, signal.SIGKILL)
            by = os.read(child.answer, 65536).decode()
            os.close(child.answer)
            _, status = os.waitpid(child.pid, 0)
            running.remove(child)
            self._take(child, by, os.waitstatus_to_exitcode(status), waited=child.answer not in ready)

    def _take(self, child: Child, by: str, code: int, *, waited: bool) -> None:
        mutant = child.mutant
        if mutant is None:
            if code:
                self._distrust(by)
            return
        if by:
            self._note(mutant.place, by)
            self._note(mutant.module, by)
        outcome = "survived" if code == 0 else "killed" if by else "endless" if waited or -code in _ENDED else "killed"
        tests = self._hashes[by.partition("::")[0]] if by else self._hashes[""]
        self._results.add(Result(mutant.key, mutant.source, outcome, by, tests))

    def _in_turn(self, waiting: list[Mutant]) -> Iterator[Mutant]:
        """The mutants to try, and at the end once more those that a test killed which fails without any mutant."""
        yield from waiting
        by = {mutant.key: mutant for mutant in waiting}
        for key in sorted(self._again):
            yield by[key]

    def _distrust(self, test: str) -> None:
        """Leave out a test that failed without a mutant, and forget what it said."""
        sys.stderr.write(f"fails now and then without a mutant, so it is left out: {test}\n")
        self._reach.leave_out(test)
        self._again |= {mutant.key for mutant in self._mutants if self._results.said(mutant, test)}

    def _note(self, place: str, by: str) -> None:
        self._failed.setdefault(place, Counter())[by] += 1


_ENDED: Final = frozenset({signal.SIGXCPU, signal.SIGKILL})


def _within(tests: Iterable[str], cpu_s: dict[str, float], budget_s: float) -> Iterator[str]:
    """Those of `tests`, from the first on, that take no more than `budget_s` together."""
    for test in tests:
        if cpu_s[test] <= budget_s:
            budget_s -= cpu_s[test]
            yield test


def _in_child(act: Callable[[], None]) -> None:
    """Do it in this forked process, which ends then."""
    code = 70
    with suppress(BaseException):
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nothing, number)
        act()
        code = 0
    os._exit(code)


def _wait(act: Callable[[], None]) -> int:
    """Do it in a child, and wait for its end; returns its exit code, or a signal's number with a minus."""
    pid = os.fork()
    if pid == 0:
        _in_child(act)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _try(mutant: Mutant | None, items: list[pytest.Item], limit_s: int, question: int) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (limit_s, limit_s + 2))
    most = psutil.Process().memory_info().vms + MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    if mutant is not None:
        mutant_switch.switch_on(mutant.place, mutant.name)
    for item, following in _pairs(items):
        if _fails(item, following):
            os.write(question, item.nodeid.encode())
            os._exit(1)


def _fails(item: pytest.Item, following: pytest.Item | None) -> bool:
    return any(report.failed for report in runtestprotocol(item, log=False, nextitem=following))


def _pairs(items: Iterable[pytest.Item]) -> list[tuple[pytest.Item, pytest.Item | None]]:
    listed = list(items)
    return list(zip(listed, [*listed[1:], None], strict=True))
