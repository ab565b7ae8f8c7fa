"""Shell text as a tree. A text that would take the parser long is not parsed; nothing here recurses into the text."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

import tree_sitter_bash
from tree_sitter import Language, Parser

from leakdrill.runbooks.shell.placeholders import Bound, bind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

MOST_BYTES: Final = 100_000
MOST_OPERATORS: Final = 600
"""Of one line: the parser's time grows with the square of the pipes in it; 600 take 0.1 s."""
MOST_OPENED: Final = 2_000
"""Brackets, quotes and words that open something, in the whole text."""
OPERATORS: Final = re.compile(r"[|&;<]|\[\[|\$\{")
OPENERS: Final = re.compile(r"[(`{]|\b(?:if|case|for|while|until|select|function)\b|\[\[|\"\$")


class Tree:
    """A parsed text: the root of its tree, and the original text by position."""

    def __init__(self, bound: Bound, root: Node) -> None:
        self.bound = bound
        self.root = root
        self._ascii = bound.original.decode() if bound.original.isascii() else None

    def text(self, node: Node) -> str:
        """Returns the original text of a node."""
        return self.slice(node.start_byte, node.end_byte)

    def slice(self, start: int, end: int) -> str:
        """Returns the original text between two positions."""
        if self._ascii is not None:
            return self._ascii[start:end]
        return self.bound.original[start:end].decode("utf-8", "surrogateescape")

    def statements(self) -> Iterator[Node]:
        """Yields the statements at the top, without comments."""
        yield from (node for node in self.root.named_children if node.type != "comment")


def parse(text: str) -> Tree | None:
    """Parses a text with its placeholders bound; None when it is too long, too deep or no text at all."""
    if too_much(text) is not None:
        return None
    bound = bind(text)
    return Tree(bound, _parser().parse(bound.parseable).root_node)


def too_much(text: str) -> str | None:
    """Returns why a text is not parsed, as the end of a sentence; None when it can be."""
    if len(text) > MOST_BYTES:
        return f"is longer than {MOST_BYTES // 1000} kB"
    if "\0" in text:
        return "holds bytes that are no text"
    if any(len(OPERATORS.findall(line)) > MOST_OPERATORS for line in text.splitlines() if len(line) > MOST_OPERATORS):
        return f"has more than {MOST_OPERATORS} pipes and separators in one line"
    if len(OPENERS.findall(text)) > MOST_OPENED:
        return f"opens more than {MOST_OPENED} brackets"
    return None


def walk(node: Node) -> Iterator[Node]:
    """Yields a node and all below it, in the order of the text."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        yield one
        waiting.extend(reversed(one.children))


@cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_bash.language()))
