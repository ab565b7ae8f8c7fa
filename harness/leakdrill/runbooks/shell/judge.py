"""What a piece of shell does: every command in it is judged, inner ones too, and the worst effect is the effect of all."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.shell import assignments, known
from leakdrill.runbooks.shell.feeds import Feed, feeds_of
from leakdrill.runbooks.shell.parse import Tree, too_much, walk
from leakdrill.runbooks.shell.pieces import pieces
from leakdrill.runbooks.shell.programs.call import Call
from leakdrill.runbooks.shell.programs.effect import Effect, Inner, look, unknown
from leakdrill.runbooks.shell.redirections import redirection
from leakdrill.runbooks.shell.words import word

if TYPE_CHECKING:
    from tree_sitter import Node

    from leakdrill.runbooks.shell.programs.word import Word

NOT_READ: Final = "The shell's parser does not read all of it."
DEEPEST: Final = 12
"""Commands within commands: `ssh h sudo docker exec c sh -c '…'` has four."""
MOST_CALLS: Final = 20_000
MOST_INNER: Final = 50_000

GRAMMAR: Final = frozenset(
    """program list pipeline redirected_statement subshell compound_statement if_statement elif_clause else_clause while_statement
    for_statement c_style_for_statement case_statement case_item do_group negated_command test_command command_name word number
    string string_content raw_string ansi_c_string translated_string concatenation brace_expression simple_expansion expansion
    special_variable_name variable_name command_substitution process_substitution arithmetic_expansion binary_expression
    unary_expression postfix_expression ternary_expression parenthesized_expression test_operator regex extglob_pattern array
    subscript file_descriptor heredoc_redirect heredoc_start heredoc_body heredoc_content heredoc_end herestring_redirect comment
    variable_assignments""".split()
)
"""What of the grammar does nothing by itself; what stands in it is judged on its own."""


NOTE: Final = re.compile(
    r"[ \t]{2}[\u2190\u2192\u21d0\u21d2\u25c0\u25c4\u25b6\u25ba](?:(?![\u2190-\u21ff\u2500-\u25ff]).)*$"
)
"""A remark of the writer behind a command: an arrow after some blanks, and no other."""
PRINTERS: Final = frozenset({"echo", "printf"})
OPERATORS: Final = frozenset({"=", "==", "===", "!=", ":=", "+=", "=>", "->"})
"""What stands behind a name in source code and in settings."""
DRAWN: Final = re.compile(r"[\u2190-\u21ff\u2500-\u25ff\u27f5-\u27ff]")
"""Arrows, boxes and triangles: what stands in no command outside quotes."""
LEAVES: Final = frozenset({"word", "regex", "string_content", "heredoc_content", "heredoc_body", "extglob_pattern"})
DEFINES: Final = re.compile(rb"\(\s*\)|\bfunction\b|alias")
"""What a text has that defines a function or an alias."""
BACKQUOTED: Final = re.compile(r"(?<!\\)`([^`]*)(?<!\\)`")


@dataclass
class Judgement:
    """What was found in a piece of shell."""

    effects: list[Effect] = field(default_factory=list)
    tools: dict[str, None] = field(default_factory=dict)
    words: list[Word] = field(default_factory=list)
    """Every word of every command: paths and hosts are read from them."""
    hosts: dict[str, None] = field(default_factory=dict)
    inner: dict[str, None] = field(default_factory=dict)
    parsed: bool = True
    calls: int = 0
    inner_characters: int = 0


@dataclass(frozen=True)
class Scope:
    """What a text defines for itself: its functions, and the words whose meaning it changes."""

    functions: dict[str, tuple[Tree, Node]] = field(default_factory=dict)
    renamed: frozenset[str] = frozenset()

    @classmethod
    def of(cls, tree: Tree, outer: Scope | None = None) -> Scope:
        """Returns the scope of a text, within that of the text that runs it."""
        functions = dict(outer.functions) if outer else {}
        renamed = set(outer.renamed) if outer else set()
        for node in walk(tree.root) if DEFINES.search(tree.bound.parseable) else ():
            if node.type == "function_definition":
                name = node.child_by_field_name("name")
                if name is not None:
                    text = tree.text(name)
                    if text in functions:
                        renamed.add(text)
                    functions[text] = (tree, node)
            elif node.type == "command" and tree.text(node).startswith("alias"):
                renamed.update(re.findall(r"([\w.-]+)=", tree.text(node)))
        return cls(functions, frozenset(renamed))


class Judge:
    """Judges one statement with all that it runs."""

    def __init__(self, scope: Scope, result: Judgement | None = None) -> None:
        self.scope = scope
        self.result = result or Judgement()
        self._called: set[str] = set()
        self._running: set[str] = set()

    def statement(self, tree: Tree, node: Node, feed: Feed | None = None, depth: int = 0) -> Judgement:
        """Judges a node of a tree; `feed` is what its standard input holds."""
        waiting: list[tuple[Node, Feed]] = [(node, feed or Feed())]
        while waiting:
            one, its_feed = waiting.pop()
            self._node(tree, one, its_feed, depth)
            self._hidden(tree, one, depth)
            waiting.extend(reversed(feeds_of(tree, one, its_feed)))
        return self.result

    def _node(self, tree: Tree, node: Node, feed: Feed, depth: int) -> None:
        kind = node.type
        if kind == "ERROR" or node.is_missing:
            self.result.parsed = False
            self._add(unknown(NOT_READ))
        elif kind == "test_command" and tree.slice(node.start_byte, node.start_byte + 2).strip("[( \n\t"):
            self._add(unknown("It begins as a test does, without the space that a test needs."))
        elif not node.is_named or kind in GRAMMAR:
            return
        elif kind == "command":
            self._command(tree, node, feed, depth)
        elif kind == "file_redirect":
            self._redirect(tree, node)
        elif kind in {"variable_assignment", "declaration_command", "unset_command"}:
            self._add(assignments.judged(tree, node))
        elif kind != "function_definition":
            self._add(unknown(f"Shell of this form is not understood: {kind.replace('_', ' ')}."))

    def _redirect(self, tree: Tree, node: Node) -> None:
        self._add(redirection(tree, node, alone=_says_nothing(tree, node)))
        destination = node.child_by_field_name("destination")
        if destination is not None and destination.type != "number":
            self.result.words.append(word(tree, destination))

    def _hidden(self, tree: Tree, node: Node, depth: int) -> None:
        if node.type in LEAVES and (node.type == "heredoc_body" or not node.child_count):
            for hidden in hidden_commands(tree, node):
                self.text(hidden, Feed(), depth + 1)

    def _command(self, tree: Tree, node: Node, feed: Feed, depth: int) -> None:
        name = node.child_by_field_name("name")
        if name is None:
            self._add(unknown("It names no program."))
            return
        named = word(tree, name.named_children[0] if name.named_children else name)
        words = (named, *(word(tree, one) for one in node.children_by_field_name("argument")))
        if any(one.type == "herestring_redirect" for one in node.named_children):
            feed = Feed.of_command(tree, node)
        self.call(tree, Call(words, feed.text, feed.fed), depth)

    def call(self, tree: Tree | None, call: Call, depth: int) -> None:
        """Judges one call and what it runs; `tree` is where its words stand."""
        self.result.calls += 1
        self.result.words += call.words
        if depth > DEEPEST or self.result.calls > MOST_CALLS:
            self._add(unknown(f"It runs commands within commands, more than {DEEPEST} deep."))
            return
        call = _without_note(tree, call)
        if self._own_word(call, depth):
            return
        tool = known.tool(call)
        if tool is not None:
            self.result.tools.setdefault(tool)
        effect = known.effect(call)
        self._add(unknown(f"Behind `{call.name}` stands what no shell has.") if _is_no_shell(tree, call) else effect)
        for host in effect.hosts:
            self.result.hosts.setdefault(host)
        for inner in effect.inner:
            self._inner(tree, call, inner, depth + 1)

    def _own_word(self, call: Call, depth: int) -> bool:
        """Judges a function or an alias that the text defines itself; False where the name is neither."""
        name = call.words[0].text
        if name in self.scope.renamed:
            self._add(unknown(f"The text gives `{name}` a meaning of its own."))
            return True
        if name not in self.scope.functions:
            return False
        self._add(look(f"It calls the function `{name}`."))
        if name in self._running:
            self._add(unknown(f"The function `{name}` calls itself."))
        elif name not in self._called:
            self._called.add(name)
            self._running.add(name)
            its_tree, node = self.scope.functions[name]
            self.statement(its_tree, node, Feed(call.stdin, call.fed), depth + 1)
            self._running.remove(name)
        return True

    def _inner(self, tree: Tree | None, call: Call, inner: Inner, depth: int) -> None:
        if inner.text is None:
            if inner.elsewhere:
                self.result.inner.setdefault(_spelt(tree, inner))
            self.call(tree, Call(inner.words, call.stdin, call.fed), depth)
            return
        if inner.elsewhere:
            self.result.inner.setdefault(inner.text.strip())
        self.text(inner.text, Feed(None if inner.text == call.stdin else call.stdin, call.fed), depth)

    def text(self, text: str, feed: Feed, depth: int) -> None:
        """Judges text that a shell reads: the argument of `sh -c`, a here-document."""
        self.result.inner_characters += len(text)
        if depth > DEEPEST or self.result.inner_characters > MOST_INNER:
            self._add(unknown(f"It runs commands within commands, more than {DEEPEST} deep, or very long ones."))
            return
        outer = self.scope
        parts = pieces(text)
        for part in parts:
            if part.tree is not None:
                self.scope = Scope.of(part.tree, self.scope)
        for part in parts:
            if not part.sound:
                self.result.parsed = False
                self._add(unknown(NOT_READ if part.tree else f"An inner command {too_much(part.text)}."))
            if part.tree is not None:
                self.statement(part.tree, part.tree.root, feed, depth)
        self.scope = outer

    def _add(self, effect: Effect) -> None:
        self.result.effects.append(effect)


def _without_note(tree: Tree | None, call: Call) -> Call:
    """A call without the remark that its writer put behind it."""
    if tree is None or len(call.words) < 2 or not DRAWN.search(" ".join(one.text for one in call.arguments)):  # noqa: PLR2004
        return call
    note = NOTE.search(tree.slice(call.words[0].start, call.words[-1].end))
    if note is None:
        return call
    start = call.words[0].start + len(note.string[: note.start()].encode())
    kept = tuple(one for one in call.words if one.end <= start)
    return call.with_words(kept) if kept else call


def _is_no_shell(tree: Tree | None, call: Call) -> bool:
    """Whether the words behind a program's name are those of a drawing, or of an assignment in another language."""
    if call.name in PRINTERS or not call.arguments:
        return False
    if call.arguments[0].text in OPERATORS:
        return True
    return any(
        DRAWN.search(one.text) and (tree is None or tree.slice(one.start, one.start + 1) not in {"'", '"'})
        for one in call.arguments
    )


