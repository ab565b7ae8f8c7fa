"""The words of a command: quotes taken off, and what only the running shell knows marked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.shell.programs.word import Word

if TYPE_CHECKING:
    from tree_sitter import Node

    from leakdrill.runbooks.shell.parse import Tree

SEVERAL: Final = re.compile(r"opt|arg|flag|param|cmd|command|extra", re.IGNORECASE)
"""In the name of a variable or placeholder that may stand for options."""
ALL_OF: Final = re.compile(r"\$[@*]|\$\{[@*]|\[[@*]\]\}")
BRACES: Final = re.compile(r"\{[^{}\s]*(?:,|\.\.)[^{}\s]*\}")
ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
ESCAPED_IN_QUOTES: Final = re.compile(r"\\([$`\"\\])")
LINE_GOES_ON: Final = re.compile(r"\\\r?\n")


def word(tree: Tree, node: Node) -> Word:
    """Returns the word that a node of the tree stands for."""
    parts = node.children if node.type == "concatenation" else [node]
    texts, literal, many, bare = [], True, False, []
    at = node.start_byte
    for part in parts:
        if part.start_byte > at:  # the parser leaves some characters between the parts of a word out
            texts.append(tree.slice(at, part.start_byte))
        at = part.end_byte
        text, is_literal, is_many = _part(tree, part)
        texts.append(text)
        literal, many = literal and is_literal, many or is_many
        bare.append(tree.text(part) if part.type in {"word", "brace_expression"} or not part.is_named else "x")
    if BRACES.search("".join(bare)):
        literal, many = False, many or "".join(texts).startswith(("-", "{"))
    placeholders = tree.bound.within(node.start_byte, node.end_byte)
    if placeholders:
        literal = False
        whole = "".join(texts)
        many = many or any(whole == one.text and _is_several(one.name) for one in placeholders)
    return Word("".join(texts), literal, many, node.start_byte, node.end_byte)


def _is_several(name: str) -> bool:
    return name in {"...", "…"} or bool(SEVERAL.search(name))


def _part(tree: Tree, node: Node) -> tuple[str, bool, bool]:
    """Returns the text of a part of a word, whether it is literal, and whether it may be several words."""
    text = tree.text(node)
    if node.type == "raw_string":
        return text[1:-1], True, False
    if node.type in {"string", "translated_string"}:
        inner = LINE_GOES_ON.sub("", text.removeprefix("$")[1:-1])
        literal = all(child.type == "string_content" for child in node.named_children)
        return ESCAPED_IN_QUOTES.sub(r"\1", inner), literal, bool(not literal and ALL_OF.search(inner))
    if node.type == "ansi_c_string":
        inner = text[2:-1]
        return inner, "\\" not in inner, False
    if node.type in {"simple_expansion", "expansion"}:
        return text, False, bool(ALL_OF.search(text) or SEVERAL.search(text))
    if node.type in {"word", "number", "test_operator", "variable_name"} or not node.is_named:
        plain = ESCAPED.sub(r"\1", LINE_GOES_ON.sub("", text))
        return plain, not any(character in text for character in "*?["), False
    return text, False, False
