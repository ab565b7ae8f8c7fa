"""Every claim has a unit test that gets a PASS, one that gets a FAIL and one that gets an UNKNOWN."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Final

import outcomes
import pytest
from test_gate_run import SCENARIO, run

from leakdrill.judging import checks
from leakdrill.judging.claims import ClaimRow, all_claims
from leakdrill.judging.drill import CHECKS
from leakdrill.judging.evidence.check import Check
from leakdrill.judging.leak.gate import judge_gate
from leakdrill.judging.rehearsal import CHECKS as REHEARSAL
from leakdrill.record.history import History

if TYPE_CHECKING:
    from collections.abc import Iterable

NEVER: Final = {
    ("run gpu_answers_throughout", "FAIL"): "a GPU that does not answer is not the service's doing",
    ("run gpu_memory_is_the_targets_own", "FAIL"): "another process's memory is not the service's doing",
    ("run measurements_are_complete", "FAIL"): "a gap in the record says nothing about the service",
    ("run load_is_as_asked", "FAIL"): "a load that went wrong says nothing about the service",
    ("gate load_is_as_asked", "FAIL"): "a load that went wrong says nothing about the service",
    ("gate growth_is_explained", "FAIL"): "it explains what memory_does_not_leak judges",
    ("watch memory_is_measured", "FAIL"): "a gap in the record says nothing about the command",
}
"""Outcomes that a claim cannot have, with the reason."""


def untested(claims: list[ClaimRow], promised: dict[str, dict[str, str]]) -> list[str]:
    """Returns the outcomes that no test gets, by the names of their claims."""
    names = [f"{claim.command} {claim.name}" for claim in claims]
    return [
        f"{name}: {outcome}"
        for name in names
        for outcome in ("PASS", "FAIL", "UNKNOWN")
        if outcome not in promised.get(name, {}) and (name, outcome) not in NEVER
    ]


def test_each_outcome_of_each_claim_has_a_test() -> None:
    assert not untested(all_claims(), outcomes.promised())


def test_a_claim_without_a_test_is_named() -> None:
    forgotten = ClaimRow("run", "pigs_do_not_fly", "No pig flies.")
    assert untested([forgotten], {"run pigs_do_not_fly": {"PASS": "a", "UNKNOWN": "b"}}) == [
        "run pigs_do_not_fly: FAIL"
    ]


def without_row(checks: dict[str, object], rows: Iterable[object]) -> list[str]:
    """Returns the names of the checks that are in none of `rows`."""
    listed = {id(row) for row in rows}
    return [name for name, check in checks.items() if id(check) not in listed]


def test_every_check_of_a_drill_has_a_row() -> None:
    modules = [import_module(f"{checks.__name__}.{found.name}") for found in iter_modules(checks.__path__)]
    found = {f"{m.__name__}.{k}": v for m in modules for k, v in vars(m).items() if isinstance(v, Check)}
    assert not without_row(found, [row for group in (*CHECKS, *REHEARSAL) for row in group]), (
        "not in CHECKS of judging/drill.py or judging/rehearsal.py"
    )


def test_a_check_without_a_row_is_named() -> None:
    assert without_row({"a": CHECKS[0][0], "b": object()}, CHECKS[0]) == ["b"]


def test_no_outcome_that_cannot_be_has_a_test() -> None:
    assert not [key for key in NEVER if key[1] in outcomes.promised().get(key[0], {})]


def test_the_tests_that_are_named_are_there() -> None:
    named = {test for tests in outcomes.promised().values() for test in tests.values()}
    for test in sorted(named):
        file, function = test.partition("[")[0].split("::")
        tree = ast.parse(Path(__file__).with_name(file).read_text(encoding="utf-8"))
        assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, test


def test_a_test_that_no_longer_gets_its_outcome_fails(tmp_path: Path) -> None:
    here = Path(__file__).parent
    for name in ("conftest.py", "field_types.py", "outcomes.py", "verdict_texts.py"):
        (tmp_path / name).write_text((here / name).read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "claim_outcomes.json").write_text('{"run load_is_spread": {"PASS": "test_it.py::test_it"}}')
    (tmp_path / "test_it.py").write_text("def test_it():\n    assert True\n", encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 1
    assert "('run load_is_spread', 'PASS')" in ran.stdout


@pytest.mark.parametrize(
    ("open_leak", "closed_leak", "words"),
    [(200, 200, "every request"), (200, 0, "requests that are new"), (0, 0, "neither")],
)
def test_two_corpora_say_which_requests_leave_something(open_leak: float, closed_leak: float, words: str) -> None:
    history = History([*run(leak=open_leak), *run(leak=closed_leak, corpus="closed")])
    (verdict,) = [v for v in judge_gate(history, SCENARIO) if v.check == "growth_is_explained"]
    assert (verdict.outcome, words in verdict.message) == ("PASS", True)


def test_a_corpus_that_was_cut_short_explains_nothing() -> None:
    history = History([*run(), *run(corpus="closed", slots=3)])
    (verdict,) = [v for v in judge_gate(history, SCENARIO) if v.check == "growth_is_explained"]
    assert verdict.outcome == "UNKNOWN"
