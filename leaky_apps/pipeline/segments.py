"""An episode cut into segments, and who is mentioned in each."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME: Final = re.compile(r"[A-Z][a-z]+ [A-Z][a-z]+")


@dataclass(slots=True, eq=False)
class Segment:
    """A stretch of talk.

    Attributes:
        document: where it belongs; None once the document was taken apart.
        index: its place there.
        text: what was said.
        names: the names in it, in order, each as often as it was said, one a line. A text and no list, because small
            objects share pages with everybody else's, and would keep them after the segment is gone.
    """

    document: Document | None
    index: int
    text: str
    names: str

    @property
    def mentions(self) -> list[str]:
        """The names in it, in order, each as often as it was said."""
        return self.names.splitlines()

    @property
    def entities(self) -> Counter[str]:
        """The number of mentions of each name."""
        return Counter(self.mentions)


@dataclass(slots=True, eq=False)
class Document:
    """An episode with its segments. Each knows the other, so only the cyclic collector can free them together."""

    episode: str
    segments: list[Segment] = field(default_factory=list)

    @property
    def characters(self) -> int:
        """Length of all segments."""
        return sum(len(segment.text) for segment in self.segments)

    @property
    def entities(self) -> Counter[str]:
        """The number of mentions of each name in the whole episode."""
        return sum((segment.entities for segment in self.segments), Counter())

    def take_apart(self) -> None:
        """Let the segments forget the document, so that both are freed as soon as nobody uses them."""
        for segment in self.segments:
            segment.document = None


def read_document(episode: str, transcript: str, *, max_segment_length: int) -> Document:
    """`transcript` as a document whose segments end with a sentence where they can."""
    document = Document(episode)
    for index, text in enumerate(split(transcript, max_segment_length)):
        document.segments.append(Segment(document, index, text, "\n".join(_NAME.findall(text))))
    return document


def split(transcript: str, longest: int) -> Iterator[str]:
    """Parts of `transcript` of at most `longest` characters, cut after a full stop where there is one."""
    start = 0
    while start < len(transcript):
        end = min(start + longest, len(transcript))
        if end < len(transcript):
            stop = transcript.rfind(". ", start, end)
            end = stop + 2 if stop >= start else end
        yield transcript[start:end]
        start = end
