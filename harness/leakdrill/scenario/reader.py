"""Reads a scenario from YAML, and says where a mistake is: `file:line: path: what was found; what is expected`."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Final, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from leakdrill.errors import BadInput
from leakdrill.files import exists, is_file
from leakdrill.scenario.scenario import Scenario
from leakdrill.scenario.twin import Twin
from leakdrill.units import quoted
from leakdrill.yaml_file import read_yaml

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pydantic_core import ErrorDetails

    from leakdrill.yaml_file import Document, Loc

T = TypeVar("T")
MOST_MISTAKES: Final = 20
"""How many mistakes of a file are named; a file that is no scenario has one on each line."""
_PYTHON_WORDS: Final = {
    "model_type": "expected a mapping of keys to values",
    "dataclass_type": "expected a mapping of keys to values",
    "dict_type": "expected a mapping of keys to values",
    "path_type": "expected a path",
}
"""What is said in place of pydantic's message where that names types of Python."""


def read_scenario(path: Path) -> Scenario:
    """Returns the scenario in `path`; relative paths in it become absolute, seen from its folder.

    A file with `twin_of` gives the original's scenario without its leaks.

    Raises:
        BadInput: for anything that cannot be used; each mistake of the file has a line, up to `MOST_MISTAKES`.
    """
    file = _load(path)
    data = file.data
    if isinstance(data, dict) and "twin_of" in data:
        twin = validated(lambda: Twin.model_validate(data), Twin, file)
        original = _original(twin, file)
        return validated(lambda: twin.of(original), Twin, file)
    return _absolute(validated(lambda: Scenario.model_validate(data), Scenario, file), file)


def scenario_document(path: Path) -> Document:
    """Returns the file at `path` that says what a drill does, with its lines: of a twin, the file of its original.

    Raises:
        BadInput: when it cannot be read.
    """
    file = _load(path)
    if isinstance(file.data, dict) and "twin_of" in file.data:
        return _load(path.parent / str(file.data["twin_of"]))
    return file


def validated(make: Callable[[], T], model: type[BaseModel], file: Document) -> T:
    """Returns what `make` makes of `file`, which is to hold a `model`.

    Raises:
        BadInput: for each mistake, with its line; up to `MOST_MISTAKES`.
    """
    try:
        return make()
    except ValidationError as e:
        errors = e.errors()
        lines = [_explain(file, model, error) for error in errors[:MOST_MISTAKES]]
        more = len(errors) - len(lines)
        raise BadInput("\n".join([*lines, f"{file.path}: and {more:,} more mistakes"] if more else lines)) from e


def _original(twin: Twin, file: Document) -> Scenario:
    """Returns the drill that `twin` is the twin of; its own mistakes are named in its own file."""
    folder, path = file.path.resolve().parent, file.path.parent / twin.twin_of
    if not is_file(path) or path.resolve().parent != folder:
        raise file.wrong(("twin_of",), f"found {quoted(twin.twin_of)}; expected a scenario file in {folder}")
    data = _load(path).data
    if isinstance(data, dict) and "twin_of" in data:
        raise file.wrong(("twin_of",), f"{twin.twin_of} is a twin itself; expected the original")
    return read_scenario(path)


def interpreter(path: Path) -> Path:
    """Returns the interpreter that `path` means: itself, or the one of the virtual environment that it is."""
    inside = path / "bin" / "python"
    return inside if exists(inside) else path


def _load(path: Path) -> Document:
    hint = "`leakdrill scenarios` lists the catalogue"
    return read_yaml(path, expected="a scenario", scalars="yaml 1.2", hint=hint)


def _explain(file: Document, model: type[BaseModel], error: ErrorDetails) -> str:
    loc = error["loc"]
    place = file.place(loc)
    if error["type"] == "extra_forbidden":
        return f"{place}: is not a key here{_suggestion(model, loc)}"
    if error["type"] == "missing":
        return f"{place}: is missing"
    message = (
        _PYTHON_WORDS.get(error["type"])
        or error["msg"].removeprefix("Value error, ").replace("Input should be", "expected").partition(", unable")[0]
    )
    value = error["input"]
    if isinstance(value, dict | list) or quoted(value) in message or not loc:
        return f"{place}: {message}"
    return f"{place}: found {quoted(value)}; {message[:1].lower()}{message[1:]}"


def _suggestion(model: type[BaseModel], loc: Loc) -> str:
    known = _fields_at(model, loc[:-1])
    close = difflib.get_close_matches(str(loc[-1]), known, n=1)
    if close:
        return f'; did you mean "{close[0]}"?'
    return f"; expected one of {', '.join(sorted(known))}" if known else ""


def _fields_at(model: type[BaseModel], loc: Loc) -> list[str]:
    for part in loc:
        if isinstance(part, int):
            continue
        field = model.model_fields.get(part)
        inner = _model_in(field.annotation) if field else None
        if inner is None:
            return []
        model = inner
    return list(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for part in get_args(annotation) if (model := _model_in(part))), None)


def _absolute(scenario: Scenario, file: Document) -> Scenario:
    folder = file.path.resolve().parent

    def known(relative: Path, *loc: int | str) -> Path:
        absolute = folder / relative
        if not exists(absolute) and not (loc[:2] == ("alerts", "rules") and set(str(relative)) & set("*?[")):
            raise file.wrong(loc, f"there is no {relative}; expected a path relative to {folder}")
        # A virtual environment's interpreter is a link: followed, it would be another interpreter.
        return absolute.absolute()

    alerts, load, target = scenario.alerts, scenario.load, scenario.target
    rules = [known(rule, "alerts", "rules", i) for i, rule in enumerate(alerts.rules)]
    routing = known(alerts.routing, "alerts", "routing") if alerts.routing else None
    cwd = known(target.cwd, "target", "cwd") if target.cwd else None
    python = interpreter(known(target.python, "target", "python")) if target.python else None
    pid_file = known(target.pid_file, "target", "pid_file") if target.pid_file else None
    compose = target.compose
    if compose is not None:
        compose = compose.model_copy(update={"file": known(compose.file, "target", "compose", "file")})
    loaded = {"locustfile": known(load.locustfile, "load", "locustfile")}
    if load.python:
        loaded["python"] = interpreter(known(load.python, "load", "python"))
    if load.cwd:
        loaded["cwd"] = known(load.cwd, "load", "cwd")
    return scenario.model_copy(
        update={
            "alerts": alerts.model_copy(update={"rules": rules, "routing": routing}),
            "load": load.model_copy(update=loaded),
            "target": target.model_copy(
                update={"cwd": cwd, "python": python, "compose": compose, "pid_file": pid_file}
            ),
        }
    )
