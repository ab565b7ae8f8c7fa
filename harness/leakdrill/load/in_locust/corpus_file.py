"""The file of a corpus: JSON lines, one request each. Readable by its owner alone, for the tokens and cookies in it.

Written inside Locust while a load is recorded, read inside Locust when it is replayed, and by the harness in between.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class UnrepeatableLoadError(ValueError):
    """Part of the recorded load cannot be sent again; the text says which."""


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


def requests_in(path: Path) -> list[Request]:
    """Returns the requests in the order in which they were sent, without a torn last line; none when there is no file.

    Raises:
        UnrepeatableLoadError: when part of the load could not be recorded.
    """
    content = path.read_bytes() if path.exists() else b""
    entries = [json.loads(line) for line in content.splitlines(keepends=True) if line.endswith(b"\n")]
    for entry in entries:
        if "unrecordable" in entry:
            raise UnrepeatableLoadError(entry["unrecordable"])
    return [_request(entry) for entry in sorted(entries, key=lambda entry: int(entry["n"]))]


def _request(entry: dict[str, Any]) -> Request:
    body = entry["body"].encode() if "body" in entry else base64.b64decode(entry.get("body_base64", ""))
    return Request(
        t=entry["t"], method=entry["method"], path=entry["path"], headers=entry["headers"], body=body,
        redirects=entry["redirects"], status=entry["status"],
    )  # fmt: skip
