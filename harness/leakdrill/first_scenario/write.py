"""Fills the templates beside this file; never overwrites what is there."""

from __future__ import annotations

import json
import re
import shlex
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from leakdrill.errors import BadInput
from leakdrill.files import exists, make_parents, write_named
from leakdrill.scenario.reader import read_scenario

if TYPE_CHECKING:
    from pathlib import Path

FILES: Final = ("scenario.yaml", "rules.yaml", "locustfile.py")


def write_first_scenario(folder: Path, *, command: str, health: str) -> list[Path]:
    """Write scenario, rules and locustfile into `folder` for the service that `command` starts.

    Args:
        folder: made when it is missing; its name becomes the drill's.
        command: as typed in a shell; `{port}` stands where the service expects its port.
        health: a path that answers 2xx when the service is ready; the load asks for it too.

    Raises:
        BadInput: when a file is there already, or the command is no command.
    """
    values = {"__NAME__": _slug(folder), "__COMMAND__": _argv(command), "__HEALTH__": health}
    paths = [folder / name for name in FILES]
    there = [str(path) for path in paths if exists(path)]
    if there:
        raise BadInput(f"{', '.join(there)}: exists already; expected a new folder", hint="name another folder")
    try:
        for path in paths:
            make_parents(path)
            write_named(path, _filled(path.name, values))
    except OSError as e:
        raise BadInput(f"{folder}: cannot be written: {e.strerror}") from e
    read_scenario(folder / "scenario.yaml")
    return paths


def _filled(name: str, values: dict[str, str]) -> str:
    text = (files("leakdrill.first_scenario") / f"{name}.template").read_text(encoding="utf-8")
    for placeholder, value in values.items():
        text = text.replace(placeholder, value)
    return text


def _slug(folder: Path) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-")
    if not slug:
        raise BadInput(f"{folder}: its name has no letter or digit, and becomes the drill's name; expected one")
    return slug


def _argv(command: str) -> str:
    try:
        words = shlex.split(command)
    except ValueError as e:
        raise BadInput(f'--command: "{command}" cannot be split into words: {e}') from e
    if not words:
        raise BadInput('--command: is empty; expected what starts the service, such as "python app.py --port {port}"')
    return json.dumps(words)
