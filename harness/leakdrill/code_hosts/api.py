"""Requests to the API of a code host: JSON out, JSON back, and an error that says what was asked and answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import httpx

from leakdrill.errors import BadInput, EnvironmentProblem
from leakdrill.machine.http_access import Access
from leakdrill.machine.http_client import bounded_client
from leakdrill.masking import hide

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_TIMEOUT_S: Final = 30.0
_ERROR_CHARS: Final = 300
_PER_PAGE: Final = 100
_MOST_PAGES: Final = 50
_HINTS: Final = {
    401: "the token is not valid, or has expired",
    403: "the token may not do this: on GitHub the job needs `permissions: pull-requests: write`, and a pull request "
    "from a fork has a token that only reads; on GitLab the token needs the scope `api`",
    404: "the token may not see it, or the number is of no pull request or merge request there",
}


class Api:
    """The API below `base_url`; every request carries `headers`, whose `secrets` are masked wherever they turn up.

    `hints` says what to do about a status that is no success.

    Raises:
        BadInput: when a header cannot be sent.
    """

    def __init__(
        self, base_url: str, headers: Mapping[str, str], secrets: Iterable[str], *, hints: Mapping[int, str] = _HINTS
    ) -> None:
        for secret in secrets:
            hide(secret)
        if not all(value.isascii() and value.isprintable() for value in headers.values()):
            raise BadInput("the token holds a line end, or another character that no header can carry")
        self._hints = hints
        self._base_url = base_url.rstrip("/")
        self._client = bounded_client(
            timeout_s=_TIMEOUT_S, access=Access(headers={**headers, "User-Agent": "leakdrill"})
        )

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Returns what the API answers, read from JSON.

        Raises:
            EnvironmentProblem: when it does not answer, or not with success.
        """
        url = f"{self._base_url}{path}"
        try:
            response = self._client.request(method, url, json=body)
            if response.is_success:
                return response.json() if response.content.strip() else {}
        except (httpx.HTTPError, httpx.InvalidURL) as e:
            raise EnvironmentProblem(f"{method} {url}: {e}") from e
        except (ValueError, RecursionError) as e:
            raise EnvironmentProblem(f"{method} {url}: answered with something else than JSON") from e
        text = " ".join(response.text.split())[:_ERROR_CHARS]
        raise EnvironmentProblem(
            f"{method} {url}: answered {response.status_code}: {text}", hint=self._hints.get(response.status_code, "")
        )

    def pages(self, path: str) -> Iterator[dict[str, Any]]:
        """Yields the objects of a list, page after page; a page that is not full is the last.

        Raises:
            EnvironmentProblem: as `call` does.
        """
        mark = "&" if "?" in path else "?"
        for page in range(1, _MOST_PAGES + 1):
            found = self.call("GET", f"{path}{mark}per_page={_PER_PAGE}&page={page}")
            yield from (one for one in found if isinstance(one, dict))
            if len(found) < _PER_PAGE:
                return
