"""The count of killed mutants: what survives, or was never tried, is not counted as killed."""

from __future__ import annotations

import gc
import json
from dataclasses import replace
from types import SimpleNamespace

import draw_changes
import mutant_page
import mutant_switch
import pytest
from mutant_results import Result, Results
from mutant_sample import sample
from mutant_score import Score, interval, scores
from mutant_survivors import read_reasons, reason_of
from mutated_copy import MUTANTS, Mutant, change, function_of
from trials import REACH, Trials

ONE = Mutant("leakdrill.judging.sums", "double", "x_double__mutmut_1", "abc", "return a * 2 → return a / 2", (1, 1))
MANY = [replace(ONE, module=f"leakdrill.{m}", name=f"x_double__mutmut_{n}") for m in "abc" for n in range(100)]


def test_a_mutant_that_no_test_reaches_lives_and_one_without_result_was_not_tried(tmp_path):
    results = Results(tmp_path / "results.jsonl")
    outcomes = {1: "survived", 2: "killed", 3: "no tests", 4: "endless"}
    mutants = [replace(ONE, name=f"x_double__mutmut_{n}", change=str(n)) for n in range(1, 6)]
    for mutant in mutants:
        if outcome := outcomes.get(int(mutant.change)):
            results.add(Result(mutant.key, "abc", outcome, "test_it", "def"))
    (score,) = scores(mutants, Results(tmp_path / "results.jsonl"))
    assert (score.module, score.tried, score.killed, score.endless, score.untried) == ("judging.sums", 4, 2, 1, 1)
    assert score.survivors == ("judging.sums.double: 1", "judging.sums.double: 3")


@pytest.mark.parametrize(
    ("result", "hashes", "stays"),
    [
        (Result(ONE.key, "abc", "killed", "test_a.py::test", "1"), {"test_a.py": "1", "": "2"}, True),
        (Result(ONE.key, "abc", "killed", "test_a.py::test", "1"), {"test_a.py": "3", "": "2"}, False),
        (Result(ONE.key, "abc", "survived", "", "2"), {"test_a.py": "1", "": "2"}, True),
        (Result(ONE.key, "abc", "survived", "", "2"), {"test_a.py": "1", "": "4"}, False),
        (Result(ONE.key, "xyz", "killed", "test_a.py::test", "1"), {"test_a.py": "1", "": "2"}, False),
    ],
)
def test_a_result_stays_while_the_function_and_the_test_that_failed_stay(tmp_path, result, hashes, stays):
    results = Results(tmp_path / "results.jsonl")
    results.add(result)
    assert (results.valid(ONE, hashes) is not None) is stays


def test_a_survivor_says_what_it_changes():
    told = change(["def double(a):", "return a * 2"], ["def double(a):", "return a / 2"])
    assert replace(ONE, change=told).says == "judging.sums.double: return a * 2 → return a / 2"
    assert function_of("xǁHistoryǁof") == "History.of"
    assert function_of("x__rounded") == "_rounded"


def test_a_mutant_that_is_switched_on_is_what_is_called():
    def double(a):
        return a * 2

    versions = {mutant_switch.ORIGINAL: double, "x_double__mutmut_1": lambda a: a / 2}
    called = mutant_switch.wrap_in_trampoline(versions)(double)
    assert called(4) == 8
    mutant_switch.switch_on(f"{__name__}.{double.__qualname__}", "x_double__mutmut_1")
    assert called(4) == 2


def test_a_sample_takes_of_each_module_its_share_and_always_the_same():
    chosen = sample(MANY, 30)
    assert [sum(one.module == f"leakdrill.{m}" for one in chosen) for m in "abc"] == [10, 10, 10]
    assert set(sample(MANY[:100], 10)) == {one for one in chosen if one.module == "leakdrill.a"}
    assert [one for one in sample(MANY, 60) if one in chosen] == chosen
    assert set(sample(MANY, 0)) == set(MANY)


def test_the_interval_is_that_of_wilson():
    assert interval(92, 100) == pytest.approx((0.8500, 0.9589), abs=1e-4)


@pytest.mark.parametrize(
    ("score", "enough"),
    [
        (Score("a", 100, 92, 0, 0, ()), True),
        (Score("a", 100, 91, 0, 0, ()), False),
        (Score("a", 100, 100, 0, 1, ()), False),
        (Score("a", 0, 0, 0, 0, ()), False),
    ],
)
def test_enough_is_nine_in_ten_and_two_more_of_all(score, enough):
    assert mutant_page.is_enough([score]) is enough


def test_what_was_not_tried_is_told():
    told = mutant_page.summary([Score("a", 4, 3, 0, 2, ())], 6)
    assert told == "3 of 4 mutants killed: 75.0%; 2 were not tried yet"


def test_of_a_sample_the_interval_is_told():
    told = mutant_page.summary([Score("a", 100, 92, 0, 0, ())], 500)
    assert told == "92 of 100 mutants killed: 92.0%; a sample of 500, so of all between 85.0% and 95.9% (95 % interval)"


def test_a_survivor_without_a_reason_stands_on_the_page_too(tmp_path):
    (tmp_path / "survivors.toml").write_text('[[kind]]\nchange = "strict=None"\nreason = "both are of one length"\n')
    reasons = read_reasons(tmp_path / "survivors.toml")
    assert reason_of("zip(a, b, strict=True) → zip(a, b, strict=None)", reasons) == "both are of one length"
    assert not reason_of("a → b", reasons)
    assert "`a: x → y \\| z`" in mutant_page.page([Score("a", 1, 0, 0, 0, ("a: x → y | z",))], 1, "")


@pytest.mark.parametrize("base", ["memory", "gate", "command", "trace"])
def test_every_plan_of_the_search_fits_a_base(base):
    assert [plan for plan in draw_changes.plans_of(base) if not draw_changes.fits(base, plan)] == []


def test_a_file_of_tests_whose_process_dies_is_left_out_and_named(tmp_path, capfd):
    (tmp_path / MUTANTS).write_text("[]")
    whole = {"hash": "1", "cpu_s": {"test_a.py::test": 0.1}, "useless": [], "order": [], "places": {}}
    (tmp_path / REACH).write_text(json.dumps({"files": {"test_a.py": whole}, "places": sorted(mutant_switch.TABLES)}))
    hashes = {"": "0", "alone test_a.py": "1", "alone test_b.py": "2"}
    session = SimpleNamespace(items=[SimpleNamespace(nodeid=f"test_{name}.py::test") for name in "ab"])
    assert Trials([], Results(tmp_path / "results.jsonl"), hashes, 1, tmp_path).pytest_runtestloop(session)
    gc.unfreeze()
    assert capfd.readouterr().err == "test_b.py could not be measured (its process ended with 70), so it is left out\n"
    assert list(json.loads((tmp_path / REACH).read_text())["files"]) == ["test_a.py"]
