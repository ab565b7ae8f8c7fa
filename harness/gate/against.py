"""The other build of a comparison: another scenario, another virtual environment, or another command."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import BadInput
from harness.scenario_file import interpreter, read_scenario

if TYPE_CHECKING:
    from harness.scenario import Scenario

_YAML = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Against:
    """What the candidate is compared with; measured by the candidate's schedule and load."""

    scenario: Scenario
    scenario_dir: Path


def read_against(text: str, scenario: Scenario, scenario_dir: Path) -> Against:
    """What `text` means: a scenario file, a virtual environment or interpreter, or a command as typed in a shell.

    Raises:
        BadInput: when it is none of these.
    """
    path = Path(text)
    if path.suffix in _YAML:
        other = read_scenario(path)
        return Against(other.model_copy(update={"gate": scenario.gate, "load": scenario.load}), path.resolve().parent)
    if path.exists():
        python = interpreter(path.absolute())
        if python.is_dir():
            raise BadInput(f"--against {text}: is a folder without bin/python; expected a virtual environment")
        return Against(_with(scenario, python=python), scenario_dir)
    return Against(_with(scenario, command=_words(text)), scenario_dir)


def _with(scenario: Scenario, **changes: object) -> Scenario:
    return scenario.model_copy(update={"target": scenario.target.model_copy(update=changes)})


def _words(text: str) -> list[str]:
    try:
        words = shlex.split(text)
    except ValueError as e:
        raise BadInput(f"--against: {text!r} cannot be split into words: {e}") from e
    if len(words) < 2:  # noqa: PLR2004 - a service needs a program and its port
        raise BadInput(
            f"--against {text}: is neither a file, a virtual environment nor a command with {{port}}",
            hint="name a scenario file, a folder with bin/python, or quote a whole command",
        )
    return words
