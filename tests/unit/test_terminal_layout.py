"""The verdicts on a terminal: what failed comes first, and what passed is one line and its numbers."""

from __future__ import annotations

import io

import pytest
from histories import drill, plan

from leakdrill.judging.drill import judge
from leakdrill.judging.key_numbers import key_numbers
from leakdrill.record.verdict import Outcome, Verdict
from leakdrill.reports.console import SafeConsole
from leakdrill.reports.terminal import print_verdicts

FIRED = Verdict(
    check="alert_fires_in_time",
    subject="HighMemory",
    outcome=Outcome.PASS,
    message="HighMemory fired after 27 s; budget 38 s",
    numbers={"fired_after_s": 26.9, "budget_s": 38.0, "floor_s": 1.0},
)
SPARE = Verdict(
    check="alert_fires_before_oom_kill",
    subject="HighMemory",
    outcome=Outcome.PASS,
    message="5.4 s to spare",
    numbers={"spare_s": 5.4},
)
SERVED = Verdict(check="requests_keep_error_rate", outcome=Outcome.PASS, message="0 of 9 requests failed")
FAILED = Verdict(
    check="step_works",
    subject="clear the cache",
    outcome=Outcome.FAIL,
    message="clear the cache took 73 ms; memory was at 145 MiB before and at 144 MiB after it, which is no change",
    hint="restart the service",
)
UNSURE = Verdict(check="load_is_as_asked", outcome=Outcome.UNKNOWN, message="no load was recorded")


def printed(verdicts: list[Verdict], width: int = 80, *, verbose: bool = False) -> list[str]:
    console = SafeConsole(file=io.StringIO(), width=width, color_system=None)
    print_verdicts(verdicts, console, verbose=verbose)
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]


def test_what_failed_is_first_and_passes_are_one_line_with_the_numbers_below() -> None:
    assert printed([FIRED, SPARE, SERVED, UNSURE, FAILED]) == [
        "FAIL     step_works: clear the cache",
        "         clear the cache took 73 ms; memory was at 145 MiB before and at 144 MiB",
        "         after it, which is no change",
        "         Hint: restart the service",
        "UNKNOWN  load_is_as_asked",
        "         no load was recorded",
        "PASS     3 claims hold (--verbose shows each)",
        "         HighMemory fired after 27 s (budget 38 s)",
        "         5.4 s to spare before the OOM kill",
        "FAIL: 1 of 5 claims do not hold, and 1 could not be shown (exit 1)",
    ]


def test_verbose_shows_each_pass_in_full_after_what_failed() -> None:
    lines = printed([FIRED, SPARE, SERVED, FAILED], verbose=True)
    heads = [line for line in lines if line.startswith(("PASS  ", "FAIL  "))]
    assert heads == [
        "FAIL     step_works: clear the cache",
        "PASS     alert_fires_in_time: HighMemory",
        "PASS     alert_fires_before_oom_kill: HighMemory",
        "PASS     requests_keep_error_rate",
    ]
    assert "         0 of 9 requests failed" in lines


def test_two_passes_are_not_folded() -> None:
    assert "         5.4 s to spare" in printed([FIRED, SPARE])


def test_one_sentence_about_many_claims_is_printed_once_and_each_claim_in_verbose() -> None:
    message = "history.jsonl:5: does not follow from the line before it"
    same = [Verdict(check=f"claim_{n}", outcome=Outcome.UNKNOWN, message=message) for n in range(9)]
    assert printed(same) == [
        "UNKNOWN  claim_0",
        "         claim_1",
        "         claim_2",
        "         and 6 more, for the same reason (--verbose shows each)",
        f"         {message}",
        "UNKNOWN: 9 of 9 claims could not be shown; none was refuted (exit 2)",
    ]
    assert len([line for line in printed(same, verbose=True) if line.startswith("UNKNOWN  ")]) == 9


def test_no_line_ends_in_blanks_and_a_narrow_terminal_loses_no_column() -> None:
    for width in (20, 59, 60, 80, 10_000):
        lines = printed([FAILED, UNSURE, FIRED, SPARE, SERVED], width)
        assert not [line for line in lines if line != line.rstrip()], width
        assert max(map(len, lines)) <= width
    assert printed([UNSURE], 30)[:2] == ["UNKNOWN load_is_as_asked", "no load was recorded"]


def test_the_numbers_of_a_drill_come_from_its_verdicts_and_none_is_made_up() -> None:
    scenario = plan()
    found = {one.name: one for one in key_numbers(judge(drill().history(), scenario, {}))}
    assert found["time_to_detect"].value == pytest.approx(20.0, abs=1)
    assert found["time_to_detect"].limit is not None
    assert found["above_baseline"].unit == "bytes"
    silent = Verdict(check="alert_fires_in_time", outcome=Outcome.FAIL, message="it did not fire")
    odd = Verdict(check="memory_is_measured", outcome=Outcome.PASS, message="m", numbers={"peak_bytes": float("nan")})
    assert key_numbers([silent, odd, SERVED]) == []


def test_an_alert_after_the_damage_is_said_to_be_too_late() -> None:
    late = Verdict(check=SPARE.check, outcome=Outcome.FAIL, message="m", numbers={"spare_s": -3.0})
    assert key_numbers([late])[0].text == "3 s too late: after the OOM kill"
