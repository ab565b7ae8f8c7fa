"""The file of a corpus: JSON lines, one request each. Readable by its owner alone, for the tokens and cookies in it.

Written inside Locust while a load is recorded, read inside Locust when it is replayed, and by the harness in between.
"""

from __future__ import annotations

import base64
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class UnrepeatableLoadError(ValueError):
    """Part of the recorded load cannot be sent again; the text says which."""


class NoRequestError(ValueError):
    """A line of the file is no request; `line` is its number, from 1."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it was sent, and the status it was answered with.

    Attributes:
        t: seconds since the first request.
        method: such as `GET`.
        path: with the query.
        headers: include cookies and tokens, and none that the connection makes by itself.
        body: as it went over the wire.
        redirects: whether the client followed redirects.
        status: of the response.
    """

    t: float
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    redirects: bool
    status: int


def request_line(index: int, request: Request) -> bytes:
    """Returns a request as a line. Lines stand in the order of the responses; `index` is the order of sending."""
    fields: dict[str, Any] = {
        "n": index, "t": round(request.t, 4), "method": request.method, "path": request.path,
        "headers": dict(request.headers), "redirects": request.redirects, "status": request.status,
    }  # fmt: skip
    if request.body:
        try:
            fields["body"] = request.body.decode()
        except UnicodeDecodeError:
            fields["body_base64"] = base64.b64encode(request.body).decode()
    return json.dumps(fields).encode() + b"\n"


def refusal_line(reason: str) -> bytes:
    """Returns the line that says why this load cannot be sent again."""
    return json.dumps({"unrecordable": reason}).encode() + b"\n"


def requests_in(content: bytes) -> list[Request]:
    """Returns the requests of a corpus in the order in which they were sent, without a torn last line.

    Raises:
        UnrepeatableLoadError: when part of the load could not be recorded.
        NoRequestError: when a line is no request.
    """
    lines = [line for line in content.splitlines(keepends=True) if line.endswith(b"\n")]
    return [request for _, request in sorted((_numbered(line, at) for at, line in enumerate(lines, 1)), key=_number)]


def _number(numbered: tuple[int, Request]) -> int:
    return numbered[0]


def _numbered(line: bytes, at: int) -> tuple[int, Request]:
    try:
        entry = json.loads(line)
        reason = entry.get("unrecordable")
        numbered = (0, None) if reason is not None else (int(entry["n"]), _request(entry))
    except KeyError as e:
        raise NoRequestError(at, f"has no {e}") from e
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as e:
        raise NoRequestError(at, f"is no request: {e}") from e
    number, request = numbered
    if request is None:
        raise UnrepeatableLoadError(str(reason))
    return number, request


def _request(entry: dict[str, Any]) -> Request:
    body = entry["body"].encode() if "body" in entry else base64.b64decode(entry.get("body_base64", ""))
    headers = entry["headers"]
    texts = [entry["method"], entry["path"], *headers, *headers.values()]
    if not all(isinstance(text, str) and text.isprintable() for text in texts) or not entry["method"]:
        raise ValueError("expected printable text as method, path and headers")
    if not math.isfinite(entry["t"]):
        raise ValueError("expected a finite number of seconds as t")
    return Request(
        t=float(entry["t"]), method=entry["method"], path=entry["path"], headers=headers, body=body,
        redirects=bool(entry["redirects"]), status=int(entry["status"]),
    )  # fmt: skip
