"""Names of what a platform makes for a target, whose own name may be any text."""

from __future__ import annotations

import hashlib
import re
from typing import Final

_LONGEST: Final = 63
_WORDS: Final = 40
_DIGITS: Final = 8


def object_name(name: str) -> str:
    """Returns `name` as engines and clusters take it: small letters, digits and hyphens, at most 63 of them.

    A name that is not so by itself gets a digest behind it, so that no two targets share one.
    """
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if words == name and len(name) <= _LONGEST:
        return name
    digest = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:_DIGITS]
    return f"{words[:_WORDS].strip('-') or 'target'}-{digest}"
