"""The one line that a container leaves behind: what Kubernetes shows beside its exit code."""

from __future__ import annotations

import os

import pytest

from leakdrill.errors import EnvironmentProblem
from leakdrill.record.verdict import Outcome, Verdict
from leakdrill.reports.step_summary import append_step_summary
from leakdrill.reports.termination_message import leave_termination_message, one_line


def verdict(outcome, check="alert_fires_in_time", message="it fired"):
    return Verdict(check=check, subject="HighMemoryUsage", outcome=outcome, message=message)


def test_a_drill_that_passed_says_how_many_claims_hold():
    assert one_line([verdict(Outcome.PASS)] * 3, name="shop/cache") == "PASS shop/cache: 3 claims hold"


def test_the_worst_verdict_is_named_with_its_sentence_and_the_others_are_counted():
    found = [
        verdict(Outcome.UNKNOWN, "measurements_are_complete"),
        verdict(Outcome.FAIL, message="it did not\nfire"),
        verdict(Outcome.FAIL, "memory_returns_to_baseline"),
    ]
    assert one_line(found, name="x") == "FAIL x: alert_fires_in_time HighMemoryUsage: it did not fire (and 1 more)"


def test_a_drill_that_checked_nothing_is_unknown():
    assert one_line([], name="x").startswith("UNKNOWN x: 0 claims")


def test_a_long_sentence_is_cut_so_that_the_other_drills_have_room():
    line = one_line([verdict(Outcome.FAIL, message="y" * 9000)] * 2, name="x")
    assert len(line) < 600
    assert line.endswith("… (and 1 more)")


def test_each_drill_of_a_container_adds_its_line(tmp_path):
    environ = {"LEAKDRILL_TERMINATION_MESSAGE": str(tmp_path / "log")}
    for name in "ab":
        assert leave_termination_message([verdict(Outcome.PASS)], name=name, environ=environ) == tmp_path / "log"
    assert (tmp_path / "log").read_text() == "PASS a: 1 claim holds\nPASS b: 1 claim holds\n"


def test_without_the_variable_nothing_is_written():
    assert leave_termination_message([], name="x", environ={}) is None


def test_a_message_that_cannot_be_written_is_said(tmp_path):
    environ = {"LEAKDRILL_TERMINATION_MESSAGE": str(tmp_path / "gone" / "log")}
    with pytest.raises(EnvironmentProblem, match=r"LEAKDRILL_TERMINATION_MESSAGE=.*gone"):
        leave_termination_message([], name="x", environ=environ)


@pytest.mark.timeout(5)
def test_a_pipe_that_nobody_reads_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(EnvironmentProblem, match=r"LEAKDRILL_TERMINATION_MESSAGE=.*a pipe that nobody reads"):
        leave_termination_message([], name="x", environ={"LEAKDRILL_TERMINATION_MESSAGE": str(tmp_path / "pipe")})
    with pytest.raises(EnvironmentProblem, match=r"GITHUB_STEP_SUMMARY=.*a pipe that nobody reads"):
        append_step_summary([], name="x", environ={"GITHUB_STEP_SUMMARY": str(tmp_path / "pipe")})
    with pytest.raises(EnvironmentProblem, match=r"GITHUB_STEP_SUMMARY=.*No space left"):
        append_step_summary([], name="x", environ={"GITHUB_STEP_SUMMARY": "/dev/full"})
