"""The count of killed mutants: what survives, or was never tried, is not counted as killed."""

from __future__ import annotations

import json

import mutant_page
import pytest
from mutant_results import Module, read_modules
from mutant_survivors import with_diffs

MODULE = """
def x_double__mutmut_orig(a):
    return a * 2

def x_double__mutmut_1(a):
    return a / 2
"""


@pytest.fixture
def copy(tmp_path):
    folder = tmp_path / "mutants" / "src" / "leakdrill" / "judging"
    folder.mkdir(parents=True)
    (folder / "sums.py").write_text(MODULE)
    name = "leakdrill.judging.sums.x_double__mutmut_"
    codes = {f"{name}1": 0, f"{name}2": 1, f"{name}3": 33, f"{name}4": None, f"{name}5": -9, f"{name}6": 34}
    (folder / "sums.py.meta").write_text(json.dumps({"exit_code_by_key": codes}))
    return tmp_path


def test_a_mutant_that_no_test_reaches_lives_and_one_without_result_was_not_tried(copy):
    (module,) = read_modules(copy / "mutants" / "src")
    assert (module.name, module.tried, module.killed, module.untried) == ("judging.sums", 4, 2, 1)
    assert [name[-1] for name in module.survivors] == ["1", "3"]


def test_a_survivor_says_what_it_changes(copy):
    (survivor,) = with_diffs(copy, ["leakdrill.judging.sums.x_double__mutmut_1"])
    assert (survivor.function, survivor.change) == ("judging.sums.double", "return a * 2 → return a / 2")


@pytest.mark.parametrize(
    ("module", "enough"),
    [
        (Module("a", 100, 92, 0, ()), True),
        (Module("a", 100, 91, 0, ()), False),
        (Module("a", 100, 100, 1, ()), False),
        (Module("a", 0, 0, 0, ()), False),
    ],
)
def test_enough_is_nine_in_ten_and_two_more_of_all(module, enough):
    assert mutant_page.is_enough([module]) is enough


def test_what_was_not_tried_is_told():
    assert mutant_page.summary([Module("a", 4, 3, 2, ())]) == "3 of 4 mutants killed: 75.0%; 2 were not tried yet"
