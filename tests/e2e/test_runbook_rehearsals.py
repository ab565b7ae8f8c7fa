"""Whole rehearsals of runbooks: options side by side, control runs, and looks of every kind, on a process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.thorough, pytest.mark.timeout(600)]

RUNBOOKS = Path(__file__).parent / "runbooks"
CLEAR = "/admin/clear-cache"
CLEAR_OTHER = "/admin/clear-model-ca"


def rehearsed(name, runs, *more):
    """The exit code and the JSON of the rehearsal of a runbook on the gateway that leaks."""
    command = ["runbook", "rehearse", str(RUNBOOKS / f"{name}.md"), "--scenario", "gateway/unbounded-cache"]
    done = subprocess.run(
        [sys.executable, "-m", "leakdrill", *command, "--runs", str(runs), "--json", *more],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)["rehearsals"]


def of(rehearsal, check):
    return [verdict for verdict in rehearsal["verdicts"] if verdict["check"] == check]


def test_each_option_is_rehearsed_and_the_table_says_which_relieves(tmp_path):
    code, (cache, other) = rehearsed("options", tmp_path)
    assert [one["option"].partition(":")[0] for one in (cache, other)] == ["Option A", "Option B"]
    assert (cache["outcome"], other["outcome"]) == ("PASS", "FAIL"), (cache["note"], other["note"])
    assert cache["relieved_after_s"] < 10
    assert cache["failed_requests"] == 0
    assert CLEAR_OTHER in other["note"]
    assert code == 1


def test_one_option_alone_is_rehearsed_where_it_is_asked_for(tmp_path):
    code, (cache,) = rehearsed("options", tmp_path, "--option", "option a")
    assert cache["outcome"] == "PASS", cache["note"]
    assert code in (0, 2)  # a busy machine may leave a claim of the drill itself UNKNOWN


def test_control_runs_tell_the_change_that_is_needed_from_the_one_that_helps_by_luck(tmp_path):
    """The first change does nothing; the alert clears by the second, and would have without the first."""
    _, (rehearsal,) = rehearsed("luck", tmp_path, "--control")
    assert rehearsal["outcome"] == "PASS", rehearsal["note"]
    needed = {verdict["subject"]: verdict for verdict in of(rehearsal, "change_is_needed")}
    assert len(needed) == 2
    (luck,) = [verdict for name, verdict in needed.items() if CLEAR_OTHER in name]
    (cure,) = [verdict for name, verdict in needed.items() if CLEAR in name]
    assert (luck["outcome"], "luck" in luck["message"]) == ("FAIL", True), luck
    assert (cure["outcome"], cure["message"]) == ("PASS", "without it the runbook does not relieve"), cure


def test_looks_of_every_kind_answer(tmp_path):
    """Queries of Prometheus over time, figures before and after a request, files, processes."""
    _, (rehearsal,) = rehearsed("looks", tmp_path)
    looks = of(rehearsal, "look_answers")
    assert len(looks) == 13
    assert [look for look in looks if look["outcome"] != "PASS"] == []
    (said,) = [step["note"] for step in rehearsal["steps"] if step["text"].startswith("echo")]
    assert said.startswith("answered")
