"""Every spoilt record gets the verdict that it must get, and the good ones that they were made of pass."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import suite
from sabotage import SABOTAGES, Sabotage
from tape import RECORDS, Tape

from leakdrill.record.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _pytest.mark import ParameterSet
    from conftest import Kept

LEAST = 120
BASES = sorted(path.name.partition(".")[0] for path in RECORDS.glob("*.xz"))


def test_there_are_enough_and_no_two_of_one_name() -> None:
    names = [(one.kind, one.name) for one in suite.SABOTAGES]
    assert len(names) >= LEAST
    assert len(set(names)) == len(names)
    assert {one.base for one in SABOTAGES} == set(BASES)


@pytest.mark.parametrize("base", BASES)
def test_the_good_record_passes(base: str, kept: Kept) -> None:
    verdicts = Tape(base).verdicts()
    assert [(v.check, v.message) for v in verdicts if v.outcome != "PASS"] == []
    kept(verdicts)


def _each() -> Iterator[ParameterSet]:
    """All of them; `make test` plays every fourth, and `make test-long` the others."""
    for place, one in enumerate(SABOTAGES):
        yield pytest.param(one, id=f"{one.kind}: {one.name}", marks=[pytest.mark.long] if place % 4 else [])


@pytest.mark.parametrize("spoilt", list(_each()))
def test_it_is_caught(spoilt: Sabotage, kept: Kept) -> None:
    verdicts = spoilt.verdicts()
    assert spoilt.escaped(verdicts) == ""
    kept([_in_short(v, spoilt.check) for v in verdicts if v.outcome != "PASS"])


def _in_short(verdict: Verdict, check: str) -> Verdict:
    """What is kept of `verdict` where `check` is what was spoilt: all but its events, or that it did not pass."""
    if verdict.check == check:
        return replace(verdict, events=())
    return Verdict(check=verdict.check, subject=verdict.subject, outcome=verdict.outcome, message="")
