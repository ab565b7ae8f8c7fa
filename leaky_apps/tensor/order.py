"""The request of a client, checked before any tensor is made."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from leaky_apps.tensor.network import ROWS

MOST_ROWS: Final = 4096
_LONGEST_HOLD_S: Final = 5.0

Source = Literal["device", "host", "loader"]
SOURCES: Final[tuple[Source, ...]] = ("device", "host", "loader")
"""Where rows are made: on the device; on the host, from where they are uploaded; in a data loader's worker process."""


@dataclass(frozen=True, slots=True)
class Order:
    """One request.

    Attributes:
        seed: the input rows are drawn from it, so that a request needs no large body.
        rows: how many.
        key: under which its embedding is cached; empty: not at all.
        version: of the model; empty: the base.
        label: to compare the scores with; a wrong one is found out only after the pass.
        source: where its rows are made.
        stream: whose captured pass is to be used; empty: none.
        hold_s: how long the client takes to read the answer.
    """

    seed: int = 0
    rows: int = ROWS
    key: str = ""
    version: str = ""
    label: int | None = None
    source: Source = "device"
    stream: str = ""
    hold_s: float = 0.0


def read_order(fields: Any) -> Order:
    """The order in a request's JSON.

    Raises:
        ValueError: names the field, what was found and what is expected.
    """
    if not isinstance(fields, dict):
        raise ValueError(f'found {type(fields).__name__}; expected an object such as {{"rows": 32, "seed": 1}}')  # noqa: TRY004 - the client's mistake, answered as 422
    hold_s = fields.get("hold_s", 0.0)
    if isinstance(hold_s, bool) or not isinstance(hold_s, int | float) or not 0 <= hold_s <= _LONGEST_HOLD_S:
        raise ValueError(f"hold_s: found {hold_s!r}; expected seconds, 0 to {_LONGEST_HOLD_S:g}")
    label = fields.get("label")
    return Order(
        seed=_whole(fields, "seed", 0, 0, 2**31),
        rows=_whole(fields, "rows", ROWS, 1, MOST_ROWS),
        key=_text(fields, "key"),
        version=_text(fields, "version"),
        label=None if label is None else _whole(fields, "label", 0, 0, 2**31),
        source=_source(fields),
        stream=_text(fields, "stream"),
        hold_s=float(hold_s) if math.isfinite(hold_s) else 0.0,
    )


def _source(fields: dict[str, Any]) -> Source:
    source = fields.get("source", "device")
    if source not in SOURCES:
        raise ValueError(f"source: found {source!r}; expected one of {', '.join(SOURCES)}")
    if source == "loader" and fields.get("rows", ROWS) != ROWS:
        raise ValueError(f"rows: found {fields['rows']!r}; expected {ROWS}, which is what the data loader gives")
    return cast("Source", source)


def _whole(fields: dict[str, Any], name: str, otherwise: int, least: int, most: int) -> int:
    value = fields.get(name, otherwise)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"{name}: found {value!r}; expected a whole number, {least} to {most}")
    return value


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name, "")
    if not isinstance(value, str):
        raise ValueError(f"{name}: found {value!r}; expected text")  # noqa: TRY004 - likewise
    return value
