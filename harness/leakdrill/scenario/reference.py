"""The reference of the scenario file: every key with its type, default, unit and example, taken from the models."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, RootModel

from leakdrill.scenario.actions import Action
from leakdrill.scenario.quantities import Quantity
from leakdrill.scenario.scenario import Scenario
from leakdrill.scenario.steps import ACTIONS, Step
from leakdrill.scenario.twin import Twin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

_PLAIN: Final = {str: "text", int: "whole number", float: "number", bool: "true or false", Path: "path", Any: "any"}
_MAPPING: Final = "mapping"
REQUIRED: Final = "required"


@dataclass(frozen=True, slots=True)
class Key:
    """One key of the scenario file. `default` is `required` where there is none, and empty where it may be left out."""

    path: str
    type: str
    default: str
    unit: str
    example: str
    sentence: str


@dataclass(frozen=True, slots=True)
class StepReference:
    """One action of a step, and its keys."""

    name: str
    sentence: str
    undo: str
    keys: tuple[Key, ...]


def scenario_keys() -> Iterator[Key]:
    """Yields the keys of a scenario file in the order of the models; those of the actions are in `steps_reference`."""
    return _keys(Scenario, "")


def twin_keys() -> Iterator[Key]:
    """Yields the keys of a file with `twin_of`."""
    return _keys(Twin, "")


def steps_reference() -> Iterator[StepReference]:
    """Yields the actions in the order in which messages list them."""
    hints = get_type_hints(Step, include_extras=True)
    for name in ACTIONS:
        action = _model(hints[name])
        if action is None or not issubclass(action, Action):
            raise TypeError(name)
        yield StepReference(name, _summary(action), action.undo, tuple(_keys(action, f"{name}.")))


def _keys(model: type[BaseModel], prefix: str) -> Iterator[Key]:
    if issubclass(model, RootModel):
        return
    hints = get_type_hints(model, include_extras=True)
    for name, field in model.model_fields.items():
        key = _key(f"{prefix}{name}", hints[name], field)
        yield key
        inner = _model(hints[name])
        if inner is not None and not (model is Step and name in ACTIONS):
            yield from _keys(inner, f"{key.path}{'[]' if key.type.startswith('list') else ''}.")


def _key(path: str, hint: Any, field: FieldInfo) -> Key:
    inner, quantity = _model(hint), _quantity(hint)
    sentence = field.description or (_summary(inner) if inner else "")
    return Key(
        path, _type(hint), _default(field, quantity), quantity.unit if quantity else "", _example(field, hint), sentence
    )


def _parts(hint: Any) -> tuple[Any, ...]:
    """The types that `hint` is put together from, but for None."""
    return tuple(part for part in get_args(hint) if part is not NoneType)


def _quantity(hint: Any) -> Quantity | None:
    if get_origin(hint) is Annotated:
        return next((mark for mark in hint.__metadata__ if isinstance(mark, Quantity)), None)
    marks = (_quantity(part) for part in _parts(hint) if get_origin(hint) is not Literal)
    return next((mark for mark in marks if mark), None)


def _model(hint: Any) -> type[BaseModel] | None:
    """The model whose keys stand below a key of this type; None for a value, even where a model parses it."""
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return hint
    if get_origin(hint) is Literal or _quantity(hint):
        return None
    return next((model for part in _parts(hint) if (model := _model(part))), None)


def _type(hint: Any) -> str:
    origin, parts = get_origin(hint), _parts(hint)
    if origin is Annotated:
        mark = _quantity(hint)
        return mark.name if mark else _type(parts[0])
    if origin is Literal:
        return " or ".join(map(_text, parts))
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(map(_type, parts)))
    if origin is list:
        return f"list of {_plural(_type(parts[0]))}"
    if origin is dict:
        return f"mapping of {_type(parts[0])} to {_type(parts[1])}"
    return _PLAIN.get(hint) or _root_type(hint)


def _root_type(model: type[BaseModel]) -> str:
    root = model.model_fields.get("root") if issubclass(model, RootModel) else None
    return _type(root.annotation) if root else _MAPPING


def _plural(noun: str) -> str:
    return noun if noun == "text" or " " in noun else f"{noun}s"


def _default(field: FieldInfo, quantity: Quantity | None) -> str:
    if field.is_required():
        return REQUIRED
    value = field.get_default(call_default_factory=True)
    if value is None or isinstance(value, BaseModel):
        return ""
    return quantity.show(value) if quantity else _text(value)


def _example(field: FieldInfo, hint: Any) -> str:
    """The field's own example, else that of its unit, its default, or the first of its choices; none for a mapping."""
    quantity = _quantity(hint)
    if field.examples:
        return _text(field.examples[0])
    default = _default(field, quantity)
    if quantity:
        return quantity.example if default in ("", REQUIRED) else default
    choices = [part for part in (hint, *_parts(hint)) if get_origin(part) is Literal]
    return default if default not in ("", "[]", "{}", REQUIRED) else _text(get_args(choices[0])[0]) if choices else ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _summary(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").partition("\n")[0]
