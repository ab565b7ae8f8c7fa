"""Requests to the target as the step `http`: what curl sends there, and not less than it sends.

What the step cannot send as curl would is no step: a file as body, a form, several addresses.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from leakdrill.runbooks.shell.programs.network import CURL
from leakdrill.runbooks.shell.programs.options import split
from leakdrill.runbooks.shell.programs.word import Word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakdrill.runbooks.shell.programs.options import Split

SETTING: Final = re.compile(r"config|setting|mode|feature|flag|limit|toggle|level", re.IGNORECASE)
"""The paths by which a request sets something that stays so."""
_BODY: Final = frozenset({"-d", "--data", "--data-raw", "--data-binary", "--data-ascii", "--json"})
_OTHERWISE: Final = frozenset(
    [
        "-F",
        "--form",
        "--form-string",
        "-T",
        "--upload-file",
        "--data-urlencode",
        "--url-query",
        "-G",
        "--get",
        "-I",
        "--head",
    ]
) | frozenset(["-K", "--config", "-Q", "--quote", "-x", "--proxy", "--resolve", "--connect-to", "--unix-socket", "-r"])
"""Options with which curl sends something else, or to another place."""


def request_of(words: Sequence[str], url: str) -> dict[str, Any] | None:
    """The request that a call of curl sends to the target, as the step `http` has it; None where it is none, or a GET.

    Its token is sent as a person with rights would, in place of a user and password of the line.

    Args:
        words: of the command.
        url: the address of the target.
    """
    parts = split([Word(word) for word in words[1:]], CURL) if words[:1] == ["curl"] else None
    if parts is None or parts.unknown is not None or parts.names() & _OTHERWISE:
        return None
    bodies = [(name, word.text) for name, word in parts.options if name in _BODY and word is not None]
    method = (parts.value("-X", "--request") or ("POST" if bodies else "GET")).upper()
    path = _path(parts, url)
    if method == "GET" or path is None or len(bodies) > 1:
        return None
    call: dict[str, Any] = {"method": method, "path": path}
    for name, body in bodies:
        if body.startswith("@") and name != "--data-raw":
            return None
        if body:
            call["body"] = _json(body)
    headers = _headers(parts)
    return {**call, "headers": headers} if headers else call


def _path(parts: Split, url: str) -> str | None:
    addresses = [word.text for word in parts.rest]
    addresses += [word.text for name, word in parts.options if name == "--url" and word is not None]
    if len(addresses) != 1 or not re.match(rf"{re.escape(url)}(?:[/?#]|$)", addresses[0]):
        return None
    try:
        address = urlsplit("http://target" + addresses[0].removeprefix(url))
    except ValueError:
        return None
    return (address.path or "/") + (f"?{address.query}" if address.query else "")


def _headers(parts: Split) -> dict[str, str]:
    given = [word.text.partition(":") for name, word in parts.options if name in ("-H", "--header") and word]
    return {name.strip(): value.strip() for name, _, value in given if name.strip().lower() != "content-type"}


def _json(body: str) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body
