"""Requests to an API: JSON out, an answer of a known form back, and an error that says what was asked and answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import httpx

from leakdrill.errors import BadInput, EnvironmentProblem
from leakdrill.machine.http_access import Access
from leakdrill.machine.http_client import bounded_client
from leakdrill.masking import hide
from leakdrill.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from leakdrill.code_hosts.answer import Answer

T = TypeVar("T")
_TIMEOUT_S: Final = 30.0
_ERROR_CHARS: Final = 300
_ANSWER_CHARS: Final = 120
_MASKED_CHARS: Final = 16 * 1024
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

    def call(self, method: str, path: str, answer: Answer[T], body: Mapping[str, Any] | None = None) -> T:
        """Returns what the API answers.

        Raises:
            EnvironmentProblem: when it does not answer, not with success, or with something else than `answer`.
        """
        url = f"{self._base_url}{path}"
        try:
            response = self._client.request(method, url, json=body)
        except (httpx.HTTPError, httpx.InvalidURL) as e:
            raise EnvironmentProblem(f"{method} {url}: {e}") from e
        except ValueError as e:  # a host that cannot be looked up, a header that cannot be sent
            raise EnvironmentProblem(f"{method} {url}: cannot be asked: {e}") from e
        hint = self._hints.get(response.status_code, "")
        if not response.is_success:
            place = response.headers.get("location", "") if response.is_redirect else ""
            leads = f", which leads to {beginning(place, _ERROR_CHARS)} and is not followed" if place else ""
            text = _shown(response.content, _ERROR_CHARS)
            raise EnvironmentProblem(f"{method} {url}: answered {response.status_code}{leads}: {text}", hint=hint)
        try:
            return answer.read(response.content)
        except ValueError as e:
            found = _shown(response.content, _ANSWER_CHARS) or "nothing"
            raise EnvironmentProblem(
                f"{method} {url}: answered with {found}; expected {answer.expected} ({e})", hint=hint
            ) from e

    def pages(self, path: str, answer: Answer[list[T]]) -> Iterator[T]:
        """Yields the objects of a list, page after page; a page that is not full is the last.

        Raises:
            EnvironmentProblem: as `call` does; when there is no end of pages.
        """
        mark = "&" if "?" in path else "?"
        for page in range(1, _MOST_PAGES + 1):
            found = self.call("GET", f"{path}{mark}per_page={_PER_PAGE}&page={page}", answer)
            yield from found
            if len(found) < _PER_PAGE:
                return
        raise EnvironmentProblem(f"GET {self._base_url}{path}: has more than {_MOST_PAGES * _PER_PAGE:,} comments")


def beginning(text: str, most: int) -> str:
    """Returns the first `most` characters of what a server sent, on one line; no half of a secret is left at their end.

    Masking an answer of megabytes would take a minute; whatever is further back is not shown anyway.
    """
    line = printable(text[:_MASKED_CHARS])
    return line if len(line) <= most else f"{line[:most]}…"


def _shown(content: bytes, most: int) -> str:
    return beginning(content[: 4 * _MASKED_CHARS].decode("utf-8", "replace"), most)
