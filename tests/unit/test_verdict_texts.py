"""The verdicts that are kept of each test: a test that gets others fails."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import verdict_texts

from leakdrill.record.events import EVENTS
from leakdrill.record.verdict import Outcome, Verdict

GOOD = Verdict(check="no_pig_flies", subject="pig", outcome=Outcome.PASS, message="none flew", numbers={"pigs": 3.0})
OTHERS = [
    Verdict(check="no_pig_flies", subject="pig", outcome=Outcome.FAIL, message="none flew", numbers={"pigs": 3.0}),
    Verdict(check="no_pig_flies", subject="pig", outcome=Outcome.PASS, message="one flew", numbers={"pigs": 3.0}),
    Verdict(check="no_pig_flies", subject="pig", outcome=Outcome.PASS, message="none flew", numbers={"pigs": 4.0}),
    Verdict(check="no_pig_flies", subject="pig", outcome=Outcome.PASS, message="none flew", numbers={}),
    Verdict(check="no_pig_flies", outcome=Outcome.PASS, message="none flew", numbers={"pigs": 3.0}),
]


@pytest.fixture
def file(tmp_path, monkeypatch):
    path = tmp_path / "verdict_texts" / "test_pigs.txt"
    monkeypatch.setenv(verdict_texts.RECORD, "1")
    verdict_texts.record({(path, "test_pigs[a: b]"): verdict_texts.texts_of([GOOD])})
    monkeypatch.delenv(verdict_texts.RECORD)
    return path


def test_the_same_verdict_is_no_difference(file):
    assert not verdict_texts.difference(file, "test_pigs[a: b]", verdict_texts.texts_of([GOOD, GOOD]))


@pytest.mark.parametrize("other", OTHERS)
def test_any_other_verdict_is_told(file, other):
    told = verdict_texts.difference(file, "test_pigs[a: b]", verdict_texts.texts_of([other]))
    assert verdict_texts.text_of(other) in told


def test_a_verdict_that_is_no_longer_made_is_told(file):
    assert "no longer seen" in verdict_texts.difference(file, "test_pigs[a: b]", {})


def test_a_test_of_which_nothing_is_kept_may_see_anything(file):
    assert not verdict_texts.difference(file, "test_of_today", verdict_texts.texts_of(OTHERS))


def test_events_that_follow_each_other_evenly_are_told_as_a_range():
    made = Verdict(check="a", outcome=Outcome.PASS, message="b", events=(1, 2, 3, 9, 12, 15, 40))
    assert verdict_texts.text_of(made) == "PASS a: b\n    events: 1..3/1 9..15/3 40"


def _kept():
    """What each kept verdict tells a person: its message and hint."""
    for file in sorted(Path(__file__).parents[1].glob("*/verdict_texts/*.txt")):
        verdicts = file.read_text().partition("\n\n# Which")[0]
        for verdict in re.split(r"\n(?=\S)", verdicts):
            yield "\n".join(line for line in verdict.split("\n") if not re.match(r" +(events: |\w+=)", line))


def test_no_kept_verdict_is_longer_than_a_screen():
    """A screen has 24 lines of 80 characters."""
    kept = list(_kept())
    assert kept
    assert [text for text in kept if sum(-(-len(line) // 80) or 1 for line in text.split("\n")) > 24] == []


def test_no_kept_verdict_names_a_class_of_ours():
    words = {event.__name__ for event in EVENTS} | {"History", "BadInput", "NoAnswer", "StepFailed"}
    of_ours = re.compile(rf"\b(?:{'|'.join(sorted(word for word in words if len(re.findall('[A-Z]', word)) > 1))})\b")
    assert of_ours.search("AlertTransition came twice")
    assert [text for text in _kept() if of_ours.search(text)] == []
