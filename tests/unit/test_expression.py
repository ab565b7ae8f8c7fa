"""A person's regular expression cannot hang the drill, whatever it and the text are."""

from __future__ import annotations

import time

import pytest
from pydantic import ValidationError

from leakdrill.errors import BadInput
from leakdrill.expression import check_expression, is_found
from leakdrill.judging.watch.naming import phase_of
from leakdrill.judging.watch.plan import parse_phases
from leakdrill.scenario.steps import Step

SLOW_IN_PYTHON = (
    "(a+)+$", "(a|a)*$", "(a|aa)+$", "(a?){50}a{50}$", "(.*)*(.*)*(.*)*x", r"^(\w+\s?)*\|$", ".*.*.*.*.*=",
    "(?i)(x+x+)+y",    "(?:a{0,100}){0,100}b", "([a-zA-Z]+)*!$", "a*a*a*a*a*a*a*a*b",
)  # fmt: skip
TEXTS = ("a" * 131_072, "a" * 60 + "!", "aaaa bbbb " * 5000, "x" * 131_072)


@pytest.mark.parametrize("expression", SLOW_IN_PYTHON)
def test_an_expression_that_python_would_never_finish_takes_no_time(expression: str) -> None:
    began = time.process_time()
    check_expression(expression)
    for text in TEXTS:
        is_found(expression, text)
    (rule,) = parse_phases([f"compile={expression}"])
    phase_of(TEXTS[0], "", (rule,))
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("(", "unclosed group"),
        ("(?=a)", "look-around"),
        (r"(a)\1", "backreferences"),
        ("(a{1000}){1000}", "exceeds size limit"),
        ("a" * 1001, "at most 1000"),
        ("[z-a]", "invalid character class range"),
    ],
)
def test_an_expression_that_cannot_be_used_is_refused_with_the_reason(expression: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        check_expression(expression)
    with pytest.raises(BadInput, match=reason):
        parse_phases([f"compile={expression}"])
    with pytest.raises(ValidationError):
        Step.model_validate({"name": "s", "kill": {"match": expression}})


def test_it_is_searched_for_anywhere_and_text_that_is_no_utf8_is_searched_too() -> None:
    assert is_found("cc1(plus)?", "/usr/lib/cc1plus -quiet")
    assert is_found(r"worker\.py --n=\d+$", "python3 caf\udce9/worker.py --n=12")
    assert is_found("^é.$", "éa")
    assert not is_found("^worker", "a worker")
