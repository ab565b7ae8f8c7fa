"""An error as a person says it: what happened, without the name of the class that some program has for it."""

from __future__ import annotations

import re
from typing import Final

from leakdrill.errors import LeakdrillError

_HTTP: Final = frozenset({"httpx", "httpcore"})
_WORDED: Final = frozenset({"leakdrill", "psutil"})
"""Packages whose errors say in a sentence what happened."""
_NUMBER: Final = re.compile(r"^\[Errno -?\d+\] ")
_HTTP_WORDS: Final = {
    "ConnectTimeout": "no connection in time",
    "PoolTimeout": "no connection in time",
    "ReadTimeout": "no answer in time",
    "WriteTimeout": "the request was not taken in time",
    "ReadError": "the connection broke",
    "WriteError": "the connection broke",
    "CloseError": "the connection broke",
    "RemoteProtocolError": "the answer is no HTTP",
}
"""What these errors mean; the library's own text follows unless it says the same."""
_SAYS_NOTHING: Final = frozenset({"", "timed out"})
_NO_ANSWER: Final = "disconnected without sending a response"


def in_words(error: BaseException) -> str:
    """Returns `error` in one line, such as `connection refused`; of an error that nobody meant, its kind as well."""
    said = error.message if isinstance(error, LeakdrillError) else str(error)  # without its hint
    text = " ".join(said.split())
    name, module = type(error).__name__, type(error).__module__.partition(".")[0]
    worded = module in _WORDED or name.startswith("_") or (type(error) is OSError and not error.strerror)
    if text and worded:
        return text
    if module in _HTTP:
        return _http(name, _NUMBER.sub("", text))
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror}"
    if name == "JSONDecodeError":
        return f"no JSON: {text}"
    return f"{name}: {text}" if text else name


def _http(name: str, text: str) -> str:
    if _NO_ANSWER in text:
        return "the connection was closed without an answer"
    words = _HTTP_WORDS.get(name)
    if words:
        return words if text in _SAYS_NOTHING or text == name else f"{words}: {text}"
    return f"{text[:1].lower()}{text[1:]}" or name
