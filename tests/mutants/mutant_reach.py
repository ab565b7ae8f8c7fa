"""Which tests run which lines of the functions that have mutants."""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mutant_switch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType

    from mutated_copy import Mutant


class Watch:
    """Notes the lines of the originals that run while it watches."""

    def __init__(self, sources: dict[str, str]) -> None:
        from coverage import Coverage  # noqa: PLC0415 - it comes with mutmut

        codes = {place: table[mutant_switch.ORIGINAL].__code__ for place, table in mutant_switch.TABLES.items()}
        self._sources, self._codes = sources, codes
        self._coverage = Coverage(data_file=None, include=sorted({code.co_filename for code in codes.values()}))

    @contextmanager
    def over(self, test: str) -> Iterator[None]:
        """Watch `test`."""
        self._coverage.start()
        self._coverage.switch_context(test)
        try:
            yield
        finally:
            self._coverage.stop()

    def seen(self, tests: list[str]) -> dict[str, Any]:
        """By function and line, counted from its first, which of `tests` ran it: a bit for each."""
        bit = {test: 1 << number for number, test in enumerate(tests)}
        data = self._coverage.get_data()
        ran = {name: data.contexts_by_lineno(name) for name in data.measured_files()}
        places: dict[str, Any] = {}
        for place, code in self._codes.items():
            masks = {}
            for line in sorted(_lines(code)):
                contexts = ran.get(str(Path(code.co_filename)), {}).get(line, ())
                if mask := sum(bit.get(one, 0) for one in set(contexts)):
                    masks[str(line - code.co_firstlineno)] = f"{mask:x}"
            if masks:
                places[place] = {"source": self._sources.get(place, ""), "lines": masks}
        return {"order": tests, "places": places}


def _lines(code: CodeType) -> set[int]:
    mine = {line for _, _, line in code.co_lines() if line is not None}
    return mine.union(*(_lines(part) for part in code.co_consts if hasattr(part, "co_lines")))


@dataclass
class Reach:
    """Which tests run which lines, and how long each takes."""

    cpu_s: dict[str, float] = field(default_factory=dict)
    useless: list[str] = field(default_factory=list)
    """Tests that fail without any mutant."""
    _files: dict[str, list[tuple[list[str], dict[str, Any]]]] = field(default_factory=lambda: defaultdict(list))
    _left_out: set[str] = field(default_factory=set)

    def add(self, file: dict[str, Any]) -> None:
        """Take in what was measured of one file of tests."""
        self.useless += file["useless"]
        self.cpu_s |= file["cpu_s"]
        for place, seen in file["places"].items():
            self._files[place].append((file["order"], seen))

    def leave_out(self, test: str) -> None:
        """Run `test` for no mutant."""
        self._left_out.add(test)

    def of(self, mutant: Mutant) -> list[str]:
        """The tests that run the statement which `mutant` changes; where its function has changed, that call it."""
        found: list[str] = []
        first, last = mutant.lines
        for order, seen in self._files.get(mutant.place, ()):
            same = seen["source"] == mutant.source and first > 0
            ran = [int(m, 16) for line, m in seen["lines"].items() if not same or first <= int(line) <= last]
            mask = 0
            for one in ran:
                mask |= one
            found += [test for number, test in enumerate(order) if mask >> number & 1 and test not in self._left_out]
        return found
