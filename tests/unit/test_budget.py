"""Where a drill's wall time went."""

import io

import pytest

from leakdrill.judging.time_budget import TimeBudget, time_budget
from leakdrill.record.history import Event, History
from leakdrill.reports.budget import print_budget
from leakdrill.reports.console import SafeConsole
from leakdrill.scenario.scenario import Scenario

SCENARIO = Scenario.model_validate(
    {
        "name": "shop/cart",
        "target": {"name": "cart", "command": ["x"]},
        "load": {"locustfile": "l.py"},
        "phases": {"baseline": "7s", "recover": "20s"},
        "alerts": {"expect": [{"alert": "High", "labels": {"severity": "warning"}, "fires_within": "30s"}]},
    }
)


def events(*rows):
    return History(
        [
            Event(index=i, t=t, phase="", source=source, kind=kind, name=name, value=value, labels=labels, at=at)
            for i, (t, source, kind, name, value, labels, at) in enumerate(rows)
        ]
    )


def phase(t, name, kind, act):
    return (t, "drill", kind, "phase", None, {"phase": name, "act": act}, None)


def alert(t, state, at, severity="warning"):
    return (t, "prometheus", "sample", "alert", state, {"alertname": "High", "severity": severity}, at)


HISTORY = events(
    (0.0, "target", "begin", "start", None, {"act": "1"}, None),
    (2.0, "target", "ok", "start", None, {"act": "1"}, None),
    phase(4.0, "baseline", "begin", "2"),
    phase(12.0, "baseline", "ok", "2"),
    phase(12.0, "load", "begin", "3"),
    alert(13.0, "firing", 12.5, severity="critical"),
    alert(27.0, "pending", 26.0),
    alert(32.0, "firing", 31.0),
    phase(33.0, "load", "ok", "3"),
    phase(33.0, "recover", "begin", "4"),
    phase(43.0, "recover", "ok", "4"),
    (45.0, "drill", "sample", "end", None, {}, None),
)


def test_what_had_to_be_waited_for_is_read_from_the_record():
    budget = time_budget(HISTORY, SCENARIO)
    assert budget.parts == {
        "service start-up": 2.0,
        "baseline": 7.0,
        "leak reaching the threshold": 14.0,
        "the rule's `for`": 5.0,
        "recover": 10.0,
    }
    assert budget.overhead == pytest.approx(45 / 38 - 1)


def test_a_drill_whose_alert_never_fired_needed_its_whole_load_phase():
    silent = events(phase(0.0, "load", "begin", "1"), phase(20.0, "load", "ok", "1"))
    assert time_budget(silent, SCENARIO).parts == {"load": 20.0}


def test_an_empty_record_needed_nothing_and_says_so():
    assert time_budget(History([]), SCENARIO).overhead == float("inf")


def test_the_time_of_the_whole_command_and_that_of_the_drill_are_both_told():
    console = SafeConsole(file=io.StringIO(), width=200)
    print_budget(TimeBudget({"recover": 20.0}, 50.0), console, wall_s=72.4)
    told = console.file.getvalue()
    assert told.startswith("time: 1 min 12 s with start, undo and judging; the drill itself 50 s; needed 20 s (recover")
