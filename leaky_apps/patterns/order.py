"""An order as it comes in, and the receipt that is rendered for it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

RECEIPT_BYTES: Final = 64 * 1024
"""What one rendered receipt holds."""
_LINE_BYTES: Final = 128
_MOST_ITEMS: Final = 64
_MOST_OF_ONE: Final = 10_000


@dataclass(frozen=True, slots=True)
class Item:
    """So many of one article."""

    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Order:
    """The order of one customer."""

    customer: str
    items: tuple[Item, ...]


def parse_order(body: bytes) -> Order:
    """The order in `body`: `{"customer": "c-7", "items": [{"sku": "a-1", "quantity": 2}]}`.

    Raises:
        ValueError: says what is wrong with it.
    """
    fields = json_object(body)
    customer, items = fields.get("customer"), fields.get("items")
    if not isinstance(customer, str) or not customer:
        raise ValueError(f"customer: found {customer!r}; expected text")
    if not isinstance(items, list) or not 1 <= len(items) <= _MOST_ITEMS:
        raise ValueError(f"items: expected a list of 1 to {_MOST_ITEMS} items")
    return Order(customer, tuple(_item(item) for item in items))


def _item(fields: Any) -> Item:
    if not isinstance(fields, dict) or not isinstance(fields.get("sku"), str):
        raise ValueError(f'items: found {fields!r}; expected {{"sku": "a-1", "quantity": 2}}')  # noqa: TRY004 - answered as 422
    return Item(fields["sku"], whole_number(fields, "quantity", default=1, most=_MOST_OF_ONE))


def json_object(body: bytes) -> dict[str, Any]:
    """The object in `body`.

    Raises:
        ValueError: when it is not JSON, or no object.
    """
    try:
        fields = json.loads(body)
    except ValueError as e:
        raise ValueError(f"the body is not JSON: {e}; expected an object") from e
    if not isinstance(fields, dict):
        raise ValueError(f"found {type(fields).__name__}; expected an object")  # noqa: TRY004 - answered as 422
    return fields


def whole_number(fields: dict[str, Any], name: str, *, default: int, most: int) -> int:
    """The whole number called `name`, 1 to `most`.

    Raises:
        ValueError: when it is something else.
    """
    value = fields.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise ValueError(f"{name}: found {value!r}; expected a whole number, 1 to {most}")
    return value


def receipt(number: int, order: Order) -> bytes:
    """The receipt of order `number`: 64 KiB of text, one line an item and the terms of sale below."""
    head = "".join(f"{item.quantity} x {item.sku}".ljust(_LINE_BYTES - 1) + "\n" for item in order.items)
    text = f"receipt {number:08d} for {order.customer}\n{head}"
    return text.encode().ljust(RECEIPT_BYTES, b".")[:RECEIPT_BYTES]
