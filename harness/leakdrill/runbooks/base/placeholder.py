"""A part of a command that a person must fill in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Placeholder:
    """A part that a person must fill in: `<pod-name>`, `{namespace}`, `$POD`, `YOUR_NAME`, `xxx`, `...`."""

    text: str
    """As it is written."""
    name: str
    """What bindings call it: `pod-name`, `namespace`, `POD`."""
