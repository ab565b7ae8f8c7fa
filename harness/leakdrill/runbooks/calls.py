"""The programs that a command calls, with their words: what several findings look at."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.shell.parse import parse, walk
from leakdrill.runbooks.shell.words import word

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tree_sitter import Node

    from leakdrill.runbooks.fragment import Fragment
    from leakdrill.runbooks.shell.parse import Tree

Words = tuple[str, ...]

_PREFIXES: Final = {
    "sudo": {"-u", "-g", "-h", "-p", "-C", "--user", "--group"},
    "doas": {"-u"},
    "time": set[str](),
    "nohup": set[str](),
    "nice": {"-n"},
    "ionice": {"-c", "-n"},
    "env": {"-u"},
    "command": set[str](),
    "exec": set[str](),
    "stdbuf": {"-i", "-o", "-e"},
    "timeout": {"-s", "-k"},
    "xargs": {"-n", "-I", "-P", "-L", "-d", "-a", "-i"},
    "watch": {"-n", "--interval"},
}
"""Programs that run another, each with its options that take a value."""
_OF_EXEC: Final = {"-u", "-w", "-e", "--user", "--workdir", "--env", "--env-file", "--index", "--detach-keys"}
_ENGINES: Final = frozenset({"docker", "podman", "nerdctl", "docker-compose", "podman-compose"})
_CLUSTERS: Final = frozenset({"kubectl", "oc", "k", "microk8s.kubectl", "k3s"})
_OTHER_PARTS: Final = frozenset(
    {"variable_assignment", "file_redirect", "heredoc_redirect", "herestring_redirect", "comment"}
)


def pipelines(fragment: Fragment) -> list[tuple[Words, ...]]:
    """Returns the pipelines of a command and of those that it runs elsewhere, each as the words of its parts."""
    return [found for text in (fragment.text, *fragment.inner) for found in _pipelines(text)]


def calls(fragment: Fragment) -> list[Words]:
    """Returns the words of each program that a command calls, behind `sudo`, `docker exec` and the like, each once."""
    found = [part for pipeline in pipelines(fragment) for part in pipeline]
    return list(dict.fromkeys([*found, *(innermost(words) for words in found)]))


@lru_cache(maxsize=4096)
def _pipelines(text: str) -> tuple[tuple[Words, ...], ...]:
    tree = parse(text)
    return () if tree is None else tuple(_in_tree(tree))


def _in_tree(tree: Tree) -> Iterator[tuple[Words, ...]]:
    for node in walk(tree.root):
        if node.type == "pipeline":
            parts = [_command(child) for child in node.named_children]
            yield tuple(_words(tree, part) for part in parts if part is not None)
        elif node.type == "command" and not _is_in_pipeline(node):
            yield (_words(tree, node),)


def _command(node: Node) -> Node | None:
    """The command of one part of a pipeline, which may have redirections."""
    while node.type == "redirected_statement" and node.named_children:
        node = node.named_children[0]
    return node if node.type == "command" else None


def _is_in_pipeline(node: Node) -> bool:
    parent = node.parent
    while parent is not None and parent.type == "redirected_statement":
        parent = parent.parent
    return parent is not None and parent.type == "pipeline"


def _words(tree: Tree, node: Node) -> Words:
    words: list[str] = []
    for child in node.named_children:
        if child.type == "command_name":
            words += [word(tree, part).text for part in child.named_children] or [tree.text(child)]
        elif child.type not in _OTHER_PARTS:
            words.append(word(tree, child).text)
    return tuple(words)


def program(words: Sequence[str]) -> str:
    """Returns the name of the program that `words` call, without its folder."""
    return words[0].rsplit("/", 1)[-1] if words else ""


def innermost(words: Words) -> Words:
    """Returns the words of the command that runs in the end, behind `sudo`, `docker exec NAME`, `kubectl exec … --`."""
    for _ in range(10):
        inner = _inner(words)
        if not inner:
            return words
        words = inner
    return words


def _inner(words: Words) -> Words:
    name = program(words)
    if name in _PREFIXES:
        rest = after_options(words[1:], _PREFIXES[name])
        rest = rest[1:] if name == "timeout" else rest
        while name == "env" and rest and "=" in rest[0]:
            rest = rest[1:]
        return tuple(rest[0].split()) if len(rest) == 1 and " " in rest[0] else rest
    if name in _ENGINES:
        at = 2 if words[1:2] == ("compose",) else 1
        return after_options(words[at + 1 :], _OF_EXEC)[1:] if words[at : at + 1] == ("exec",) else ()
    if name in _CLUSTERS and "exec" in words[1:] and "--" in words:
        return words[words.index("--") + 1 :]
    return ()


def after_options(words: Words, with_value: set[str] | frozenset[str]) -> Words:
    """Returns `words` from the first that is no option and no value of one."""
    at = 0
    while at < len(words) and words[at].startswith("-") and words[at] != "-":
        if words[at] == "--":
            return words[at + 1 :]
        at += 2 if words[at] in with_value else 1
    return words[at:]


def has_short(words: Sequence[str], letter: str) -> bool:
    """Returns whether a cluster of short options, such as `-it`, has `letter`."""
    return any(re.fullmatch(rf"-[A-Za-z]*{letter}[A-Za-z]*", one) for one in words)
