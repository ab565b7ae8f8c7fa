"""What a command does: its kind, the reason, the way back, and the commands that it runs in turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.base.kind import FragmentKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from leakdrill.runbooks.shell.programs.word import Word

BADNESS: Final = {
    FragmentKind.LOOK: 0,
    FragmentKind.CHANGE: 1,
    FragmentKind.UNKNOWN: 2,
    FragmentKind.DESTRUCTIVE: 3,
}
"""Of two effects, the one with the higher number is the effect of both. Unknown may be anything, so it hides a change."""


@dataclass(frozen=True)
class Inner:
    """A command that a command runs: words that are handed on, or text that a shell reads."""

    words: tuple[Word, ...] = ()
    text: str | None = None
    elsewhere: bool = False
    """Whether it runs in a container, on another host or again and again, so that a reader wants it named."""


@dataclass(frozen=True)
class Effect:
    """What a command does by itself; the effects of `inner` are judged by whoever has the parser."""

    kind: FragmentKind
    reason: str
    undo: str | None = None
    inner: tuple[Inner, ...] = ()
    hosts: tuple[str, ...] = ()

    @property
    def badness(self) -> int:
        """Returns its place in the order of effects, 0 for a look."""
        return BADNESS[self.kind]


def look(reason: str) -> Effect:
    """Returns the effect of what changes nothing."""
    return Effect(FragmentKind.LOOK, reason)


def change(reason: str, undo: str | None = None) -> Effect:
    """Returns the effect of what changes something that can be made or set again."""
    return Effect(FragmentKind.CHANGE, reason, undo)


def destructive(reason: str) -> Effect:
    """Returns the effect of what may lose data, or things of somebody else's."""
    return Effect(FragmentKind.DESTRUCTIVE, reason)


def unknown(reason: str) -> Effect:
    """Returns the effect of what is not known to be a look."""
    return Effect(FragmentKind.UNKNOWN, reason)


def runs(reason: str, *inner: Inner, hosts: tuple[str, ...] = ()) -> Effect:
    """Returns the effect of a program that does nothing but run other commands."""
    return Effect(FragmentKind.LOOK, reason, inner=inner, hosts=hosts)


def worst(effects: Iterable[Effect]) -> Effect:
    """Returns the first of the worst effects, with the way back from all changes.

    Raises:
        ValueError: If there is none.
    """
    known = list(effects)
    result = max(known, key=lambda effect: effect.badness)
    if result.kind is not FragmentKind.CHANGE:
        return result
    undos = [effect.undo for effect in reversed(known) if effect.kind is FragmentKind.CHANGE]
    if None in undos:
        return Effect(result.kind, result.reason, None, result.inner, result.hosts)
    whole = "; then ".join(dict.fromkeys(undo for undo in undos if undo))
    return Effect(result.kind, result.reason, whole, result.inner, result.hosts)
