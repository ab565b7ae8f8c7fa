"""A whole rehearsal of a short runbook as a process, as a user starts it, and what its commands said."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from drills import COMMAND
from leakdrill.record.history import read_history
from leakdrill.record.run_events import StepAct

if TYPE_CHECKING:
    from collections.abc import Sequence

BINDINGS = """
alert: HighMemoryUsage{severity=warning}
target: [inference-gateway]
placeholders: {pid: "@{pid}"}
hosts: {"localhost:8000": "@{url}"}
steps:
  - {text: CHANGE, seen: {nothing: true, within: 500ms}, stays: the target ends with the drill}
"""
MEMORY = "cat /proc/<pid>/status | grep VmRSS"
CMDLINE = "cat /proc/<pid>/cmdline"
CHANGE = "sh -c 'echo cleared > /tmp/note'"
NOTE = "cat /tmp/note"
CURE = "curl -sS -X POST http://localhost:8000/admin/clear-cache"
HEALTH = "curl -sS http://localhost:8000/health"


class Rehearsal:
    """What became of one rehearsal of the gateway that leaks."""

    def __init__(self, exit_code: int, result: dict[str, Any]) -> None:
        (self.facts,) = result["rehearsals"]
        self.exit_code = exit_code
        self._folder = Path(self.facts["record"])

    def outcomes(self, check: str) -> dict[str, str]:
        """What is said of each command by a claim: PASS, or the sentence."""
        of = [one for one in self.facts["verdicts"] if one["check"] == check]
        return {one["subject"]: "PASS" if one["outcome"] == "PASS" else one["message"] for one in of}

    def left_out(self) -> dict[str, str]:
        """The commands that were not carried out, each with the reason."""
        return {step["text"]: step["note"] for step in self.facts["steps"] if not step["outcome"]}

    def said(self, text: str) -> str:
        """What the command `text` of the runbook has printed."""
        (line,) = [step["line"] for step in self.facts["steps"] if step["text"] == text]
        acts = read_history(self._folder / "history.jsonl").acts(StepAct)
        (act,) = [act for act in acts if act.begin.step.startswith(f"line {line}: ")]
        assert act.end is not None, act
        return act.end.more["said"]


class InsideTheTarget:
    """The tests of a platform: what enters the target, what does not, and what is not the target's.

    A platform's file says how an operator enters the target there, and has the fixture `rehearsal` carry out `lines`.
    """

    enter: ClassVar[tuple[str, ...]]
    """What an operator writes before a command that is to run in the target, each way; the first is used throughout."""
    elsewhere: ClassVar[str]
    """A command that runs in something that is not the target."""
    outside: ClassVar[str]
    """A command that looks at the target from outside; its first word is the program."""
    shows: ClassVar[str]
    """What that prints of the target."""

    @classmethod
    def lines(cls) -> list[str]:
        """The commands of the runbook; from outside only where the platform's client is on this machine."""
        first = cls.enter[0]
        inside = [f"{first} {MEMORY}", *(f"{way} {CMDLINE}" for way in cls.enter), CMDLINE, cls.elsewhere]
        change = [f"{first} {CHANGE}", CURE, f"{first} {NOTE}", HEALTH]
        return [*inside, *change, *([cls.outside] if cls.has_client() else [])]

    @classmethod
    def has_client(cls) -> bool:
        """Whether the platform's client is on this machine."""
        return shutil.which(cls.outside.split()[0]) is not None

    def test_the_runbook_relieves_and_every_look_answers(self, rehearsal: Rehearsal) -> None:
        assert set(rehearsal.outcomes("look_answers").values()) == {"PASS"}
        assert set(rehearsal.outcomes("runbook_relieves").values()) == {"PASS"}
        assert rehearsal.exit_code in (0, 2)  # a busy machine may leave a claim of the drill itself UNKNOWN

    def test_what_enters_and_what_does_not_see_the_same_process(self, rehearsal: Rehearsal) -> None:
        for text in [*(f"{way} {CMDLINE}" for way in self.enter), CMDLINE]:
            assert "leaky_apps.gateway" in rehearsal.said(text), text

    def test_a_change_inside_is_seen_inside(self, rehearsal: Rehearsal) -> None:
        assert rehearsal.said(f"{self.enter[0]} {NOTE}") == "cleared"
        assert "kB" in rehearsal.said(f"{self.enter[0]} {MEMORY}")

    def test_what_is_not_the_target_is_never_entered(self, rehearsal: Rehearsal) -> None:
        assert "not the drill's target" in rehearsal.left_out()[self.elsewhere]

    def test_a_look_from_outside_sees_what_is_the_drills_own(self, rehearsal: Rehearsal) -> None:
        if not self.has_client():
            pytest.skip(f"no {self.outside.split()[0]} on this machine")
        assert self.shows in rehearsal.said(self.outside)

    @classmethod
    def rehearsed(cls, folder: Path, on: str) -> Rehearsal:
        """The rehearsal of `lines` on a platform."""
        return rehearsed(folder, cls.lines(), f"{cls.enter[0]} {CHANGE}", on)


def rehearsed(folder: Path, lines: Sequence[str], change: str, on: str) -> Rehearsal:
    """The rehearsal of a runbook with `lines` in one fence; `change` is the one of them that is to free nothing."""
    runbook = folder / "memory.md"
    block = "\n".join(["```bash", *lines, "```"])
    runbook.write_text(f"# The gateway's memory\n\nFor the alert `HighMemoryUsage`.\n\n{block}\n")
    bindings = BINDINGS.replace("CHANGE", json.dumps(change))
    runbook.with_suffix(".bind.yaml").write_text(bindings)
    words = ["runbook", "rehearse", str(runbook), "--scenario", "gateway/unbounded-cache", "--on", on]
    done = subprocess.run(
        [*COMMAND, *words, "--runs", str(folder / "runs"), "--json"],
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.stdout, done.stderr
    return Rehearsal(done.returncode, json.loads(done.stdout))
