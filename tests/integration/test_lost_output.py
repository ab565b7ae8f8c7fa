"""An output that goes away changes no verdict, ends no work and shows no traceback, for every command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any, Final

import pytest

from leakdrill.cli.commands import SUMMARIES

pytestmark = pytest.mark.integration

RULES: Final = str(Path(__file__).parents[2] / "scenarios" / "rules" / "python-memory.yaml")
TRACES: Final = sorted((Path(__file__).parents[1] / "recorded" / "memory_traces").rglob("*.csv"))
KINDS: Final = ("file", "full", "closed", "gone", "hung up", "ascii")
TOGETHER: Final = [(kind, kind) for kind in KINDS]
PAIRS: Final = [*TOGETHER, *product(KINDS[1:], ["file"]), *product(["file"], KINDS[1:])]
WORKS: Final = {
    "run": ["run", "no-such-scenario"],
    "gate": ["gate", "no-such-scenario"],
    "calibrate": ["calibrate", "no-such-scenario"],
    "matrix": ["matrix", "no-such-service"],
    "analyze": ["analyze", "{run}"],
    "analyze --json": ["analyze", "{run}", "--json"],
    "report": ["report", "{run}"],
    "compare": ["compare", "{run}", "{run}"],
    "runs": ["runs", "{run}"],
    "serve": ["serve", "no-such-folder"],
    "comment": ["comment", "{run}"],
    "export": ["export", "{run}"],
    "verify": ["verify", "{run}"],
    "scenarios": ["scenarios"],
    "scenarios --json": ["scenarios", "--json"],
    "scenarios --covers": ["scenarios", "--covers"],
    "schema": ["schema", "history"],
    "check": ["check", "gateway/unbounded-cache"],
    "doctor": ["doctor"],
    "clean": ["clean", "--runs", "{runs}"],
    "init": ["init", "{new}", "--command", "true {port}", "--no-try"],
    "trace": ["trace", str(TRACES[0])],
    "trace --json": ["trace", str(TRACES[0]), "--json"],
    "envelope": ["envelope", RULES, "--only", "steady", "--speeds", "2", "--slowest", "10m"],
    "backtest": ["backtest", RULES, str(TRACES[0]), "--limit", "512MiB"],
    "mutate": ["mutate", RULES, "no-such-run"],
    "watch passes": ["watch", "--runs", "{runs}", "--limit", "1GiB", "--", "sleep", "0.3"],
    "watch fails": ["watch", "--runs", "{runs}", "--", "false"],
    "watch --json": ["watch", "--runs", "{runs}", "--json", "--", "false"],
    "runbook": ["runbook", "lint", "runbooks/first"],
    "runbook --json": ["runbook", "lint", "runbooks/first", "--json"],
    "docs": ["docs", "gate"],
    "completion": ["completion", "bash"],
    "version": ["version"],
    "help": ["--help"],
    "help of a command": ["run", "--help"],
    "wrong option": ["run", "--nonsense"],
    "a name of bytes": ["run", os.fsdecode(b"caf\xe9\xff.yaml")],
}
PRINTS: Final = {
    "scenarios", "scenarios --json", "scenarios --covers", "schema", "check", "doctor", "docs", "completion", "version",
    "runbook", "runbook --json", "runs", "help", "help of a command",
}  # fmt: skip
"""Those whose whole work is what they print."""
QUICK: Final = {"report", "schema", "runbook", "wrong option", "a name of bytes"}
SLOW: Final = {
    "scenarios --covers": 2,
    "doctor": 6,
    "envelope": 2,
    "backtest": 1,
    "mutate": 1,
    "watch passes": 6,
    "watch fails": 6,
    "watch --json": 6,
}
"""How many of the pairs are tried with what takes a second and more."""


def command_lines(names: set[str], folder: Path) -> dict[str, Any]:
    """Returns the cases of `names`, each with every pair of outputs."""
    cases = {}
    tried = [(name, *pair) for name in sorted(names) for pair in PAIRS[: SLOW.get(name)]]
    for index, (name, stdout, stderr) in enumerate(tried):
        places = {"run": folder / "stored", "runs": folder / "runs", "new": folder / f"new-{index}"}
        argv = [word.format(**places) if word.startswith("{") else word for word in WORKS[name]]
        cases[f"{name}: {stdout}, {stderr}"] = {"argv": argv, "stdout": stdout, "stderr": stderr}
    return cases


def run_all(cases: dict[str, Any]) -> dict[str, Any]:
    script = Path(__file__).with_name("lost_output.py")
    done = subprocess.run(
        [sys.executable, str(script)], input=json.dumps(cases).encode(), capture_output=True, check=True
    )
    return json.loads(done.stdout)


def stored_run(folder: Path) -> None:
    """Puts the record of a command that failed into `folder`, so that the code of its verdict is 1."""
    argv = ["watch", "--runs", str(folder / "first"), "--", "false"]
    result = run_all({"first": {"argv": argv, "stdout": "file", "stderr": "file"}})["first"]
    assert result["code"] == 1, result["err"]
    (latest,) = (folder / "first").glob("*/latest")
    (folder / "stored").symlink_to(latest)


def wrong_things(names: set[str], folder: Path) -> list[str]:
    """Returns a sentence for each case that ended as it must not."""
    stored_run(folder)
    results = run_all(command_lines(names, folder))
    wrong = []
    for case, result in results.items():
        name, _, kinds = case.partition(": ")
        stdout, stderr = kinds.split(", ")
        undisturbed = results[f"{name}: file, file"]["code"]
        expected = undisturbed
        if name in PRINTS and stdout in ("full", "closed", "hung up"):
            expected = undisturbed or 4
        if result["code"] != expected:
            wrong.append(f"{case}: exit code {result['code']}, not {expected}: {result['err'][-300:]}")
        if "Traceback" in result["err"] or "Exception ignored" in result["err"]:
            wrong.append(f"{case}: {result['err'][-300:]}")
        printed = results[f"{name}: file, file"]["out"]
        lost = printed and stdout in ("full", "closed", "hung up")
        if lost and stderr in ("file", "ascii") and "standard output: " not in result["err"]:
            wrong.append(f"{case}: nobody is told of the loss: {result['err']}")
    return wrong


def test_every_command_is_tried() -> None:
    assert {WORKS[name][0] for name in WORKS} >= set(SUMMARIES)


@pytest.mark.long
def test_the_quick_commands_end_with_their_own_code_whatever_becomes_of_their_output(tmp_path: Path) -> None:
    assert wrong_things(QUICK, tmp_path) == []


@pytest.mark.long
def test_every_command_ends_with_its_own_code_whatever_becomes_of_its_output(tmp_path: Path) -> None:
    assert wrong_things(set(WORKS) - QUICK, tmp_path) == []
    runs = [path for path in (tmp_path / "runs").glob("watch-*/2*") if not path.is_symlink()]
    assert len(runs) == 3 * len(TOGETHER)
    assert [run for run in runs if not (run / "verdicts.json").exists()] == []
