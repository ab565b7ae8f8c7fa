"""The Markdown of a runbook in parts: blocks of code, inline code, prose, headings and links, each with its line.

GitHub's tables are read, and what people put into HTML: `<pre>`, `<code>`, and fences inside `<details>` that
CommonMark takes for HTML because no blank line stands before them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from typing import TYPE_CHECKING, Final

from markdown_it import MarkdownIt

from leakdrill.errors import BadInput
from leakdrill.runbooks.fragment import Place
from leakdrill.runbooks.inline import Code, read_inline
from leakdrill.runbooks.runbook import Heading, Link, Paragraph

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from markdown_it.token import Token

DEEPEST: Final = 60
"""How deep lists and quotes may be nested: the parser calls itself for each."""
_FRONT_MATTER: Final = re.compile(r"\A(---|\+\+\+)[ \t]*\n(?:.*\n)*?\1[ \t]*(?:\n|\Z)")
_PRE: Final = re.compile(r"<pre\b[^>]*>\s*(?:<code\b[^>]*>)?(.*?)(?:</code>\s*)?</pre>", re.DOTALL | re.IGNORECASE)
_TAG: Final = re.compile(r"</?[a-zA-Z][^<>]*>")
_COMMENT: Final = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
"""What no reader sees."""
_FENCE: Final = re.compile(r"^ *(?:```|~~~)", re.MULTILINE)
_FENCED_INSIDE: Final = re.compile(r"\s*```([^\n`]*)\n(.*?)\n\s*```\s*", re.DOTALL)
"""A fence that is indented so far that CommonMark takes it for code."""
_INFO: Final = re.compile(r"\{?\.?(?:language-)?([A-Za-z][\w+#-]*)")


@dataclass(frozen=True)
class Block:
    """A block of code."""

    line: int
    """Of its first line of code, from 1."""
    text: str
    """Without fences and without the marks of lists and quotes; no line end at its end."""
    place: Place
    language: str
    section: tuple[str, ...]
    before: str
    """The prose directly before it; empty where a heading or another block is."""
    closed: bool = True
    """Whether the fence that opens it is closed."""


@dataclass
class Markdown:
    """What one file holds, each list in the order of the file."""

    blocks: list[Block]
    codes: list[Code]
    paragraphs: list[Paragraph]
    headings: list[Heading]
    links: list[Link]


def read_markdown(text: str, path: Path) -> Markdown:
    """Returns the parts of `text`, which errors name as `path`.

    Raises:
        BadInput: when lists and quotes are nested more than 60 deep.
    """
    reading = _Reading(text.split("\n"), path)
    reading.read(_without_front_matter(text), first_line=0)
    return reading.found


def _without_front_matter(text: str) -> str:
    found = _FRONT_MATTER.match(text)
    return "\n" * found[0].count("\n") + text[found.end() :] if found else text


class _Reading:
    """One walk over the tokens of a file; what was found, and the headings above."""

    def __init__(self, lines: Sequence[str], path: Path) -> None:
        self.lines = lines
        self.path = path
        self.found = Markdown([], [], [], [], [])
        self.above: list[tuple[int, str]] = []
        self.before = ""
        self.row: list[str] | None = None
        self.row_line = 0

    def read(self, text: str, first_line: int, *, in_html: bool = False) -> None:
        parser = MarkdownIt("commonmark", {"maxNesting": DEEPEST}).enable("table")
        if in_html:  # its tags are gone: what is left of them must not be read as HTML again and again
            parser.disable("html_block")
        tokens = parser.parse(text)
        for index, token in enumerate(tokens):
            if token.level >= DEEPEST - 1:
                line = (token.map or [0])[0] + first_line + 1
                raise BadInput(f"{self.path}:{line}: lists and quotes are nested more than {DEEPEST // 2} deep")
            self.take(tokens, index, first_line)

    def take(self, tokens: Sequence[Token], index: int, first_line: int) -> None:
        token = tokens[index]
        if token.type in ("fence", "code_block"):
            self.block(token, first_line)
        elif token.type == "html_block":
            self.html(token, first_line)
        elif token.type == "inline":
            self.inline(token, tokens[index - 1], first_line)
        elif token.type in ("tr_open", "tr_close"):
            self.table_row(token, first_line)

    @property
    def section(self) -> tuple[str, ...]:
        return tuple(title for _, title in self.above)

    def block(self, token: Token, first_line: int) -> None:
        start, end = token.map or [0, 0]
        fenced = token.type == "fence"
        closed = not fenced or (_closes(self.lines[first_line + end - 1], token) and end - start > 1)
        text = token.content.removesuffix("\n")
        if not text.strip() and closed:
            return
        place = Place.FENCE if fenced else Place.INDENTED
        line = first_line + start + (2 if fenced else 1)
        if not fenced and (inner := _FENCED_INSIDE.fullmatch(text)):
            place, line, text = Place.FENCE, line + 1, inner[2]
            token.info = inner[1]
        self.found.blocks.append(Block(line, text, place, _language(token.info), self.section, self.before, closed))
        self.before = ""

    def html(self, token: Token, first_line: int) -> None:
        """Takes what CommonMark leaves alone: a `<pre>`, and Markdown that follows a tag without a blank line."""
        start = first_line + (token.map or [0, 0])[0]
        content = _COMMENT.sub(lambda comment: "\n" * comment[0].count("\n"), token.content)
        if _FENCE.search(content):
            self.read(_TAG.sub("", content), start, in_html=True)
            return
        for pre in _PRE.finditer(content):
            text = unescape(_TAG.sub("", pre[1])).strip("\n")
            line = start + content.count("\n", 0, pre.start(1)) + 1 + pre[1].startswith("\n")
            if text.strip():
                self.found.blocks.append(Block(line, text, Place.FENCE, "", self.section, self.before))

    def inline(self, token: Token, opening: Token, first_line: int) -> None:
        start, end = token.map or [0, 0]
        start, end = first_line + start, first_line + end
        is_heading = opening.type == "heading_open"
        place = Place.TABLE if self.row is not None else Place.INLINE
        part = read_inline(token, self.lines[start:end], start + 1, place)
        if is_heading:
            self.heading(Heading(start + 1, int(opening.tag[1:]), part.text))
        elif self.row is not None:
            self.row.append(part.text)
        else:
            self.found.paragraphs.append(Paragraph(start + 1, part.text, self.section))
            self.before = part.text
        section = self.section
        self.found.codes += [Code(c.line, c.text, c.place, c.around, c.is_link, section) for c in part.codes]
        self.found.links += part.links

    def heading(self, heading: Heading) -> None:
        self.above = [one for one in self.above if one[0] < heading.level]
        self.above.append((heading.level, heading.text))
        self.found.headings.append(heading)
        self.before = ""

    def table_row(self, token: Token, first_line: int) -> None:
        if token.type == "tr_open":
            self.row, self.row_line = [], first_line + (token.map or [0])[0] + 1
        elif self.row is not None:
            self.found.paragraphs.append(Paragraph(self.row_line, " | ".join(self.row), self.section))
            self.row = None


def _closes(line: str, token: Token) -> bool:
    """Whether the last line of a fenced block is its closing fence, whatever marks of lists and quotes precede it."""
    return bool(re.search(rf"{re.escape(token.markup[0])}{{{len(token.markup)},}}[ \t]*$", line))


def _language(info: str) -> str:
    """`bash` of `bash`, `Bash {linenos=true}`, `{.bash}` and `language-bash`; empty where none is named."""
    words = info.strip().split()
    if words and words[0] in ("{code-block}", "{code}"):
        words = words[1:]
    found = _INFO.match(words[0]) if words else None
    return found[1].lower() if found else ""
