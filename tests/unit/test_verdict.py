"""One order of outcomes everywhere."""

import pytest

from leakdrill.record.verdict import Outcome, Verdict, worst


def verdict(outcome):
    return Verdict(check="c", outcome=outcome, message="m")


@pytest.mark.parametrize(
    ("outcomes", "expected", "exit_code"),
    [
        ([], Outcome.UNKNOWN, 2),
        ([Outcome.PASS], Outcome.PASS, 0),
        ([Outcome.PASS, Outcome.UNKNOWN], Outcome.UNKNOWN, 2),
        ([Outcome.UNKNOWN, Outcome.FAIL, Outcome.PASS], Outcome.FAIL, 1),
    ],
)
def test_fail_is_worse_than_unknown_is_worse_than_pass_and_nothing_is_unknown(outcomes, expected, exit_code):
    assert worst(map(verdict, outcomes)) is expected
    assert expected.exit_code == exit_code
