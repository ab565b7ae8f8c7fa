"""The JSON Schema of `history.jsonl`: one line, and the catalogue of events with their writers and readers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.record.event import event_schema
from leakdrill.record.events import EVENTS

if TYPE_CHECKING:
    from leakdrill.record.event_class import EventClass
    from leakdrill.record.parts import Part

Schema = dict[str, object]

_ACT_KINDS: Final = ["begin", "ok", "failed", "unknown"]


def history_schema() -> Schema:
    """The JSON Schema of a line of `history.jsonl`, with a definition for each event.

    Beside the standard keywords a definition has `x-writers` and `x-readers`, which are folders of the package, and a
    field `x-unit`.
    """
    definitions = {event.__name__: _event(event) for event in EVENTS}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **event_schema(),
        "anyOf": [{"$ref": f"#/$defs/{name}"} for name in definitions],
        "$defs": definitions,
    }


def _event(event: type[EventClass]) -> Schema:
    readers: Schema = {"x-read-by-people": event.for_people} if event.for_people else {}
    return {
        "description": (event.__doc__ or "").strip().partition("\n")[0],
        "properties": {
            "source": {"const": event.source},
            "kind": {"enum": _ACT_KINDS} if event.is_act else {"const": "sample"},
            "name": {"const": event.event_name} if event.event_name else _string(event, "name"),
            "value": _value(event),
            "labels": _labels(event),
        },
        "x-writers": list(event.written_by),
        "x-readers": list(event.read_by),
        **readers,
    }


def _in(event: type[EventClass], *places: str) -> list[Part]:
    return [part for part in event.parts().values() if part.place in places]


def _string(event: type[EventClass], place: str) -> Schema:
    return {"type": "string", "description": _in(event, place)[0].meaning}


def _value(event: type[EventClass]) -> Schema:
    whole = _in(event, "value")
    if whole:
        return {**_field(whole[0]), "type": ["number" if whole[0].is_number else "string", "null"]}
    if not _in(event, "entry", "entries"):
        return {"type": "null"}
    return {"type": ["object", "null"], **_members(event, "entry", "entries")}


def _labels(event: type[EventClass]) -> Schema:
    required = [part.key for part in _in(event, "label") if not (part.optional or part.at_end)]
    return {"type": "object", **_members(event, "label", "labels"), "required": required}


def _members(event: type[EventClass], one: str, several: str) -> Schema:
    named = {part.key: _field(part) for part in _in(event, one)}
    more = next((part for part in _in(event, several) if part.meaning), None)
    return {"properties": named, **({"additionalProperties": _field(more)} if more else {})}


def _field(part: Part) -> Schema:
    unit: Schema = {"x-unit": part.unit} if part.unit else {}
    return {"type": "number" if part.is_number else "string", "description": part.meaning, **unit}
