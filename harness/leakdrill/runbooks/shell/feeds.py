"""What each part of a piece of shell reads from its standard input: a pipe, a file, or text that stands there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.shell.words import word

if TYPE_CHECKING:
    from tree_sitter import Node

    from leakdrill.runbooks.shell.parse import Tree

INPUT: Final = frozenset({"<", "<&", "<>"})
SPEAKERS: Final = frozenset({"echo", "printf"})


@dataclass(frozen=True)
class Feed:
    """The standard input of a command."""

    text: str | None = None
    """What it holds, where that is known."""
    fed: bool = False
    """Whether it is a pipe or a file rather than what the shell itself has."""

    @classmethod
    def of_command(cls, tree: Tree, node: Node) -> Feed:
        """Returns what `<<<` hands to a command."""
        strings = [child for child in node.named_children if child.type == "herestring_redirect"]
        held = [word(tree, string.named_children[-1]) for string in strings if string.named_children]
        return cls(held[-1].text if held and held[-1].literal else None, fed=True)


def feeds_of(tree: Tree, node: Node, feed: Feed) -> list[tuple[Node, Feed]]:
    """Returns the parts of a node, each with its own standard input."""
    if node.type == "pipeline":
        return _pipeline(tree, node, feed)
    if node.type == "redirected_statement":
        own = _redirected(tree, node, feed)
        return [(child, own) for child in node.children]
    if node.type == "heredoc_redirect":
        return _heredoc(tree, node, feed)
    if node.type in {"command", "command_substitution", "process_substitution", "file_redirect"}:
        return [(child, Feed()) for child in node.children]
    return [(child, feed) for child in node.children]


def _pipeline(tree: Tree, node: Node, feed: Feed) -> list[tuple[Node, Feed]]:
    parts: list[tuple[Node, Feed]] = []
    current = feed
    for child in node.children:
        parts.append((child, current))
        if child.is_named:
            current = Feed(_said(tree, child, current), fed=True)
    return parts


def _redirected(tree: Tree, node: Node, feed: Feed) -> Feed:
    own = feed
    for redirect in node.children_by_field_name("redirect"):
        if redirect.type == "heredoc_redirect":
            own = Feed(_body(tree, redirect), fed=True)
        elif redirect.type == "herestring_redirect":
            held = word(tree, redirect.named_children[-1]) if redirect.named_children else None
            own = Feed(held.text if held and held.literal else None, fed=True)
        elif any(child.type in INPUT for child in redirect.children):
            own = Feed(None, fed=True)
    return own


def _heredoc(tree: Tree, node: Node, feed: Feed) -> list[tuple[Node, Feed]]:
    """The parser puts what follows `<<EOF |` below the redirection: it reads what the first command passes on."""
    owner = node.parent.child_by_field_name("body") if node.parent is not None else None
    passed = Feed(_said(tree, owner, feed) if owner is not None else None, fed=True)
    return [
        (child, passed if child.type in {"pipeline", "command", "redirected_statement"} else Feed())
        for child in node.children
    ]


def _body(tree: Tree, heredoc: Node) -> str | None:
    return next((tree.text(child) for child in heredoc.named_children if child.type == "heredoc_body"), None)


def _said(tree: Tree, node: Node, feed: Feed) -> str | None:
    """Returns what a command writes to its output, where that can be read: echo, printf, cat of its own input."""
    if node.type == "redirected_statement":
        body = node.child_by_field_name("body")
        redirects = node.children_by_field_name("redirect")
        if body is None or any(redirect.type == "file_redirect" for redirect in redirects):
            return None
        return _said(tree, body, _redirected(tree, node, feed))
    name = node.child_by_field_name("name") if node.type == "command" else None
    if name is None:
        return None
    arguments = [word(tree, one) for one in node.children_by_field_name("argument")]
    if tree.text(name) == "cat" and not [one for one in arguments if one.text != "-"]:
        return feed.text
    while arguments and arguments[0].text in {"-e", "-n", "-ne", "-en"}:
        arguments = arguments[1:]
    if tree.text(name) not in SPEAKERS or not all(one.literal for one in arguments):
        return None
    said = " ".join(one.text for one in arguments)
    if tree.text(name) == "printf" and "%" in said:
        return None
    return said.replace("\\n", "\n").replace("\\r", "\r")
