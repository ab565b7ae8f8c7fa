"""A request to the target, with the run's token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import httpx

from leakdrill.scenario.actions import HttpCall
from leakdrill.steps.failure import StepFailed

if TYPE_CHECKING:
    from leakdrill.steps.context import StepContext
    from leakdrill.targets.base.capabilities import Target

NEEDS: Final[tuple[type, ...]] = ()
_MOST_CHARS: Final = 200


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
    response = _send(action, target, base_url or target.base_url)
    return {"status": str(response.status_code), "answer": _shortened(response.text)}


def fetch(path: str, target: Target, *, timeout_s: float) -> bytes:
    """Returns the body of the response to GET `path`, which must have status 200.

    Raises:
        StepFailed: as `call` does.
    """
    action = HttpCall(method="GET", path=path).model_copy(update={"timeout": timeout_s})
    return _send(action, target, target.base_url).content


def _send(action: HttpCall, target: Target, base_url: str) -> httpx.Response:
    where = f"{action.method} {base_url}{action.path}"
    try:
        # trust_env: a proxy that is meant for the outside must not get a loopback request, nor the token in it.
        with httpx.Client(timeout=action.timeout, trust_env=False) as client:
            response = client.request(action.method, base_url + action.path, json=action.body, headers=_headers(target))
    except httpx.TimeoutException as e:
        raise StepFailed(f"{where}: no answer within {action.timeout:g} s ({type(e).__name__})") from e
    except (httpx.HTTPError, httpx.InvalidURL) as e:
        raise StepFailed(f"{where}: {e}; expected status {action.expect_status}") from e
    if response.status_code != action.expect_status:
        raise StepFailed(
            f"{where}: answered {response.status_code}; expected {action.expect_status}; "
            f"it said: {_shortened(response.text)}"
        )
    return response


def _headers(target: Target) -> dict[str, str]:
    return {"Authorization": f"Bearer {target.token}"} if target.token else {}


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MOST_CHARS else f"{line[:_MOST_CHARS]}…"
