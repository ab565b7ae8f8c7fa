"""A corpus: the requests of a load, recorded once so that they can be sent again, the same, in the same order.

A file of JSON lines, one request each, bounded in count and size; readable by its owner alone, because tokens and
cookies are in it. Only the standard library: it is read and written inside Locust, too.
"""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from leakdrill.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leakdrill.scenario.load import Load

MOST_REQUESTS: Final = 1000
MOST_BYTES: Final = 16 * 1024 * 1024

CORPUS_ENV: Final = "LEAKDRILL_CORPUS"
LENGTH_ENV: Final = "LEAKDRILL_CORPUS_LENGTH"
REPLAY_LOCUSTFILE: Final = Path(__file__).parent / "in_locust" / "replay_locustfile.py"


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it was sent, and the status it was answered with.

    `t` is in seconds since the first; `path` has the query; `headers` include cookies and tokens, and none that the
    connection makes by itself; `redirects` says whether the client followed them.
    """

    t: float
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    redirects: bool
    status: int


class Replay(NamedTuple):
    """A load that sends a corpus again and again, and the number of requests in one pass."""

    load: Load
    pass_requests: int


def request_line(index: int, request: Request) -> bytes:
    """A request as a line of the file. Lines stand in the order of the answers; `index` is the order of sending."""
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
    """The line that says why this load cannot be sent again."""
    return json.dumps({"unrecordable": reason}).encode() + b"\n"


def read_corpus(path: Path) -> list[Request]:
    """The requests in the order in which they were sent. A torn last line is left out.

    Raises:
        BadInput: when there is none, or when part of the load could not be recorded.
    """
    text = path.read_bytes() if path.exists() else b""
    entries = [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith(b"\n")]
    for entry in entries:
        if "unrecordable" in entry:
            raise BadInput(
                f"{path}: corpus: closed needs a load that can be sent again, and this one cannot: "
                f"{entry['unrecordable']}",
                hint="use corpus: open, or leave what is not HTTP out of the locustfile",
            )
    if not entries:
        raise BadInput(
            f"{path}: nothing was recorded; expected answered requests of Locust's HttpUser or FastHttpUser",
            hint="use corpus: open for other clients, or record for longer",
        )
    return [_request(entry) for entry in sorted(entries, key=lambda entry: int(entry["n"]))]


def replay_spec(spec: Load, corpus: Path, *, at_most: int | None = None) -> Replay:
    """The same load as `spec`, with the recorded requests in place of the locustfile's.

    Users, spawn rate and rate stay. Without a rate it is the one at which it was recorded, because the wait times stand
    in the locustfile. The scenario's `args` are dropped: they may be the locustfile's own.

    Args:
        spec: what was recorded.
        corpus: the file.
        at_most: a pass is the first so many requests; all when left out.

    Raises:
        BadInput: when the corpus has nothing to send.
    """
    requests = read_corpus(corpus)
    span_s = requests[-1].t - requests[0].t
    rate = spec.rate or (round((len(requests) - 1) / span_s, 3) if span_s > 0 else None)
    pass_requests = len(requests[:at_most])
    env = {**spec.env, CORPUS_ENV: str(corpus.absolute()), LENGTH_ENV: str(pass_requests)}
    changes: dict[str, Any] = {"locustfile": REPLAY_LOCUSTFILE, "rate": rate, "args": [], "workers": 1, "env": env}
    return Replay(spec.model_copy(update=changes), pass_requests)


def corpus_from_environment() -> list[Request]:
    """The pass that the replaying Locust shall send."""
    return read_corpus(Path(os.environ[CORPUS_ENV]))[: int(os.environ[LENGTH_ENV])]


def _request(entry: dict[str, Any]) -> Request:
    body = entry["body"].encode() if "body" in entry else base64.b64decode(entry.get("body_base64", ""))
    return Request(
        t=entry["t"], method=entry["method"], path=entry["path"], headers=entry["headers"], body=body,
        redirects=entry["redirects"], status=entry["status"],
    )  # fmt: skip
