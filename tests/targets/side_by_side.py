"""The same scenario files on several kinds of target at once, and where their verdicts differ."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

from drills import COMMAND

if TYPE_CHECKING:
    from pathlib import Path

Verdicts = dict[str, str]
"""What is said of each claim, under `scenario: check subject`: its outcome, and unless that is PASS, why."""


def play(names: list[str], targets: list[str], folder: Path) -> dict[str, Verdicts]:
    """The verdicts of `names` on each of `targets`: one drill after the other on each, all targets at once."""
    started = {target: _start(names, target, folder / target) for target in targets}
    for process in started.values():
        process.wait()
    return {target: _verdicts(folder / target) for target in targets}


def _start(names: list[str], target: str, runs: Path) -> subprocess.Popen[bytes]:
    words = ["run", *names, "--on", target, "--runs", str(runs), *(["--jobs", "1"] if len(names) > 1 else [])]
    return subprocess.Popen([*COMMAND, *words])


def _verdicts(runs: Path) -> Verdicts:
    found = {}
    for file in runs.glob("*/2*/verdicts.json"):
        name = json.loads((file.parent / "run.json").read_text())["scenario"]["name"]
        for verdict in json.loads(file.read_text())["verdicts"]:
            why = "" if verdict["outcome"] == "PASS" else f" ({verdict['message']})"
            found[f"{name}: {verdict['check']} {verdict['subject']}".rstrip()] = verdict["outcome"] + why
    return found


def differences(found: dict[str, Verdicts]) -> list[str]:
    """One sentence for each claim that is not judged alike everywhere, with what each side says of it."""
    claims = sorted({claim for verdicts in found.values() for claim in verdicts})
    said = {
        claim: {target: verdicts.get(claim, "not judged") for target, verdicts in found.items()} for claim in claims
    }
    return [
        f"{claim}: {', '.join(f'{outcome} on {target}' for target, outcome in sides.items())}"
        for claim, sides in said.items()
        if len({outcome.split(" (")[0] for outcome in sides.values()}) > 1
    ]
