"""No message is longer than a screen, and its end, where the hint stands, stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakdrill.cli.output import complain
from leakdrill.errors import BadInput
from leakdrill.judging.evidence.claim import Claim
from leakdrill.screenful import HEIGHT, WIDTH, screenful, shortened


def rows(text: str) -> int:
    return sum(max(1, -(-len(line) // WIDTH)) for line in text.split("\n"))


@given(st.text(max_size=4000), st.integers(min_value=60, max_value=2000))
def test_a_text_is_no_longer_than_it_may_be(text, most):
    assert len(shortened(text, most)) <= most
    assert len(text) > most or shortened(text, most) == text


@given(st.lists(st.text(alphabet="ab ", max_size=3000), max_size=60))
def test_lines_are_no_more_than_a_screen(lines):
    text = "\n".join(lines)
    assert rows(screenful(text)) <= HEIGHT


def test_what_fits_is_left_alone_and_of_the_rest_both_ends_stay():
    assert screenful("one\ntwo") == "one\ntwo"
    shown = screenful("\n".join([*(f"problem {n}" for n in range(200)), "Hint: read the page"]))
    assert shown.startswith("problem 0\n")
    assert shown.endswith("\nHint: read the page")
    assert "lines) …" in shown


def test_a_verdict_is_no_longer_than_a_screen():
    selectors = " and ".join(f'kube_pod_info{{pod="shop-{n}"}}' for n in range(500))
    verdict = Claim("alert_fires_in_time").fails(f"it matched {selectors}: it can never fire", hint="h" * 5000)
    assert rows(verdict.message) + rows(f"hint: {verdict.hint}") < HEIGHT
    assert verdict.message.endswith("it can never fire")


@pytest.mark.parametrize("message", ["x" * 100_000, "\n".join(f"line {n}" for n in range(10_000))])
def test_an_error_is_no_longer_than_a_screen(message, capsys):
    complain(BadInput(message, hint="do this next"))
    told = capsys.readouterr().err.rstrip("\n")
    assert rows(told) <= HEIGHT
    assert told.endswith("Hint: do this next")
