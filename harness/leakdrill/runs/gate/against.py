"""The other build of a comparison: another scenario, virtual environment, command or image."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from leakdrill.errors import BadInput
from leakdrill.runs.placement import placed
from leakdrill.scenario.reader import interpreter, read_scenario

if TYPE_CHECKING:
    from leakdrill.scenario.scenario import Scenario
    from leakdrill.scenario.target import ContainerForm

_YAML = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Against:
    """The build that the candidate is compared with; measured by the candidate's schedule and load."""

    scenario: Scenario
    scenario_dir: Path


def read_against(text: str, scenario: Scenario, scenario_dir: Path) -> Against:
    """Read `text`: a scenario file, a virtual environment or interpreter, or a command as typed in a shell.

    In a container, whose interpreter is its image's: an image instead of a virtual environment.

    Raises:
        BadInput: when it is none of these.
    """
    path = Path(text)
    if path.suffix in _YAML:
        other = placed(read_scenario(path), scenario.target.kind)
        return Against(other.model_copy(update={"gate": scenario.gate, "load": scenario.load}), path.resolve().parent)
    if scenario.target.kind == "docker" and scenario.target.container is not None:
        return Against(_changed(scenario, container=_other_container(text, scenario.target.container)), scenario_dir)
    if path.exists():
        python = interpreter(path.absolute())
        if python.is_dir():
            raise BadInput(f"--against {text}: is a folder without bin/python; expected a virtual environment")
        return Against(_changed(scenario, python=python), scenario_dir)
    return Against(_changed(scenario, command=_words(text)), scenario_dir)


def _changed(scenario: Scenario, **changes: object) -> Scenario:
    return scenario.model_copy(update={"target": scenario.target.model_copy(update=changes)})


def _other_container(text: str, form: ContainerForm) -> ContainerForm:
    """One word is an image, which is not built; more are a command inside."""
    if form.existing is not None:
        raise BadInput(f"--against {text}: container {form.existing} is used as it is; expected a scenario file")
    words = _split(text)
    if len(words) > 1:
        return form.model_copy(update={"command": words})
    if Path(text).exists():
        raise BadInput(f"--against {text}: is a path; expected an image, a command inside the container, or a scenario")
    return form.model_copy(update={"image": text, "build": None})


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as e:
        raise BadInput(f"--against: {text!r} cannot be split into words: {e}") from e


def _words(text: str) -> list[str]:
    words = _split(text)
    if len(words) < 2:  # noqa: PLR2004 - a service needs a program and its port
        raise BadInput(
            f"--against {text}: is neither a file, a virtual environment nor a command with {{port}}",
            hint="name a scenario file, a folder with bin/python, or quote a whole command",
        )
    return words
