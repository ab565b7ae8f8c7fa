"""Replaces a method of Locust's by a function around it, so that the user's locustfile stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Method = Callable[..., Any]


def replace_method(owner: type, name: str, wrap: Callable[[Method], Method]) -> None:
    """Replace a method with `wrap(method)`, for all who inherit it."""
    setattr(owner, name, wrap(getattr(owner, name)))
