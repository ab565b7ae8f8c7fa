"""A whole rehearsal of a short runbook as a process, as a user starts it, and what its commands said."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
  - {text: CHANGE, seen: {nothing: true}, stays: the target ends with the drill}
"""


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
