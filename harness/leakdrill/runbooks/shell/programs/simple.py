"""Programs that do one thing, with the options by which they write a file or change something."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from leakdrill.runbooks.shell.programs.effect import Effect, change, look
from leakdrill.runbooks.shell.programs.table import entries

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leakdrill.runbooks.shell.programs.call import Call, Judge


@dataclass(frozen=True)
class Simple:
    """One program: what it does, and what it does where an option says so."""

    effect: Effect
    worse: Mapping[str, Effect] = field(default_factory=dict)
    """Options by which it does more."""
    better: tuple[str, ...] = ()
    """Options by which it only looks."""

    def __call__(self, call: Call) -> Effect:
        """Says what a call does."""
        found = [effect for option, effect in self.worse.items() if call.has(option)]
        if found:
            return max(found, key=lambda effect: effect.badness)
        if self.better and call.has(*self.better):
            return look(f"`{call.name}` only looks with {' or '.join(self.better)}.")
        return self.effect


def writes(name: str, *options: str) -> dict[str, Effect]:
    """Returns the options of a program by which it writes a file."""
    return {
        option: change(f"`{name}` writes a file with {option}.", "remove that file, or put back what it held before")
        for option in options
    }


def simple(text: str, worse: Mapping[str, Mapping[str, Effect]] | None = None) -> dict[str, Judge]:
    """Returns programs from rows: `kind  name, name | what it does | the way back`."""
    return {name: Simple(effect, (worse or {}).get(name, {})) for name, effect in entries("", text).items()}
