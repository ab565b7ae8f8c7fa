"""Reads a scenario from YAML, and says where a mistake is: `file:line: path: what was found; what is expected`."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from leakdrill.errors import BadInput
from leakdrill.scenario.scenario import Scenario
from leakdrill.scenario.twin import Twin
from leakdrill.units import quoted

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pydantic_core import ErrorDetails

T = TypeVar("T")


class PlainLoader(yaml.SafeLoader):
    """YAML as people mean it today (1.2): `on`, `off`, `yes` and `no` are words, `12:30` and `2026-01-01` are text."""


PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":bool", ":timestamp", ":int"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
PlainLoader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
PlainLoader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"(?:[-+]?[0-9]+|0x[0-9a-fA-F]+)$"), list("-+0123456789")
)

Loc = tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Lines:
    """Which line of the file each key and item stands on, from 1."""

    by_loc: dict[Loc, int]

    def of(self, loc: Loc) -> int:
        """The line of `loc`, or of the nearest part around it that the file has."""
        while loc and loc not in self.by_loc:
            loc = loc[:-1]
        return self.by_loc.get(loc, 1)


def read_scenario(path: Path) -> Scenario:
    """The scenario in `path`; relative paths in it become absolute, seen from its folder.

    A file with `twin_of` gives the original's scenario without its leaks.

    Raises:
        BadInput: for anything that cannot be used; every mistake of the file has a line of its own.
    """
    data, lines = _load(path)
    if isinstance(data, dict) and "twin_of" in data:
        twin = _validated(lambda: Twin.model_validate(data), Twin, path, lines)
        original = _original(twin, path, lines)
        return _validated(lambda: twin.of(original), Twin, path, lines)
    return _absolute(_validated(lambda: Scenario.model_validate(data), Scenario, path, lines), path, lines)


def _validated(make: Callable[[], T], model: type[BaseModel], path: Path, lines: Lines) -> T:
    try:
        return make()
    except ValidationError as e:
        raise BadInput("\n".join(_explain(path, lines, model, error) for error in e.errors())) from e


def _original(twin: Twin, path: Path, lines: Lines) -> Scenario:
    """The drill that `twin` is the twin of; its own mistakes are named in its own file."""
    file = path.parent / twin.twin_of
    place = f"{path}:{lines.of(('twin_of',))}: twin_of"
    if not file.is_file() or file.resolve().parent != path.resolve().parent:
        raise BadInput(f"{place}: found {quoted(twin.twin_of)}; expected a scenario file in {path.resolve().parent}")
    if "twin_of" in (_load(file)[0] or {}):
        raise BadInput(f"{place}: {twin.twin_of} is a twin itself; expected the original")
    return read_scenario(file)


def interpreter(path: Path) -> Path:
    """The interpreter that `path` means: itself, or the one of the virtual environment that it is."""
    inside = path / "bin" / "python"
    return inside if inside.exists() else path


def _load(path: Path) -> tuple[Any, Lines]:
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=PlainLoader)
        lines: dict[Loc, int] = {}
        if node is not None:
            _walk(node, (), lines, path)
        return PlainLoader(text).get_single_data(), Lines(lines)
    except OSError as e:
        raise BadInput(f"{path}: cannot be read: {e.strerror}", hint="`leakdrill scenarios` lists the catalogue") from e
    except UnicodeDecodeError as e:
        raise BadInput(f"{path}: is not UTF-8 text: {e.reason} at byte {e.start}") from e
    except yaml.MarkedYAMLError as e:
        line = e.problem_mark.line + 1 if e.problem_mark else 1
        raise BadInput(f"{path}:{line}: not YAML: {e.problem}; expected a scenario") from e
    except yaml.YAMLError as e:
        raise BadInput(f"{path}: not YAML: {e}") from e


def _walk(node: yaml.Node, loc: Loc, lines: dict[Loc, int], path: Path) -> None:
    lines.setdefault(loc, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*loc, str(key.value))
            if inner in lines:
                raise BadInput(
                    f"{path}:{key.start_mark.line + 1}: {_dotted(inner)}: given twice; first on line {lines[inner]}"
                )
            lines[inner] = key.start_mark.line + 1
            _walk(value, inner, lines, path)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _walk(item, (*loc, index), lines, path)


def _explain(path: Path, lines: Lines, model: type[BaseModel], error: ErrorDetails) -> str:
    loc = error["loc"]
    place = f"{path}:{lines.of(loc)}: {_dotted(loc) or 'the file'}"
    if error["type"] == "extra_forbidden":
        return f"{place}: is not a key here{_suggestion(model, loc)}"
    if error["type"] == "missing":
        return f"{place}: is missing"
    message = error["msg"].removeprefix("Value error, ").replace("Input should be", "expected").partition(", unable")[0]
    found = error["input"]
    if isinstance(found, dict | list) or quoted(found) in message or not loc:
        return f"{place}: {message}"
    return f"{place}: found {quoted(found)}; {message[:1].lower()}{message[1:]}"


def _dotted(loc: Loc) -> str:
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


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
    return next((found for a in get_args(annotation) if (found := _model_in(a))), None)


def _absolute(scenario: Scenario, path: Path, lines: Lines) -> Scenario:
    folder = path.resolve().parent

    def known(relative: Path, *loc: int | str) -> Path:
        absolute = folder / relative
        if not absolute.exists():
            raise BadInput(
                f"{path}:{lines.of(loc)}: {_dotted(loc)}: there is no {relative}; expected a path relative to {folder}"
            )
        # A virtual environment's interpreter is a link: followed, it would be another interpreter.
        return absolute.absolute()

    alerts, load, target = scenario.alerts, scenario.load, scenario.target
    rules = [known(rule, "alerts", "rules", i) for i, rule in enumerate(alerts.rules)]
    routing = known(alerts.routing, "alerts", "routing") if alerts.routing else None
    cwd = known(target.cwd, "target", "cwd") if target.cwd else None
    python = interpreter(known(target.python, "target", "python")) if target.python else None
    compose = target.compose
    if compose is not None:
        compose = compose.model_copy(update={"file": known(compose.file, "target", "compose", "file")})
    locustfile = known(load.locustfile, "load", "locustfile")
    return scenario.model_copy(
        update={
            "alerts": alerts.model_copy(update={"rules": rules, "routing": routing}),
            "load": load.model_copy(update={"locustfile": locustfile}),
            "target": target.model_copy(update={"cwd": cwd, "python": python, "compose": compose}),
        }
    )
