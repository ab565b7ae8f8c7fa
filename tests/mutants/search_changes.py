"""Looks for changes of records that tell a mutant from the original, and keeps the fewest that tell all that it found.

    python tests/mutants/run.py --search SECONDS

Runs in the mutated copy; `run.py` starts it. Each round takes a mutant that nothing told so far, draws a case near the
numbers and events of its module, and tries all living mutants of the functions that are called: first the function
alone, with the arguments that it got; where that differs, the whole.
"""

from __future__ import annotations

import argparse
import inspect
import json
import math
import random
import re
import signal
import sys
import time
import warnings
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import mutant_switch
import numpy as np
from change_bases import BASES, verdicts
from draw_changes import Draw
from mutated_copy import read_mutants
from trials import TOLD
from verdict_texts import identifier, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mutated_copy import Mutant

    Case = dict[str, Any]
    Call = tuple[tuple[Any, ...], dict[str, Any], Any]

CALLS: Final = 3
"""How many calls of a function in one case are tried with a mutant."""

SLOW: Final = ("all", "gate")
"""Looks that are taken only at what no other reaches."""

BROKEN: Final = re.compile(r"^breaks: |itself broke|could not be examined", re.MULTILINE)
TEST: Final = "tests/unit/test_kept_changes.py::test_what_is_said_of_a_changed_record_stays"

PATIENCE_S: Final = 2.0


class Endless(BaseException):
    """A mutant does not come to an end."""


