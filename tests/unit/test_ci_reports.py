"""OpenMetrics and the step summary: what CI systems read, whatever text the verdicts hold."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from leakdrill.cli.gate import leak_word
from leakdrill.errors import EnvironmentProblem
from leakdrill.record.verdict import Outcome, Verdict
from leakdrill.reports.openmetrics import openmetrics
from leakdrill.reports.step_summary import append_step_summary

LEAK = Verdict(
    check="memory_does_not_leak",
    subject="candidate",
    outcome=Outcome.FAIL,
    message="memory grows by 64.5 B a request",
    numbers={
        "growth_bytes_per_request": 64.5,
        "level_bytes": 1024,
        "judged_s": 33.5,
        "kind": "live objects",
        "difference_high_bytes_per_request": None,
        "restarted": True,
    },
    hint="compare counts of objects by type",
)
FINE = Verdict(check="target_keeps_running", outcome=Outcome.PASS, message="nothing ended", numbers={"judged_s": 1.0})


def families(text):
    return {family.name: family for family in text_string_to_metric_families(text)}


def test_numbers_carry_their_units_and_what_tells_them_apart():
    """Seconds are written out, the unit stands in UNIT, and words and missing numbers are left out."""
    found = families(openmetrics([LEAK, FINE], name="checkout"))
    assert found["leakdrill_growth_bytes_per_request"].unit == "bytes_per_request"
    assert found["leakdrill_level_bytes"].unit == "bytes"
    seconds = found["leakdrill_judged_seconds"]
    assert (seconds.unit, seconds.type) == ("seconds", "gauge")
    assert [(sample.labels, sample.value) for sample in seconds.samples] == [
        ({"scenario": "checkout", "check": "memory_does_not_leak", "subject": "candidate"}, 33.5),
        ({"scenario": "checkout", "check": "target_keeps_running", "subject": ""}, 1.0),
    ]
    assert found["leakdrill_restarted"].samples[0].value == 1
    assert not any("kind" in name or "difference" in name for name in found)


def test_outcomes_are_severities():
    """2 for FAIL, 1 for UNKNOWN, 0 for PASS; nothing checked is UNKNOWN."""
    found = families(openmetrics([LEAK, FINE], name="checkout"))
    assert [sample.value for sample in found["leakdrill_severity"].samples] == [2, 0]
    assert found["leakdrill_run_severity"].samples[0].value == 2
    assert families(openmetrics([], name="x"))["leakdrill_run_severity"].samples[0].value == 1


NUMBERS = st.dictionaries(st.text(max_size=12), st.floats() | st.integers(-(10**9), 10**9) | st.booleans() | st.none())
VERDICTS = st.lists(
    st.builds(
        Verdict,
        check=st.sampled_from(["step_works", "alert_fires_in_time"]),
        subject=st.text(max_size=8),
        outcome=st.sampled_from(Outcome),
        message=st.text(max_size=8),
        numbers=NUMBERS | st.sampled_from([{"severity": 7, "x_total": 1, "x_s": 2, "x_seconds": 3, "a_info": 1}]),
    ),
    max_size=4,
)


@given(VERDICTS, st.text(max_size=8))
def test_any_verdicts_are_valid_text(verdicts, name):
    """A strict parser reads it back, every sample of a family is unique, and it ends with EOF."""
    text = openmetrics(verdicts, name=name)
    assert text.endswith("\n# EOF\n")
    for family in families(text).values():
        labels = [tuple(sample.labels.items()) for sample in family.samples]
        assert len(labels) == len(set(labels))
        assert all(isinstance(sample.value, int | float) for sample in family.samples)


def test_numbers_that_are_not_finite_stay_what_they_are():
    """Infinity and not-a-number have a spelling of their own."""
    odd = Verdict(
        check="c", outcome=Outcome.UNKNOWN, message="m", numbers={"a": math.inf, "b": -math.inf, "c": math.nan}
    )
    found = families(openmetrics([odd], name="n"))
    assert [found[f"leakdrill_{name}"].samples[0].value for name in "ab"] == [math.inf, -math.inf]
    assert math.isnan(found["leakdrill_c"].samples[0].value)


def test_the_step_summary_is_appended_to(tmp_path):
    """What another step wrote stays; the sentence and the numbers follow."""
    file = tmp_path / "summary.md"
    file.write_text("earlier\n")
    assert append_step_summary([LEAK], name="checkout", environ={"GITHUB_STEP_SUMMARY": str(file)}) == file
    text = file.read_text()
    assert text.startswith("earlier\n## leakdrill: checkout")
    assert "memory grows by 64.5 B a request" in text


def test_outside_of_github_nothing_is_written():
    """An unset or empty variable means that nobody reads it."""
    assert append_step_summary([LEAK], name="x", environ={}) is None
    assert append_step_summary([LEAK], name="x", environ={"GITHUB_STEP_SUMMARY": ""}) is None


def test_a_summary_that_is_too_large_keeps_what_failed(tmp_path):
    """GitHub shows nothing of more than a mebibyte, so the passes are left out first, and then all of it."""
    file = tmp_path / "summary.md"
    environ = {"GITHUB_STEP_SUMMARY": str(file)}
    large = Verdict(check="large", outcome=Outcome.PASS, message="y" * 2**20)
    append_step_summary([large, LEAK], name="x", environ=environ)
    assert "64.5 B" in file.read_text()
    append_step_summary([large], name="x", environ=environ)
    assert file.stat().st_size < 2**20
    assert "leakdrill report" in file.read_text()


def test_a_summary_that_cannot_be_written_is_said(tmp_path):
    """The message names the variable and its file."""
    with pytest.raises(EnvironmentProblem, match=r"GITHUB_STEP_SUMMARY=.*gone"):
        append_step_summary([LEAK], name="x", environ={"GITHUB_STEP_SUMMARY": str(tmp_path / "gone" / "file")})


@pytest.mark.parametrize(
    ("memory", "other", "line"),
    [
        (Outcome.PASS, Outcome.PASS, "CLEAN (exit 0)"),
        (Outcome.FAIL, Outcome.PASS, "LEAK (exit 1)"),
        (Outcome.FAIL, Outcome.UNKNOWN, "LEAK (exit 1)"),
        (Outcome.UNKNOWN, Outcome.PASS, "UNKNOWN (exit 2)"),
        (Outcome.PASS, Outcome.FAIL, "CLEAN of memory, but FAIL: target_keeps_running (exit 1)"),
    ],
)
def test_the_last_line_of_a_gate_is_its_word(memory, other, line):
    verdicts = [
        Verdict(check="memory_does_not_leak", outcome=memory, message="m"),
        Verdict(check="target_keeps_running", outcome=other, message="m"),
    ]
    assert leak_word(verdicts) == line
