"""One comment: found again by a marker in it, edited when it is there, and made when it is not."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

_MARKER: Final = "<!-- leakdrill comment {} -->"


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment that is there: its id, and its text."""

    id: int
    text: str


class CommentHost(Protocol):
    """What keeps the comments of one pull request or merge request."""

    most_bytes: int
    """The longest text of a comment that the host takes."""

    def own_comments(self) -> Iterator[Comment]:
        """Yields the comments that we wrote, oldest first; those of others are never ours to change."""

    def add(self, text: str) -> str:
        """Makes a comment, and returns its address."""

    def edit(self, comment: Comment, text: str) -> str:
        """Replaces the text of a comment, and returns its address."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of the comment: `made`, `edited` or `left as it was`, and where it is."""

    done: str
    address: str


def marker(name: str) -> str:
    """The line by which the comment about `name` is found again; it is shown to nobody, and holds no text of `name`."""
    return _MARKER.format(hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:16])


def keep_comment(host: CommentHost, name: str, body: str) -> Kept:
    """Makes the comment about `name` say `body`: the oldest of ours is edited, and one is made where there is none.

    Raises:
        EnvironmentProblem: when the host does not answer, or does not allow it.
    """
    line = marker(name)
    text = f"{line}\n{body}"
    found = next((one for one in host.own_comments() if one.text.startswith(line)), None)
    if found is None:
        return Kept("made", host.add(text))
    if found.text.replace("\r\n", "\n").strip() == text.strip():
        return Kept("left as it was", "")
    return Kept("edited", host.edit(found, text))
