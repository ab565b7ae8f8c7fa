"""Keeps the load with the target: a redirect to another host or port is a failed request, and is not followed.

Where a service answers with a redirect to another machine, the load would otherwise go there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin, urlsplit

import requests
from geventhttpclient.useragent import CompatRequest

from leakdrill.load.in_locust.replaced_method import replace_method

if TYPE_CHECKING:
    from leakdrill.load.in_locust.replaced_method import Method

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_PORTS: Final = {"http": 80, "https": 443}


def stay_with_target() -> None:
    """Refuse redirects that lead elsewhere, for every HTTP user of this Locust from now on."""
    replace_method(requests.Session, "get_redirect_target", _checked_target)
    replace_method(CompatRequest, "redirect", _checked_redirect)


def leads_elsewhere(url: str, location: str) -> str:
    """Returns where a redirect of `url` to `location` leads; empty when it stays at its host and port."""
    try:
        there = urljoin(url, location)
        return "" if _place(url) == _place(there) else there
    except ValueError:
        return location


def _place(url: str) -> tuple[str, int | None]:
    parts = urlsplit(url)
    host = parts.hostname or ""
    return "loopback" if host in _LOOPBACK else host, parts.port or _PORTS.get(parts.scheme)


def _refusal(there: str) -> str:
    return f"redirected to {there[:200]}, which is not the target, and not followed"


def _checked_target(original: Method) -> Method:
    def get_redirect_target(self: requests.Session, response: requests.Response) -> Any:
        location = original(self, response)
        there = leads_elsewhere(str(response.url), location) if location else ""
        if there:
            raise requests.exceptions.TooManyRedirects(_refusal(there), response=response)
        return location

    return get_redirect_target


def _checked_redirect(original: Method) -> Method:
    def redirect(self: Any, code: int, location: str) -> None:
        there = leads_elsewhere(str(self.url), location)
        if there:
            raise ConnectionError(_refusal(there))
        original(self, code, location)

    return redirect
