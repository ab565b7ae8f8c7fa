"""A thin slice of `make fuzz`: one number of a stored run is changed, and all that reads runs copes with it."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import number_runs
import spoilt_numbers

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

CASES = 60


def test_a_changed_number_is_refused_or_judged_and_nothing_breaks(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tried, wrong, examples = spoilt_numbers.wrong_cases(CASES, tmp_path)
    assert tried == CASES
    assert not wrong, examples


def test_every_kind_of_run_has_places_in_its_plan_and_in_its_record(tmp_path: Path) -> None:
    for stored in number_runs.stored_of_each_kind(tmp_path):
        lines = {number for number, _ in stored.places()}
        assert None in lines
        assert len(lines) > 3


def test_the_driver_sees_what_it_looks_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyError("x")

    monkeypatch.setattr(spoilt_numbers, "_WAYS", (fail,))
    _, wrong, _ = spoilt_numbers.wrong_cases(6, tmp_path)
    assert any("KeyError" in fault for fault in wrong)
