"""The value of an option whose text is parsed by a function of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from leakdrill.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable

_Value = TypeVar("_Value")


def option_value(option: str, text: str, parse: Callable[[str], _Value]) -> _Value:
    """Returns what `parse` makes of the `text` that `option` was given.

    Raises:
        BadInput: when `parse` raises ValueError; the message names the option.
    """
    try:
        return parse(text)
    except ValueError as e:
        raise BadInput(f"{option}: {e}") from e
