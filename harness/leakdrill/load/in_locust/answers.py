"""What the target's answers are, whatever the locustfile makes of them: errors taken for success, nothing, detours."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin, urlsplit

from leakdrill.load.in_locust.counters import CRASHES_AS_SUCCESS, DIVERTED, ELSEWHERE, EMPTY, ERRORS_AS_SUCCESS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from leakdrill.load.in_locust.counters import Counters

_LOGIN: Final = re.compile(
    r"(^|[/_.-])(log-?_?in|sign-?_?in|sso|oauth2?|auth|authenticate|authorize)([/_.-]|$)", re.IGNORECASE
)
_LOOPBACK: Final = {"localhost", "127.0.0.1", "::1", "0.0.0.0"}  # noqa: S104 - compared with, and never bound to
_MOST_LANDINGS: Final = 100
_ERROR: Final = 400
_CRASH: Final = 500
_REDIRECT: Final = range(300, 400)


class Answers:
    """Counts the answers of one Locust process that are not what their success makes them look like."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._target: set[tuple[str | None, int | None]] = set()
        self._landings: dict[str, str] = {}

    def target_is(self, addresses: Iterable[str]) -> None:
        """Take `addresses` for the target from now on, besides those so far."""
        self._target.update(map(_place, addresses))

    def on_request(
        self,
        request_type: str = "",
        response: Any = None,
        exception: object = None,
        response_length: float | None = None,
        url: str | None = None,
        **_others: Any,
    ) -> None:
        """Handle Locust's `request` event."""
        if url and self._target and _place(url) not in self._target:
            self._counters.add(ELSEWHERE)
        status = getattr(response, "status_code", None)
        if not isinstance(status, int) or exception is not None:
            return
        if status >= _ERROR:
            self._counters.add(CRASHES_AS_SUCCESS if status >= _CRASH else ERRORS_AS_SUCCESS)
        if request_type == "GET":
            headers = response.headers or {}
            if status == 200 and not response_length and _says_nothing(headers):  # noqa: PLR2004 - other codes may
                self._counters.add(EMPTY)
            if url and (_history(response) or status in _REDIRECT) and self._diverted(url, _landing(url, response)):
                self._counters.add(DIVERTED)

    def _diverted(self, url: str, landing: str) -> bool:
        """Whether a request for `url` ended at a login page, or where requests for other pages ended as well."""
        wanted, reached = (urlsplit(place).path.rstrip("/") for place in (url, landing))
        if wanted == reached:
            return False
        if _LOGIN.search(reached):
            return not _LOGIN.search(wanted)
        if reached in self._landings or len(self._landings) < _MOST_LANDINGS:
            return self._landings.setdefault(reached, wanted) != wanted
        return False


def _says_nothing(headers: Any) -> bool:
    """Whether a response without content says that it has none: one that is streamed has no length either."""
    length = headers.get("content-length")
    return length == "0" if length is not None else "transfer-encoding" not in headers


def _landing(url: str, response: Any) -> str:
    """Returns where a redirect led: to the last address, or to that which nobody followed."""
    last = (_history(response) or [response])[-1]
    location = str(last.headers.get("location") or url)
    try:
        return urljoin(url, location)
    except ValueError:  # it is no address, and leads nowhere
        return url


def _history(response: Any) -> list[Any]:
    """The redirects behind a response; older clients do not keep them."""
    return list(getattr(response, "history", None) or [])


def _place(url: str) -> tuple[str | None, int | None]:
    try:
        parts = urlsplit(url)
        host = "loopback" if parts.hostname in _LOOPBACK else parts.hostname
        return host, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return url, None
