"""A table of a program's subcommands: what each does, and the options that stand before it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.shell.programs.effect import Effect, change, destructive, look, unknown
from leakdrill.runbooks.shell.programs.options import Options, split

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leakdrill.runbooks.shell.programs.call import Call, Judge

MAKERS: Final = {"look": look, "destructive": destructive, "unknown": unknown}


@dataclass(frozen=True)
class Table:
    """The subcommands of a program. A subcommand that is not here is unknown."""

    name: str
    entries: Mapping[str, Effect]
    options: Options = field(default_factory=Options.of)
    """The options that may stand before or between the words of a subcommand."""
    dry: frozenset[str] = frozenset()
    """Words by which a change is only tried: `--dry-run=client`."""
    worse: Mapping[str, Effect] = field(default_factory=dict)
    """Options by which even a look does something, with what it is then."""
    special: Mapping[str, Judge] = field(default_factory=dict)
    """Subcommands that a function judges."""
    alone: Effect | None = None
    """What the program does without a subcommand; unknown when None."""

    @cached_property
    def firsts(self) -> frozenset[str]:
        """The first words of its subcommands."""
        return frozenset(path.split()[0] for path in (*self.entries, *self.special))

    def __call__(self, call: Call) -> Effect:
        """Says what a call does."""
        if not call.arguments:
            return self.alone or unknown(f"`{self.name}` alone waits for what a person types.")
        if call.arguments[-1].text == "--help" or call.arguments[0].text in {"--version", "help"}:
            return look(f"`{self.name}` prints its help or version.")
        path, effect = self._found(call)
        if path in self.special:
            effect = self.special[path](call)
        return self._with_options(call, effect)

    def path(self, call: Call) -> str:
        """Returns the subcommand that a call names, as far as the table knows it."""
        return self._found(call)[0]

    def _found(self, call: Call) -> tuple[str, Effect]:
        path, rest = "", list(call.arguments)
        while True:
            if path in self._leaves:
                return path, self.entries.get(path) or unknown(f"`{self.name} {path}` is not known.")
            if rest and f"{path} {rest[0].text}".strip() in self._prefixes:
                path, rest = f"{path} {rest[0].text}".strip(), rest[1:]
                continue
            parts = split(rest, self.options, until_argument=True)
            if parts.unknown is not None:
                return path, self._at_unknown_option(path, parts.unknown.text)
            if not parts.rest:
                return path, self.entries.get(path) or self._without(path, had_options=bool(rest))
            word, rest = parts.rest[0], parts.rest[1:]
            deeper = f"{path} {word.text}".strip()
            if word.literal and deeper in self._prefixes:
                path = deeper
            elif path in self.entries or path in self.special:
                return path, self.entries.get(path) or unknown(f"`{self.name} {path}` is not known.")
            else:
                return path, unknown(f"`{self.name} {deeper}` is no subcommand that we know.")

    def _at_unknown_option(self, path: str, option: str) -> Effect:
        """What follows may be a longer subcommand: the shorter one's effect holds only when no longer one is worse."""
        own = self.entries.get(path)
        longer = [effect for one, effect in self.entries.items() if one.startswith(f"{path} ")]
        if own is not None and all(effect.badness <= own.badness for effect in longer):
            return own
        return unknown(f"`{self.name}` has an option here that we do not know: {option}.")

    def _without(self, path: str, *, had_options: bool) -> Effect:
        if not path and had_options and self.alone is not None:
            return self.alone
        return (
            look(f"`{self.name} {path}` prints its help.") if path else unknown(f"`{self.name}` names no subcommand.")
        )

    def _with_options(self, call: Call, effect: Effect) -> Effect:
        texts = [word.text for word in call.arguments]
        if "--" in texts:
            texts = texts[: texts.index("--")]
        if effect.kind.value in {"change", "destructive"} and not effect.inner and self.dry & set(texts):
            return look(f"`{self.name}` only tries it: {', '.join(sorted(self.dry & set(texts)))}.")
        for text in texts:
            found = self.worse.get(text.partition("=")[0])
            if found is not None and found.badness > effect.badness:
                return found
        return effect

    @cached_property
    def _prefixes(self) -> frozenset[str]:
        paths = [path.split() for path in (*self.entries, *self.special)]
        return frozenset(" ".join(words[:n]) for words in paths for n in range(1, len(words) + 1))

    @cached_property
    def _leaves(self) -> frozenset[str]:
        paths = {*self.entries, *self.special}
        inner = {path.rpartition(" ")[0] for path in self._prefixes}
        return frozenset(paths - inner)


def entries(name: str, text: str) -> dict[str, Effect]:
    """Reads rows: `kind  path, path | what it does | the way back`; the last part may be missing.

    Raises:
        ValueError: If a row names no kind that there is.
    """
    result: dict[str, Effect] = {}
    for line in text.strip().splitlines():
        head, _, tail = line.strip().partition("|")
        kind, _, paths = head.strip().partition(" ")
        does, _, undo = (part.strip() for part in tail.partition("|"))
        for path in paths.split(","):
            reason = f"`{f'{name} {path.strip()}'.strip()}` {does or 'only prints'}."
            result[path.strip()] = _effect(kind, reason, undo or None)
    return result


def _effect(kind: str, reason: str, undo: str | None) -> Effect:
    if kind == "change":
        return change(reason, undo)
    if kind not in MAKERS:
        raise ValueError(f"{kind!r} is no kind of effect; expected look, change, destructive or unknown")
    return MAKERS[kind](reason)


def renamed(table: Table, name: str) -> Table:
    """Returns the table of a program that has the same subcommands."""
    return replace(table, name=name)
