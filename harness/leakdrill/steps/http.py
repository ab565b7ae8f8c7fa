"""A request to the target, with the run's token."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from leakdrill.scenario.actions import HttpCall
from leakdrill.steps.failure import StepFailed

if TYPE_CHECKING:
    from leakdrill.targets.base.capabilities import Target

_SHOWN_CHARS = 200


def call(action: HttpCall, target: Target, *, base_url: str | None = None) -> dict[str, str]:
    """Send one request and expect one status; `base_url` is one replica of the target, where not any will do.

    There is nothing to undo here: what the request changed, only the service knows. A scenario that must take it back
    has a step that does.

    Raises:
        StepFailed: when the connection fails or the status is another one.
    """
    answer = _answer(action, target, base_url or target.base_url)
    return {"status": str(answer.status_code), "answer": _shown(answer.text)}


def fetch(path: str, target: Target, *, timeout_s: float) -> bytes:
    """The body of the answer to GET `path`, which must have status 200.

    Raises:
        StepFailed: as `call` does.
    """
    action = HttpCall(method="GET", path=path).model_copy(update={"timeout": timeout_s})
    return _answer(action, target, target.base_url).content


def _answer(action: HttpCall, target: Target, base_url: str) -> httpx.Response:
    where = f"{action.method} {base_url}{action.path}"
    try:
        # trust_env: a proxy that is meant for the outside must not get a loopback request, nor the token in it.
        with httpx.Client(timeout=action.timeout, trust_env=False) as client:
            answer = client.request(action.method, base_url + action.path, json=action.body, headers=_headers(target))
    except httpx.TimeoutException as e:
        raise StepFailed(f"{where}: no answer within {action.timeout:g} s ({type(e).__name__})") from e
    except (httpx.HTTPError, httpx.InvalidURL) as e:
        raise StepFailed(f"{where}: {e}; expected status {action.expect_status}") from e
    if answer.status_code != action.expect_status:
        raise StepFailed(
            f"{where}: answered {answer.status_code}; expected {action.expect_status}; it said: {_shown(answer.text)}"
        )
    return answer


def _headers(target: Target) -> dict[str, str]:
    return {"Authorization": f"Bearer {target.token}"} if target.token else {}


def _shown(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN_CHARS else f"{line[:_SHOWN_CHARS]}…"
