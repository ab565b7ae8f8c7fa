"""The comments of a GitHub pull request: https://docs.github.com/en/rest/issues/comments."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from leakdrill.code_hosts.api import Api
from leakdrill.code_hosts.comment import Comment
from leakdrill.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_BOT: Final = "github-actions[bot]"
"""Whoever writes with the token of a job."""
_REPOSITORY: Final = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)


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
        for one in self._api.pages(self._of_pull_request):
            if (one.get("user") or {}).get("login") == self._author:
                yield Comment(int(one["id"]), str(one.get("body") or ""))

    def add(self, text: str) -> str:
        """Makes a comment, and returns its address."""
        return _address(self._api.call("POST", self._of_pull_request, {"body": text}))

    def edit(self, comment: Comment, text: str) -> str:
        """Replaces the text of a comment, and returns its address."""
        return _address(self._api.call("PATCH", f"{self._comments}/{comment.id}", {"body": text}))


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
    if not _REPOSITORY.fullmatch(repository):
        raise BadInput(f'GITHUB_REPOSITORY: "{repository}"; expected owner/name')
    headers = {
        "Authorization": f"Bearer {token}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
    }
    api = Api(environ.get("GITHUB_API_URL", "") or "https://api.github.com", headers, [token])
    return GitHubPullRequest(api, repository, number, environ.get("LEAKDRILL_COMMENT_AUTHOR", "") or _BOT)


def job_address(environ: Mapping[str, str]) -> str:
    """Where the job can be read; empty where its runner does not say."""
    parts = [environ.get(name, "") for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")]
    return f"{parts[0]}/{parts[1]}/actions/runs/{parts[2]}" if all(parts) else ""


def _number(event_path: str) -> int | None:
    if not event_path:
        return None
    try:
        event: Any = json.loads(Path(event_path).read_text(encoding="utf-8"))
        number = (event.get("pull_request") or {}).get("number")
    except (OSError, ValueError, AttributeError) as e:
        raise BadInput(f"GITHUB_EVENT_PATH={event_path}: cannot be read as the event of a job") from e
    return number if isinstance(number, int) else None


def _address(answer: Any) -> str:
    return str(answer.get("html_url") or "") if isinstance(answer, dict) else ""