@contextmanager
def limited() -> Iterator[None]:
    """Raise `Endless` in what takes too long."""

    def end(*_: object) -> None:
        raise Endless

    signal.signal(signal.SIGVTALRM, end)
    signal.setitimer(signal.ITIMER_VIRTUAL, PATIENCE_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def told(case: Case, look: str) -> str:
    """What is said of a case."""
    try:
        return "\n".join(text_of(verdict) for verdict in verdicts(case, look))
    except Exception as e:  # noqa: BLE001 - a mutant may break anything
        return f"breaks: {type(e).__name__}"


class Calls:
    """The first calls of each function, and what came of them."""

    def __init__(self) -> None:
        self.of: dict[str, list[Call]] = defaultdict(list)
        self._count: dict[str, int] = defaultdict(int)

    def make(self, place: str, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Make a call and keep it."""
        self._count[place] += 1
        if self._count[place] > CALLS and (self._count[place] > 300 or self._count[place] % 37):
            return function(*args, **kwargs)
        calls = self.of[place]
        result = function(*args, **kwargs)
        if inspect.isgenerator(result):
            kept = list(result)
            calls.append((args, kwargs, kept))
            return iter(kept)
        calls.append((args, kwargs, result))
        return result


def same(a: Any, b: Any) -> bool:
    """Whether two results are the same; where that cannot be told, they are not."""
    if a is b or type(a) is not type(b):
        return a is b
    if isinstance(a, np.ndarray):
        return bool(a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes())
    if isinstance(a, dict):
        return list(a) == list(b) and same(list(a.values()), list(b.values()))
    if is_dataclass(a):
        return all(same(getattr(a, one.name), getattr(b, one.name)) for one in fields(a))
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    plain = isinstance(a, str | int | float | set | frozenset | np.generic)
    return plain and (bool(a == b) or (isinstance(a, float) and math.isnan(a) and math.isnan(b)))


def differs(mutant: Mutant, calls: list[Call]) -> bool:
    """Whether the function alone gives something else."""
    function = mutant_switch.TABLES[mutant.place][mutant.name]
    for args, kwargs, result in calls:
        try:
            with limited():
                now = function(*args, **kwargs)
                now = list(now) if inspect.isgenerator(now) else now
        except (Exception, Endless):  # noqa: BLE001 - a mutant may break anything
            return True
        if not same(result, now):
            return True
    return False


class Search:
    """The mutants that nothing told from the original, and the cases that told others."""

    def __init__(self, mutants: list[Mutant], seed: int) -> None:
        self.alive: dict[str, dict[str, Mutant]] = defaultdict(dict)
        for mutant in mutants:
            self.alive[mutant.place][mutant.key] = mutant
        self.random = random.Random(seed)  # noqa: S311 - no secret
        self.reached: dict[str, set[tuple[str, str]]] = defaultdict(set)
        self.vain: dict[str, float] = defaultdict(float)

    def reach(self) -> None:
        """Note which functions each look at each base calls."""
        for base, one in BASES.items():
            for look in one.looks:
                mutant_switch.called.clear()
                told({"base": base, "changes": []}, look)
                for place in mutant_switch.called:
                    self.reached[place].add((base, look))

    def left(self) -> int:
        """How many live."""
        return sum(map(len, self.alive.values()))

    def draw(self) -> tuple[Case, list[str]]:
        """A case for a mutant that lives, and those who should look at it."""
        places = [place for place, ones in self.alive.items() if ones and self.reached[place]]
        if not places or self.random.random() < 0.03:
            base = self.random.choice(list(BASES))
            module = self.random.choice([p for p, ones in self.alive.items() if ones]).rpartition(".")[0]
            return Draw(self.random, _module(module)).case(base), list(BASES[base].looks)
        place = self.random.choices(places, [len(self.alive[one]) ** 0.7 for one in places])[0]
        pairs = sorted(self.reached[place])
        base = self.random.choice(sorted({base for base, _ in pairs}))
        looks = [look for of, look in pairs if of == base]
        cheap = [look for look in looks if look not in SLOW] or looks
        return Draw(self.random, _module(place)).case(base), self.random.sample(cheap, min(3, len(cheap)))

    def try_case(self, case: Case, look: str, kept: Kept) -> None:
        """Keep the case where `look` tells a mutant from the original by it."""
        calls = Calls()
        mutant_switch.called.clear()
        mutant_switch.listeners.append(calls.make)
        try:
            original = told(case, look)
        finally:
            mutant_switch.listeners.pop()
        if BROKEN.search(original):
            sys.stderr.write(f"\nthe code itself breaks: {json.dumps(case)}\n")
            return
        called = set(mutant_switch.called)
        for place in called:
            self.reached[place].add((case["base"], look))
        keys = [
            mutant.key
            for place in sorted(called)
            for mutant in list(self.alive[place].values())
            if self._may_tell(mutant) and self._tells(mutant, case, look, original, calls.of.get(place))
        ]
        if keys:
            kept.add(case, look)
            kept.note(case, keys)

    def _may_tell(self, mutant: Mutant) -> bool:
        return self.random.random() < 5 / (5 + self.vain[mutant.key])

    def _tells(self, mutant: Mutant, case: Case, look: str, original: str, calls: list[Call] | None) -> bool:
        if calls is not None and not differs(mutant, calls):
            self.vain[mutant.key] += 0.3
            return False
        before = mutant_switch.switch_on(mutant.place, mutant.name)
        try:
            with limited():
                now = told(case, look)
        except Endless:
            del self.alive[mutant.place][mutant.key]
            return False
        finally:
            mutant_switch.TABLES[mutant.place][mutant_switch.ORIGINAL] = before
        if now == original:
            self.vain[mutant.key] += 1
            return False
        del self.alive[mutant.place][mutant.key]
        return True


def _module(place: str) -> str:
    while place not in sys.modules:
        place = place.rpartition(".")[0]
    return place


class Kept:
    """The cases in a file, one a line, and which of them told which mutants."""

    def __init__(self, cases: Path, told_by: Path) -> None:
        self._cases, self._told_by = cases, told_by
        self._lines = [json.loads(line) for line in cases.read_text().splitlines()] if cases.exists() else []
        self.told: dict[str, str] = json.loads(told_by.read_text()) if told_by.exists() else {}

    def __iter__(self) -> Iterator[tuple[Case, str]]:
        return ((case, look) for case in list(self._lines) for look in list(case["looks"]))

    def add(self, case: Case, look: str) -> None:
        """Keep a case, or one more look at it."""
        known = next((one for one in self._lines if _bare(one) == _bare(case)), None)
        if known is None:
            self._lines.append({**case, "looks": [look]})
        elif look not in known["looks"]:
            known["looks"].append(look)

    def write(self) -> None:
        """Write the cases, and the test of each mutant that one of them told."""
        lines = [json.dumps(case) for case in self._lines]
        self._cases.write_text("".join(f"{line}\n" for line in lines))
        self._told_by.write_text(json.dumps(self.told))

    def note(self, case: Case, keys: list[str]) -> None:
        """Note that `case` told the mutants `keys`."""
        line = json.dumps(next(one for one in self._lines if _bare(one) == _bare(case)))
        self.told |= dict.fromkeys(keys, f"{TEST}[{identifier(line)}]")


def _bare(case: Case) -> Case:
    return {name: value for name, value in case.items() if name != "looks"}


def main() -> None:
    """Try the cases that are kept, then look for others until time is up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, required=True, help="how long to look for others")
    parser.add_argument("--kept", type=Path, required=True, help="the file of the cases")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    search = Search([one for one in read_mutants(Path.cwd()) if one.place in mutant_switch.TABLES], time.time_ns())
    kept = Kept(asked.kept, Path(TOLD))
    for case, look in kept:
        search.try_case(_bare(case), look, kept)
    search.reach()
    until, rounds = time.monotonic() + asked.seconds, 0
    while time.monotonic() < until:
        case, looks = search.draw()
        for look in looks:
            search.try_case(case, look, kept)
        rounds += 1
        sys.stderr.write(f"\r{rounds} cases, {search.left()} mutants live ")
    kept.write()


if __name__ == "__main__":
    main()
