"""The judge: a check that breaks is UNKNOWN; nothing it imports touches the world; a stored record is judged alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from histories import drill, plan, twin, twin_plan

from leakdrill.judging.drill import judge
from leakdrill.judging.evidence.check import run_check
from leakdrill.judging.evidence.claim import Claim
from leakdrill.record.history import event_line, read_history

if TYPE_CHECKING:
    from pathlib import Path

    from leakdrill.record.verdict import Verdict


def test_a_check_that_breaks_is_unknown_and_names_the_exception() -> None:
    def broken() -> Verdict:
        raise ZeroDivisionError("division by zero")

    told = run_check(Claim("memory_returns_to_baseline", "x"), broken)
    assert (told.check, told.subject, told.outcome) == ("memory_returns_to_baseline", "x", "UNKNOWN")
    assert "ZeroDivisionError: division by zero" in told.message


def test_readings_of_an_unexpected_shape_never_raise_and_never_pass() -> None:
    record = drill().change("load", "requests", lambda _: {"requests": "many"})
    told = {v.check: v.outcome for v in judge(record.history(), plan())}
    assert told["requests_keep_error_rate"] == "UNKNOWN"


def test_a_stored_record_gets_the_same_verdicts(tmp_path: Path) -> None:
    for record, scenario in ((drill(), plan()), (twin(), twin_plan())):
        history = record.history()
        path = tmp_path / "history.jsonl"
        path.write_bytes(b"".join(event_line(event) for event in history))
        assert judge(read_history(path), scenario) == judge(history, scenario)


def test_no_check_is_skipped_when_its_leak_is_on_the_disk() -> None:
    scenario = plan(leaks=[{"name": "logs", "resource": "disk", "per_request": "4KiB"}])
    names = [v.check for v in judge(drill().history(), scenario)]
    assert {"alert_fires_before_disk_full", "disk_returns_to_baseline"} <= set(names)
    assert "alert_fires_before_oom_kill" not in names


def test_no_alert_has_to_come_before_kills_that_the_scenario_expects() -> None:
    """An alert on what the kills break can only come after them."""
    names = [v.check for v in judge(drill().history(), plan(expect={"oom_kills": 3}))]
    assert "alert_fires_in_time" in names
    assert "alert_fires_before_oom_kill" not in names
