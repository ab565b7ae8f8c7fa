"""One line of the record, as it is stored."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping  # noqa: TC003 - pydantic reads the annotations of Event
from dataclasses import dataclass, field
from typing import Annotated, Final, Literal

import orjson
from pydantic import Field, TypeAdapter, ValidationError

from leakdrill.errors import BadInput

SCHEMA_VERSION: Final = 2
"""Version of the event line, `run.json` and `verdicts.json`; grows when one changes its meaning. 2: the hash chain."""

LONGEST_S: Final = 10 * 365 * 86_400.0
"""Ten years: no run is longer, and no time that its events name is further from its start."""

Since = Annotated[float, Field(ge=0, le=LONGEST_S)]
"""Seconds since the start of the run, by its own clock."""
Moment = Annotated[float, Field(ge=-LONGEST_S, le=LONGEST_S)]
"""The same by another clock, of what may have been before the run."""

Kind = Literal["sample", "begin", "ok", "failed", "unknown"]
Value = float | str | dict[str, float] | None
PHASES: Final = ("setup", "warmup", "baseline", "load", "mitigate", "recover", "teardown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of the record.

    Attributes:
        index: position in the record, from 0, without gaps.
        t: seconds since the start of the run when the line was written; never decreases, and at most `LONGEST_S`.
        phase: one of `PHASES`.
        source: who says so: `process`, `cgroup`, `filesystem`, `service`, `load`, `prometheus`, `alertmanager`,
            `target`, `leak`, `step`, `drill`, `record`.
        kind: `sample` for a reading; for an act `begin`, then exactly one of `ok`, `failed`, `unknown`.
        name: what was read or done.
        value: a number, a word, or several named numbers (units stand in the names); None when nothing was read.
        labels: what tells one such event from another; an act's lines share the label `act`.
        at: seconds since the start by the source's own clock, where it has one that differs from ours: Prometheus'
            evaluation time of a transition, Alertmanager's `startsAt`; at most `LONGEST_S` before or after it.
    """

    index: Annotated[int, Field(ge=0, lt=1 << 53)]
    t: Since
    phase: str
    source: str
    kind: Kind
    name: str
    value: Value = None
    labels: Mapping[str, str] = field(default_factory=dict)
    at: Moment | None = None

    @property
    def when(self) -> float:
        """`at` where the source has a clock of its own, else `t`."""
        return self.t if self.at is None else self.at


_EVENT: Final = TypeAdapter(Event)


def event_schema() -> dict[str, object]:
    """The JSON Schema of one line of `history.jsonl`."""
    return _EVENT.json_schema()


def event_line(event: Event) -> bytes:
    """`event` as one line of JSON, with its newline."""
    return orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY)


def fields_line(fields: Mapping[str, object]) -> bytes:
    """The same as `event_line`, of an event's fields in their order."""
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY)


def read_event(line: bytes, place: str) -> Event:
    """The event in a line.

    Raises:
        BadInput: when it is none; names `place`.
    """
    try:
        event = _EVENT.validate_json(line, strict=True)
    except ValidationError as e:
        first = e.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadInput(
            f"{place}: {where or 'line'}: {first['msg']}; expected one event of schema {SCHEMA_VERSION}"
        ) from e
    if key := _key_given_twice(line):
        raise BadInput(f"{place}: the key `{key}` is given twice; expected one event of schema {SCHEMA_VERSION}")
    return event


def _key_given_twice(line: bytes) -> str:
    """The first key that an object in `line`, which is valid JSON, has twice; empty when none has.

    Readers of JSON differ in which of the two they take.
    """
    try:
        parsed = orjson.loads(line)
    except orjson.JSONDecodeError:  # it has NaN or an infinite number, which orjson does not read
        parsed = {}
    keys = sum(len(part) for part in (parsed, parsed.get("labels"), parsed.get("value")) if isinstance(part, dict))
    if line.count(b'":') == keys:  # so it is but for keys given twice, and for texts that look like keys
        return ""
    twice: list[str] = []

    def keep(pairs: list[tuple[str, object]]) -> dict[str, object]:
        counts = Counter(key for key, _ in pairs)
        twice.extend(key for key, count in counts.items() if count > 1)
        return dict(pairs)

    json.loads(line, object_pairs_hook=keep)
    return twice[0] if twice else ""
