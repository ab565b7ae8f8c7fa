"""A request to the target, with the run's token."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import httpx

from leakdrill.files import new_file
from leakdrill.in_words import in_words
from leakdrill.machine.http_client import bounded_client
from leakdrill.scenario.actions import HttpCall
from leakdrill.steps.failure import StepFailed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from leakdrill.steps.context import StepContext
    from leakdrill.targets.base.capabilities import Target

NEEDS: Final[tuple[type, ...]] = ()
_MOST_CHARS: Final = 200
_MOST_BYTES: Final = 2048
LONGEST_COPY: Final = 4 * 1024**3
"""How long the copy of a file or a response may be."""


def act(action: HttpCall, context: StepContext) -> dict[str, str]:
    """Sends the request to the target's own address.

    Raises:
        StepFailed: as `call` does.
    """
    return call(action, context.target)


def call(action: HttpCall, target: Target, *, base_url: str | None = None) -> dict[str, str]:
    """Sends one request and expects one status; `base_url` is one replica of the target, where not any will do.

    Raises:
        StepFailed: when the connection fails or the status is another one.
    """
    start = bytearray()

    def keep_start(piece: bytes) -> None:
        start.extend(piece[: _MOST_BYTES - len(start)])

    status = _send(action, target, base_url or target.base_url, keep_start)
    return {"status": str(status), "answer": _shortened(start)}


def fetch(path: str, target: Target, copy: Path, *, timeout_s: float) -> None:
    """Writes the body of the response to GET `path`, which must have status 200, to the new file `copy`.

    Raises:
        StepFailed: as `call` does, and when there is no room for it, or it is longer than 4 GiB.
    """
    action = HttpCall(method="GET", path=path).model_copy(update={"timeout": timeout_s})
    try:
        with new_file(copy) as file:
            _send(action, target, target.base_url, file.write, most_bytes=LONGEST_COPY)
    except OSError as e:
        raise StepFailed(f"GET {path}: cannot be written to {copy}: {e.strerror}") from e


def _send(
    action: HttpCall,
    target: Target,
    base_url: str,
    take: Callable[[bytes], object],
    *,
    most_bytes: int | None = None,
) -> int:
    """Sends the request, and hands the body of the response to `take` piece by piece; returns the status."""
    where = f"{action.method} {base_url}{action.path}"
    headers = target.access.headers_with(target.token, action.headers)
    try:
        with (
            bounded_client(timeout_s=action.timeout, most_bytes=most_bytes, access=target.access) as client,
            client.stream(action.method, base_url + action.path, json=action.body, headers=headers) as response,
        ):
            if response.status_code != action.expect_status:
                raise _refused(response, where, action)
            for piece in response.iter_raw():
                take(piece)
    except httpx.TimeoutException as e:
        raise StepFailed(f"{where}: no answer within {action.timeout:g} s") from e
    except (httpx.HTTPError, httpx.InvalidURL) as e:
        raise StepFailed(f"{where}: {in_words(e)}; expected status {action.expect_status}") from e
    return response.status_code


def _refused(response: httpx.Response, where: str, action: HttpCall) -> StepFailed:
    answer = f"{where}: answered {response.status_code}{_leads_to(response)}; expected {action.expect_status}"
    with contextlib.suppress(httpx.HTTPError):
        text = _shortened(next(response.iter_raw(), b""))
        return StepFailed(f"{answer}; it said: {text}" if text else answer)
    return StepFailed(answer)


def _leads_to(response: httpx.Response) -> str:
    location = response.headers.get("location", "")[:_MOST_CHARS]
    return f" with a redirect to {location}, which is not followed" if location else ""


def _shortened(body: bytes | bytearray) -> str:
    line = " ".join(body[:_MOST_BYTES].decode(errors="replace").split())
    return line if len(line) <= _MOST_CHARS else f"{line[:_MOST_CHARS]}…"
