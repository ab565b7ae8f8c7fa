"""The notes of a GitLab merge request: https://docs.gitlab.com/api/notes/#merge-requests."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from leakdrill.code_hosts.address import address_of
from leakdrill.code_hosts.answer import Answer, Id, Part
from leakdrill.code_hosts.api import Api
from leakdrill.code_hosts.comment import Comment
from leakdrill.errors import BadInput
from leakdrill.units import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class _User(Part):
    id: Id


class _Note(Part):
    id: Id
    author: _User | None = None
    body: str | None = None
    system: bool = False


_ME: Final[Answer[_User]] = Answer(_User, "the user of the token, with an id")
_NOTE: Final[Answer[_Note]] = Answer(_Note, "a note with its id")
_NOTES: Final[Answer[list[_Note]]] = Answer(list[_Note], "a list of notes")
_PROJECT: Final = re.compile(r"[\w./-]{1,500}", re.ASCII)
_IID: Final = re.compile(r"[1-9][0-9]{0,17}")


class GitLabMergeRequest:
    """The notes of merge request `iid` of `project`, written by whoever the token is of."""

    most_bytes = 900_000
    """GitLab takes 1,000,000 characters."""

    def __init__(self, api: Api, project: str, iid: str) -> None:
        self._api = api
        self._notes = f"/projects/{quote(project, safe='')}/merge_requests/{quote(iid, safe='')}/notes"

    def own_comments(self) -> Iterator[Comment]:
        """Yields our notes, oldest first."""
        me = self._api.call("GET", "/user", _ME)
        for one in self._api.pages(f"{self._notes}?sort=asc&order_by=created_at", _NOTES):
            if one.author == me and not one.system:
                yield Comment(one.id, one.body or "")

    def add(self, text: str) -> str:
        """Makes a note; GitLab tells no address of it."""
        self._api.call("POST", self._notes, _NOTE, {"body": text})
        return ""

    def edit(self, comment: Comment, text: str) -> str:
        """Replaces the text of a note; GitLab tells no address of it."""
        self._api.call("PUT", f"{self._notes}/{comment.id}", _NOTE, {"body": text})
        return ""


def gitlab_merge_request(environ: Mapping[str, str], *, number: int | None = None) -> GitLabMergeRequest | None:
    """The merge request that this job is about, from the variables of its runner; None when it is about none.

    Raises:
        BadInput: when a variable is missing, or does not hold what it should.
    """
    iid = str(number or environ.get("CI_MERGE_REQUEST_IID", ""))
    if not iid:
        return None
    if not _IID.fullmatch(iid):
        place = "--number" if number else "CI_MERGE_REQUEST_IID"
        raise BadInput(f"{place}: found {quoted(iid)}; expected the number of a merge request")
    token = environ.get("LEAKDRILL_GITLAB_TOKEN", "")
    if not token:
        raise BadInput(
            "LEAKDRILL_GITLAB_TOKEN is not set; expected an access token with the scope `api`",
            hint="the token of a job may not write notes; keep one as a masked variable of the project",
        )
    address, project = environ.get("CI_API_V4_URL", ""), environ.get("CI_PROJECT_ID", "")
    if not (address and project):
        raise BadInput("CI_API_V4_URL and CI_PROJECT_ID: expected both, as the runner of GitLab sets them")
    if not _PROJECT.fullmatch(project):
        raise BadInput(f"CI_PROJECT_ID: found {quoted(project)}; expected the number of a project, or GROUP/NAME")
    api = Api(address_of("CI_API_V4_URL", address), {"PRIVATE-TOKEN": token}, [token])
    return GitLabMergeRequest(api, project, iid)
