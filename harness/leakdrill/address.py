"""The address of a service, as a person writes it: looked at once, before anything is sent there.

The URL parser of a client is no judge of that: it takes blanks, backslashes and user names, and what it refuses it
refuses while a request is made.
"""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field
from pydantic_core import Url

EXAMPLE: Final = "http://127.0.0.1:8000"
FORM: Final = r"^[hH][tT][tT][pP][sS]?://[^/?#@\s]+(/[^?#\s]*)?$"
"""What a JSON Schema says of an address; the function below says more."""
_PARTS: Final = re.compile(r"(https?)://([^/?#]*)([^?#]*)", re.IGNORECASE)
_PLACE: Final = re.compile(r"(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])(:[^:]*)?")
_PORT: Final = re.compile(r":[0-9]{1,5}")
_PORTS: Final = range(1, 2**16)
_NO_NAME: Final = "is no address: no host can have this name"
_MOST_OF_A_NAME, _MOST_OF_A_LABEL = 253, 63


def http_address(text: str, *, example: str = EXAMPLE) -> str:
    """Returns `text`, the http or https address of a service, with its scheme in small letters and no `/` at its end.

    Raises:
        ValueError: when it is none; says what is wrong, and nothing of `text`, which may hold a secret.
    """
    reason = _reason(text)
    if reason:
        raise ValueError(f"{reason}; expected an address such as {example}")
    scheme, rest = text.split(":", 1)
    return f"{scheme.lower()}:{rest}".rstrip("/")


Address = Annotated[str, AfterValidator(http_address), Field(json_schema_extra={"pattern": FORM})]
"""An address in a scenario."""


def _reason(text: str) -> str:
    """Why `text` is no address; empty where it is one."""
    if not text.isprintable() or " " in text or "\\" in text:
        return "is no address: it has a blank, a backslash or a control character"
    if "?" in text or "#" in text:
        return "is no address of a service: it has a query or a fragment"
    parts = _PARTS.fullmatch(text)
    if parts is None:
        return "is no address: it does not begin with http:// or https://"
    return _reason_of_place(parts[2]) or ("" if _can_be(text) else _NO_NAME)


def _reason_of_place(text: str) -> str:
    """Why `text` is no host with or without a port."""
    if "@" in text:
        return "is no address of a service alone: it has a user or a password"
    place = _PLACE.fullmatch(text)
    if place is None:
        return _NO_NAME if text.partition(":")[0] else "is no address: it names no host"
    port = place[1]
    if port is not None and not (_PORT.fullmatch(port) and int(port[1:]) in _PORTS):
        return "is no address: a port is a number from 1 to 65535"
    return ""


def _can_be(text: str) -> bool:
    """Whether the host can be looked up: with labels of 1 to 63 characters, or an IP address that is one."""
    try:
        host = Url(text).host or ""
    except ValueError:
        return False
    labels = host.removesuffix(".").split(".")
    return len(host) <= _MOST_OF_A_NAME and all(1 <= len(label) <= _MOST_OF_A_LABEL for label in labels)
