"""The address of an API, from an option or a variable that is named where it holds none."""

from __future__ import annotations

from leakdrill.address import EXAMPLE, http_address
from leakdrill.errors import BadInput


def address_of(name: str, text: str, *, example: str = EXAMPLE) -> str:
    """Returns the address in `text`, which the option or variable `name` holds.

    Raises:
        BadInput: when it is none; what it holds is not shown, for it may be a secret.
    """
    try:
        return http_address(text, example=example)
    except ValueError as e:
        raise BadInput(f"{name}: {e}") from e
