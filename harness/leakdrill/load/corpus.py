"""A corpus: the requests of a load, recorded once and then replayed, the same requests in the same order."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from leakdrill.errors import BadInput
from leakdrill.files import read_file
from leakdrill.load.in_locust.corpus_file import NoRequestError, UnrepeatableLoadError, requests_in
from leakdrill.load.in_locust.variables import CORPUS_ENV, CORPUS_LENGTH_ENV

if TYPE_CHECKING:
    from leakdrill.load.in_locust.corpus_file import Request
    from leakdrill.scenario.load import Load

_MOST_BYTES: Final = 64 * 2**20
REPLAY_LOCUSTFILE: Final = Path(__file__).parent / "in_locust" / "replay_locustfile.py"


class Replay(NamedTuple):
    """A load that sends a corpus again and again, and the number of requests in one pass."""

    load: Load
    pass_requests: int


def read_corpus(path: Path) -> list[Request]:
    """Returns the requests in the order in which they were sent.

    Raises:
        BadInput: when there is none, when part of the load could not be recorded, or when a line is no request.
    """
    try:
        requests = requests_in(_content(path))
    except UnrepeatableLoadError as e:
        raise BadInput(
            f"{path}: corpus: closed needs a load that can be sent again, and this one cannot: {e}",
            hint="use corpus: open, or leave what is not HTTP out of the locustfile",
        ) from e
    except NoRequestError as e:
        raise BadInput(f"{path}:{e.line}: {e}; expected a request as the gate records it") from e
    if not requests:
        raise BadInput(
            f"{path}: nothing was recorded; expected answered requests of Locust's HttpUser or FastHttpUser",
            hint="use corpus: open for other clients, or record for longer",
        )
    return requests


def _content(path: Path) -> bytes:
    try:
        return read_file(path, most_bytes=_MOST_BYTES)
    except FileNotFoundError:
        return b""
    except OSError as e:
        raise BadInput(f"{path}: cannot be read: {e.strerror}; expected a recorded load") from e


def replay_spec(spec: Load, corpus: Path, *, at_most: int | None = None) -> Replay:
    """Returns the same load as `spec`, with the recorded requests in place of the locustfile's.

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
    env = {**spec.env, CORPUS_ENV: str(corpus.absolute()), CORPUS_LENGTH_ENV: str(pass_requests)}
    changes: dict[str, Any] = {"locustfile": REPLAY_LOCUSTFILE, "rate": rate, "args": [], "workers": 1, "env": env}
    return Replay(spec.model_copy(update=changes), pass_requests)
