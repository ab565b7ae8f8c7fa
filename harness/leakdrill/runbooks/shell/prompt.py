"""The prompt that stands before a command in a session that somebody pasted."""

from __future__ import annotations

import re
from typing import Final

_USER: Final = (
    r"(?:\([^)\n]{1,40}\)[ \t]?)?(?:\[[^\]\n]{1,60}\]|[\w.-]+@[\w.-]+(?:[: ][^\s$#%>]*)?|[\w.-]+:[\w./~-]+[ \t][\w.-]+(?=\$)|[\w.-]+:~[\w./-]*|(?:ba|z|k|a|da)?sh-[\d.]+"
    r"|[/~][^\s$#%:]{0,60}|\([^)\n]{1,40}\))"
)
_OF_GIT: Final = r"\u279c[ \t]+\S+[ \t]+git:\(\S+\)(?:[ \t]+\u2717)?"
PROMPT: Final = re.compile(
    rf"[ \t]*(?:{_OF_GIT}|{_USER}[ \t]*[$#%\u276f\u279c>]|[\w.-]+(?:[ ]{{0,20}}\$|[ ]#|#)|[$\u276f\u279c]|\$>)[ \t]+"
    r"(?:\$[ \t]+)?(?=\S)|[ \t]*\[[\w.-]+@[\w.-]+ [^\]\n]{1,60}\][$#](?=\S)"
)
"""A prompt of a shell, up to what was typed."""
