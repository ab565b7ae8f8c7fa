"""Regular expressions that a person wrote, matched in a time that grows with the text and no faster.

Python's own `re` tries ways again: `(a+)+$` keeps it busy for years. The engine here is Rust's, in pydantic, which has
no look-around and no references back to a group, and needs none.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from pydantic_core import SchemaError, SchemaValidator
from pydantic_core.core_schema import str_schema

_LONGEST: Final = 1000


def check_expression(expression: str) -> None:
    """Does nothing for an expression that `is_found` takes.

    Raises:
        ValueError: for any other; says what is wrong with it.
    """
    if len(expression) > _LONGEST:
        raise ValueError(f"it has {len(expression)} characters; expected at most {_LONGEST}")
    try:
        _compiled(expression)
    except SchemaError as e:
        lines = str(e).strip().splitlines()
        reason = lines[-1].removeprefix("error:").strip().removeprefix("SchemaError: ")
        raise ValueError(reason) from e


def is_found(expression: str, text: str) -> bool:
    """Returns whether `expression`, which `check_expression` took, matches anywhere in `text`."""
    return _compiled(expression).isinstance_python(text.encode("utf-8", "replace").decode())


@lru_cache(maxsize=64)
def _compiled(expression: str) -> SchemaValidator:
    return SchemaValidator(str_schema(pattern=expression, regex_engine="rust-regex"))