def hidden_commands(tree: Tree, node: Node) -> list[str]:
    """Returns the commands between backquotes that the parser takes for text: in `${x:-…}`, in a here-document."""
    if b"`" not in tree.bound.original[node.start_byte : node.end_byte]:
        return []
    if node.type == "heredoc_body":
        start = (
            next((one for one in node.parent.children if one.type == "heredoc_start"), None) if node.parent else None
        )
        if start is not None and set(tree.text(start)) & {"'", '"', "\\"}:
            return []
    found = BACKQUOTED.findall(tree.text(node))
    return [one for one in found if one.strip()] or ["`"]


def _says_nothing(tree: Tree, redirect: Node) -> bool:
    """Whether the command of a redirection prints nothing, so that the file is emptied."""
    owner = redirect.parent
    if owner is not None and owner.type == "heredoc_redirect":
        owner = owner.parent
    body = owner.child_by_field_name("body") if owner is not None else None
    return body is None or tree.text(body) in {":", "true", "cat /dev/null", "echo -n", "printf ''", 'printf ""'}


def _spelt(tree: Tree | None, inner: Inner) -> str:
    first, last = inner.words[0], inner.words[-1]
    if tree is not None and first.end > first.start and last.end > first.start:
        return tree.slice(first.start, last.end)
    return " ".join(one.text for one in inner.words)
