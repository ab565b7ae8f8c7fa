"""A block of shell, taken apart into its commands, each with what it would do."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.base.kind import FragmentKind
from leakdrill.runbooks.base.placeholder import Placeholder
from leakdrill.runbooks.base.statement import Statement
from leakdrill.runbooks.shell.judge import NOT_READ, Judge, Scope
from leakdrill.runbooks.shell.parse import Tree, too_much, walk
from leakdrill.runbooks.shell.pieces import Piece, pieces
from leakdrill.runbooks.shell.places import hosts_in, paths_in
from leakdrill.runbooks.shell.programs.effect import Effect, worst

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from leakdrill.runbooks.shell.judge import Judgement

ENVIRONMENT: Final = frozenset(
    """HOME PATH USER PWD OLDPWD HOSTNAME SHELL UID EUID LOGNAME LANG RANDOM SECONDS LINENO PPID BASH_SOURCE BASHPID FUNCNAME IFS OPTARG
    OPTIND PIPESTATUS REPLY TERM TMPDIR EDITOR BASH_REMATCH DISPLAY""".split()
)
"""Variables that every shell has: nobody needs to fill them in."""
ASSIGNS: Final = re.compile(rb"=|\b(?:for|read|mapfile|readarray|printf|getopts|select)\b")
"""What a text has that sets a variable."""
VARIABLE: Final = re.compile(r"\$\{?[#!]?([A-Za-z_]\w*)")


def read_shell(text: str, first_line: int = 1) -> list[Statement]:
    """Returns the commands of a text that is shell and nothing else, in its order.

    Args:
        text: What is typed, without fence, prompt and output: `leakdrill.runbooks.transcript` takes those away.
        first_line: The line of the file on which the text begins, from 1.
    """
    return [replace(one, line=one.line + first_line, end_line=one.end_line + first_line) for one in _read(text)]


@lru_cache(maxsize=1024)
def _read(text: str) -> tuple[Statement, ...]:
    """The commands of a text whose first line is 0: runbooks say the same again and again."""
    return tuple(_commands(pieces(text)))


def _commands(parts: list[Piece]) -> list[Statement]:
    scope = Scope()
    assigned: frozenset[str] = frozenset()
    for part in parts:
        if part.tree is not None:
            scope = Scope.of(part.tree, scope)
            assigned |= _assigned(part.tree)
    return [command for part in parts for command in _of_piece(part, scope, assigned, part.line)]


def _of_piece(part: Piece, scope: Scope, assigned: frozenset[str], first_line: int) -> Iterator[Statement]:
    if part.tree is None:
        if part.text.strip():
            yield _unread(part.text, first_line, f"The block {too_much(part.text)}.")
        return
    if part.sound:
        for node in part.tree.statements():
            yield _command(part.tree, node, scope, assigned, first_line)
        return
    command = _command(part.tree, part.tree.root, scope, assigned, first_line)
    kind, reason = command.kind, command.reason
    if kind is not FragmentKind.DESTRUCTIVE:
        kind, reason = FragmentKind.UNKNOWN, reason if kind is FragmentKind.UNKNOWN else NOT_READ
    end_line = first_line + part.text.rstrip().count("\n")
    text = part.text.strip()
    yield replace(
        command, line=first_line, end_line=end_line, text=text, kind=kind, reason=reason, undo=None, parsed=False
    )


def _command(tree: Tree, node: Node, scope: Scope, assigned: frozenset[str], first_line: int) -> Statement:
    judgement = Judge(scope).statement(tree, node)
    effect = _effect(judgement)
    text = tree.text(node)
    trimmed = text.rstrip()
    begin = first_line + node.start_point.row
    return Statement(
        line=begin,
        end_line=begin + trimmed.count("\n"),
        text=trimmed,
        kind=effect.kind,
        reason=effect.reason,
        undo=effect.undo,
        placeholders=_placeholders(tree, node, assigned),
        tools=tuple(judgement.tools),
        paths=paths_in(judgement.words),
        hosts=hosts_in(judgement),
        inner=tuple(judgement.inner),
        parsed=judgement.parsed and not node.has_error,
    )


def _effect(judgement: Judgement) -> Effect:
    if not judgement.effects:
        return Effect(FragmentKind.LOOK, "It does nothing.")
    return worst(judgement.effects)


def _unread(text: str, first_line: int, reason: str) -> Statement:
    return Statement(
        first_line, first_line + text.rstrip().count("\n"), text.strip(), FragmentKind.UNKNOWN, reason, parsed=False
    )


def _assigned(tree: Tree) -> frozenset[str]:
    """Returns the variables that a text sets itself."""
    names: set[str] = set()
    for node in walk(tree.root) if ASSIGNS.search(tree.bound.original) else ():
        if node.type in {"variable_assignment", "for_statement", "c_style_for_statement"}:
            named = node.child_by_field_name("name") or node.child_by_field_name("variable")
            if named is not None:
                names.add(tree.text(named).partition("[")[0].rstrip("+"))
        elif node.type == "command" and re.match(r"(?:read|mapfile|readarray|printf\s+-v|getopts)\b", tree.text(node)):
            names.update(re.findall(r"[A-Za-z_]\w*", tree.text(node)))
    return frozenset(names)


def _placeholders(tree: Tree, node: Node, assigned: frozenset[str]) -> tuple[Placeholder, ...]:
    spots = {(start, one) for start, end, one in tree.bound.spots if node.start_byte <= start and end <= node.end_byte}
    for one in walk(node) if b"$" in tree.bound.original else ():
        if one.type not in {"simple_expansion", "expansion"}:
            continue
        match = VARIABLE.match(tree.text(one))
        if match and match[1] not in assigned and match[1] not in ENVIRONMENT:
            spots.add((one.start_byte, Placeholder(tree.text(one), match[1])))
    return tuple(dict.fromkeys(one for _, one in sorted(spots, key=lambda spot: spot[0])))
