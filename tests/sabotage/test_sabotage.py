"""Every spoilt record gets the verdict that it must get, and the good ones that they were made of pass."""

from __future__ import annotations

import pytest
import suite
from sabotage import SABOTAGES, Sabotage
from tape import RECORDS, Tape

LEAST = 120
BASES = sorted(path.name.partition(".")[0] for path in RECORDS.glob("*.xz"))


def test_there_are_enough_and_no_two_of_one_name() -> None:
    names = [(one.kind, one.name) for one in suite.SABOTAGES]
    assert len(names) >= LEAST
    assert len(set(names)) == len(names)
    assert {one.base for one in SABOTAGES} == set(BASES)


@pytest.mark.parametrize("base", BASES)
def test_the_good_record_passes(base: str) -> None:
    assert [(v.check, v.message) for v in Tape(base).verdicts() if v.outcome != "PASS"] == []


@pytest.mark.parametrize("spoilt", SABOTAGES, ids=lambda one: f"{one.kind}: {one.name}")
def test_it_is_caught(spoilt: Sabotage) -> None:
    assert spoilt.escaped() == ""
