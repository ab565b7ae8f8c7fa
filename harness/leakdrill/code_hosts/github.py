"""The comments of a GitHub pull request: https://docs.github.com/en/rest/issues/comments."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from leakdrill.code_hosts.address import address_of
from leakdrill.code_hosts.answer import Answer, Id, Part
from leakdrill.code_hosts.api import Api, beginning
from leakdrill.code_hosts.comment import Comment
from leakdrill.errors import BadInput
from leakdrill.files import read_file
from leakdrill.units import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_API: Final = "https://api.github.com"
_BOT: Final = "github-actions[bot]"
"""Whoever writes with the token of a job."""
_ADDRESS_CHARS: Final = 300
_MOST_EVENT_BYTES: Final = 64 * 2**20
"""GitHub sends no event of more than 25 MB."""
_REPOSITORY: Final = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)


class _User(Part):
    login: str


class _Comment(Part):
    id: Id
    user: _User | None = None
    body: str | None = None
    html_url: str | None = None

    @property
    def address(self) -> str:
        return beginning(self.html_url or "", _ADDRESS_CHARS)


class _PullRequest(Part):
    number: Id


class _Event(Part):
    pull_request: _PullRequest | None = None


_COMMENT: Final[Answer[_Comment]] = Answer(_Comment, "a comment with its id")
_COMMENTS: Final[Answer[list[_Comment]]] = Answer(list[_Comment], "a list of comments")


class GitHubPullRequest:
    """The comments of pull request `number` of `repository` (`owner/name`), written by `author`."""

    most_bytes = 65_000
    """GitHub takes 65,536 characters."""

    def __init__(self, api: Api, repository: str, number: int, author: str = _BOT) -> None:
        self._api, self._comments = api, f"/repos/{repository}/issues/comments"
        self._of_pull_request = f"/repos/{repository}/issues/{number}/comments"
        self._author = author

    def own_comments(self) -> Iterator[Comment]:
        """Yields the comments of `author`, oldest first."""
        for one in self._api.pages(self._of_pull_request, _COMMENTS):
            if one.user is not None and one.user.login == self._author:
                yield Comment(one.id, one.body or "")

    def add(self, text: str) -> str:
        """Makes a comment, and returns its address."""
        return self._api.call("POST", self._of_pull_request, _COMMENT, {"body": text}).address

    def edit(self, comment: Comment, text: str) -> str:
        """Replaces the text of a comment, and returns its address."""
        return self._api.call("PATCH", f"{self._comments}/{comment.id}", _COMMENT, {"body": text}).address


def github_pull_request(environ: Mapping[str, str], *, number: int | None = None) -> GitHubPullRequest | None:
    """The pull request that this job is about, from the variables of its runner; None when it is about none.

    Raises:
        BadInput: when a variable is missing, or does not hold what it should.
    """
    number = number or _number(environ.get("GITHUB_EVENT_PATH", ""))
    if number is None:
        return None
    token = environ.get("GITHUB_TOKEN", "")
    if not token:
        raise BadInput("GITHUB_TOKEN is not set; expected the token of the job: `GITHUB_TOKEN: ${{ github.token }}`")
    repository = environ.get("GITHUB_REPOSITORY", "")
    if not _REPOSITORY.fullmatch(repository) or {".", ".."} & set(repository.split("/")):
        raise BadInput(f"GITHUB_REPOSITORY: found {quoted(repository)}; expected owner/name")
    headers = {
        "Authorization": f"Bearer {token}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
    }
    url = address_of("GITHUB_API_URL", environ.get("GITHUB_API_URL", "") or _API)
    api = Api(url, headers, [token])
    return GitHubPullRequest(api, repository, number, environ.get("LEAKDRILL_COMMENT_AUTHOR", "") or _BOT)


def job_address(environ: Mapping[str, str]) -> str:
    """Where the job can be read; empty where its runner does not say."""
    parts = [environ.get(name, "") for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")]
    return f"{parts[0]}/{parts[1]}/actions/runs/{parts[2]}" if all(parts) else ""


def _number(event_path: str) -> int | None:
    if not event_path:
        return None
    place = f"GITHUB_EVENT_PATH={event_path}: cannot be read as the event of a job"
    try:
        event = _Event.model_validate_json(read_file(Path(event_path), most_bytes=_MOST_EVENT_BYTES))
    except OSError as e:
        raise BadInput(f"{place}: {e.strerror}") from e
    except ValidationError as e:
        first = e.errors()[0]
        at = ".".join(map(str, first["loc"]))
        raise BadInput(f"{place}: {f'{at}: ' if at else ''}{first['msg']}") from e
    return event.pull_request.number if event.pull_request else None
