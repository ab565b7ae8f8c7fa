"""The inline parts of one paragraph, heading or cell: its plain text, its code and its links, each with its line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from leakdrill.runbooks.runbook import Link

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.token import Token

    from leakdrill.runbooks.fragment import Place


@dataclass(frozen=True)
class Code:
    """A stretch of inline code."""

    line: int
    text: str
    place: Place
    around: str
    """The text of its paragraph before it."""
    is_link: bool
    """Whether it is the text of a link."""
    section: tuple[str, ...] = ()


@dataclass
class Inline:
    """What one paragraph holds; `text` keeps its line ends."""

    text: str = ""
    codes: list[Code] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)


def read_inline(token: Token, lines: Sequence[str], first_line: int, place: Place) -> Inline:
    """Returns what `token` holds, which stands in `lines`; `first_line` is the number of the first of them."""
    return _Walk(lines, first_line, place).over(token.children or [])


class _Walk:
    """One walk over the children of an inline token, which have no lines of their own."""

    def __init__(self, lines: Sequence[str], first_line: int, place: Place) -> None:
        self.lines = lines
        self.first_line = first_line
        self.place = place
        self.at = 0
        self.found = Inline()
        self.link: tuple[str, int] | None = None
        self.html_code: str | None = None

    def over(self, children: Sequence[Token]) -> Inline:
        for child in children:
            self.take(child)
        self.found.text = self.found.text.strip()
        return self.found

    def take(self, child: Token) -> None:
        if child.type in ("softbreak", "hardbreak"):
            self.at = min(self.at + 1, max(len(self.lines) - 1, 0))
            self.add("\n")
        elif child.type == "code_inline":
            self.code(child.content)
        elif child.type == "html_inline":
            self.html(child.content.lower())
        elif child.type == "link_open":
            self.link = (str(child.attrGet("href") or ""), len(self.found.text))
        elif child.type == "link_close" and self.link:
            target, start = self.link
            self.found.links.append(Link(self.line, target, self.found.text[start:]))
            self.link = None
        elif child.type == "image":
            self.found.links.append(Link(self.line, str(child.attrGet("src") or ""), child.content))
        else:
            self.add(child.content)

    @property
    def line(self) -> int:
        return self.first_line + self.at

    def add(self, text: str) -> None:
        self.found.text += text
        if self.html_code is not None:
            self.html_code += text

    def code(self, text: str) -> None:
        self.at = self.line_of(text.split(" ", 1)[0], self.at)
        self.found.codes.append(Code(self.line, text, self.place, self.found.text, self.link is not None))
        self.add(text)
        self.at = self.line_of(text.rsplit(" ", 1)[-1], self.at)

    def html(self, tag: str) -> None:
        if tag.startswith(("<code", "<kbd")):
            self.html_code = ""
        elif tag.startswith(("</code", "</kbd")) and self.html_code is not None:
            text, self.html_code = self.html_code, None
            around = self.found.text.removesuffix(text)
            self.found.codes.append(Code(self.line, text, self.place, around, is_link=False))
        elif tag.startswith("<br"):
            self.add("\n" if self.place.value != "table" else " ")

    def line_of(self, word: str, start: int) -> int:
        """The first line from `start` on that holds `word`: code may go on over the end of a line."""
        return next((at for at in range(start, len(self.lines)) if word in self.lines[at]), start)
