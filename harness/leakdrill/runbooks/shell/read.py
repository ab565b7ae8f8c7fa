"""A block of shell, taken apart into its commands, each with what it would do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.base.kind import FragmentKind
from leakdrill.runbooks.base.placeholder import Placeholder
from leakdrill.runbooks.shell.judge import Judge, Scope
from leakdrill.runbooks.shell.output import output_lines
from leakdrill.runbooks.shell.parse import Tree, parse, too_much, walk
from leakdrill.runbooks.shell.places import hosts_in, paths_in
from leakdrill.runbooks.shell.programs.effect import Effect, worst
from leakdrill.runbooks.shell.transcript import commands_of, is_open, is_transcript

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from leakdrill.runbooks.shell.judge import Judgement

ENVIRONMENT: Final = frozenset(
    """HOME PATH USER PWD OLDPWD HOSTNAME SHELL UID EUID LOGNAME LANG RANDOM SECONDS LINENO PPID BASH_SOURCE BASHPID FUNCNAME IFS OPTARG
    OPTIND PIPESTATUS REPLY TERM TMPDIR EDITOR BASH_REMATCH DISPLAY""".split()
)
"""Variables that every shell has: nobody needs to fill them in."""
MOST_JOINED: Final = 60
"""Lines that an open quote or here-document holds together at most: one that never closes must not take all."""
VARIABLE: Final = re.compile(r"\$\{?[#!]?([A-Za-z_]\w*)")


@dataclass(frozen=True)
class ShellCommand:
    """One command of a block: with its pipes and redirections, or a loop, a condition or a function as a whole."""

    line: int
    """The line of the file on which it begins."""
    end_line: int
    text: str
    kind: FragmentKind
    reason: str
    undo: str | None = None
    placeholders: tuple[Placeholder, ...] = ()
    tools: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    inner: tuple[str, ...] = ()
    parsed: bool = True


def read_shell(text: str, first_line: int = 1) -> list[ShellCommand]:
    """Returns the commands of a block of shell, in its order; lines that read as output are of the kind OUTPUT.

    Args:
        text: The block, without the fence. Of a console's transcript, the lines behind a prompt are read.
        first_line: The line of the file on which the block begins, from 1.
    """
    if is_transcript(text):
        return [command for part in commands_of(text) for command in _block(part.text, first_line + part.line)]
    return _block(text, first_line)


def _block(text: str, first_line: int) -> list[ShellCommand]:
    tree = parse(text)
    if tree is None:
        return [_unread(text, first_line, f"The block {too_much(text)}.")] if text.strip() else []
    lines = text.split("\n")
    printed = output_lines(_starts(tree, text))
    if not printed:
        return _commands(tree, text, first_line)
    typed = "\n".join("" if number in printed else line for number, line in enumerate(lines))
    own = parse(typed)
    commands = _commands(own, typed, first_line) if own is not None else []
    outputs = [_output(lines, begin, end, first_line) for begin, end in _runs(printed)]
    return sorted([*commands, *outputs], key=lambda command: command.line)


def _starts(tree: Tree, text: str) -> list[tuple[int, str]]:
    """Returns the lines on which statements start; where the parser is lost, every line that may be one."""
    if tree.root.has_error:
        return [(number, piece.split("\n")[0]) for number, piece in logical_lines(text)]
    lines = text.split("\n")
    found: dict[int, str] = {}
    for node in tree.statements():
        if node.start_point.row == node.end_point.row:
            found.setdefault(node.start_point.row, lines[node.start_point.row])
    return list(found.items())


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs


def _output(lines: list[str], begin: int, end: int, first_line: int) -> ShellCommand:
    text = "\n".join(lines[begin : end + 1])
    return ShellCommand(
        first_line + begin,
        first_line + end,
        text.strip("\n"),
        FragmentKind.OUTPUT,
        "It reads as what a command printed.",
    )


def _commands(tree: Tree, text: str, first_line: int) -> list[ShellCommand]:
    if not tree.root.has_error:
        return list(_statements(tree, first_line))
    return list(_pieces(text, tree, first_line))


def _statements(tree: Tree, first_line: int) -> Iterator[ShellCommand]:
    scope = Scope.of(tree)
    assigned = _assigned(tree)
    for node in tree.statements():
        yield _command(tree, node, scope, assigned, first_line)


def _command(tree: Tree, node: Node, scope: Scope, assigned: frozenset[str], first_line: int) -> ShellCommand:
    judgement = Judge(scope).statement(tree, node)
    effect = _effect(judgement)
    text = tree.text(node)
    trimmed = text.rstrip()
    begin = first_line + node.start_point.row
    return ShellCommand(
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


def _pieces(text: str, tree: Tree, first_line: int) -> Iterator[ShellCommand]:
    """Reads each logical line on its own where the whole does not parse: what can be read of it is."""
    pieces = list(logical_lines(text))
    assigned = _assigned(tree)
    for line, piece in pieces:
        own = parse(piece)
        if own is None:
            yield _unread(piece, first_line + line, f"The line {too_much(piece)}.")
            continue
        scope = Scope.of(own, Scope.of(tree))
        if own.root.has_error:
            command = _command(own, own.root, scope, assigned, first_line + line)
            yield ShellCommand(**{**vars(command), "text": piece.strip(), "parsed": False, "line": first_line + line,
                                  "end_line": first_line + line + piece.rstrip().count("\n")})  # fmt: skip
            continue
        for node in own.statements():
            yield _command(own, node, scope, assigned, first_line + line)


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yields the lines of a text from line 0, with those joined that a backslash, a pipe or `&&` carries on."""
    held: list[str] = []
    start = 0
    for number, line in enumerate(text.split("\n")):
        if not held:
            start = number
            if not line.strip() or line.lstrip().startswith("#"):
                continue
        held.append(line)
        if re.search(r"(?:\\|\||&&)\s*$", line) or (is_open("\n".join(held)) and number - start < MOST_JOINED):
            continue
        yield start, "\n".join(held)
        held = []
    if held:
        yield start, "\n".join(held)


def _unread(text: str, first_line: int, reason: str) -> ShellCommand:
    return ShellCommand(
        first_line, first_line + text.rstrip().count("\n"), text.strip(), FragmentKind.UNKNOWN, reason, parsed=False
    )


def _assigned(tree: Tree) -> frozenset[str]:
    """Returns the variables that a text sets itself."""
    names: set[str] = set()
    for node in walk(tree.root):
        if node.type in {"variable_assignment", "for_statement", "c_style_for_statement"}:
            named = node.child_by_field_name("name") or node.child_by_field_name("variable")
            if named is not None:
                names.add(tree.text(named).partition("[")[0].rstrip("+"))
        elif node.type == "command" and re.match(r"(?:read|mapfile|readarray|printf\s+-v|getopts)\b", tree.text(node)):
            names.update(re.findall(r"[A-Za-z_]\w*", tree.text(node)))
    return frozenset(names)


def _placeholders(tree: Tree, node: Node, assigned: frozenset[str]) -> tuple[Placeholder, ...]:
    spots = {(start, one) for start, end, one in tree.bound.spots if node.start_byte <= start and end <= node.end_byte}
    for one in walk(node):
        if one.type not in {"simple_expansion", "expansion"}:
            continue
        match = VARIABLE.match(tree.text(one))
        if match and match[1] not in assigned and match[1] not in ENVIRONMENT:
            spots.add((one.start_byte, Placeholder(tree.text(one), match[1])))
    return tuple(dict.fromkeys(one for _, one in sorted(spots, key=lambda spot: spot[0])))
