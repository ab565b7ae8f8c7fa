"""Placeholders in text that is no shell: `<name>`, `{{name}}`, `$NAME`, `NAME`, `…`, put as plain words."""

from __future__ import annotations

import re
from typing import Final

_SIGNS: Final = re.compile(
    r"<[A-Za-z][\w .-]{0,40}>|\$\{[A-Za-z_]\w*\}|\{\{-? ?[^{}\n]{1,60}\}\}|\[\[ ?[\w.]+ ?\]\]|\$[A-Za-z_]\w*"
)
_DURATION: Final = re.compile(r"(?<=\[)(?:<[\w .-]+>|\$\{?[A-Za-z_]\w*\}?|\[\[ ?[\w.]+ ?\]\])(?=[\]:])")
_DOTS: Final = re.compile(r"(?<=\{)\s*(?:\.\.\.|…)\s*(?=\})|,\s*(?:\.\.\.|…)\s*(?=\})")


def bound(text: str) -> str:
    """Returns `text` with a plain word, or a duration where one must stand, in place of each placeholder."""
    text = _DURATION.sub("5m", text)
    return _SIGNS.sub("placeholder", _DOTS.sub("", text))
