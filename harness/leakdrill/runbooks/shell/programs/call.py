"""A call of a program: its words and what it reads from its standard input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from leakdrill.runbooks.shell.programs.effect import Effect

if TYPE_CHECKING:
    from leakdrill.runbooks.shell.programs.word import Word


@dataclass(frozen=True)
class Call:
    """One simple command."""

    words: tuple[Word, ...]
    """The program's name first."""
    stdin: str | None = None
    """What it reads from its standard input, where the command says so: a here-document, `echo TEXT |`."""
    fed: bool = False
    """Whether its standard input is a pipe or a file; what comes is known only where `stdin` is text."""

    @property
    def name(self) -> str:
        """Returns the program's name, without its folder."""
        return self.words[0].text.rpartition("/")[2]

    @property
    def arguments(self) -> tuple[Word, ...]:
        """Returns the words after the program's name."""
        return self.words[1:]

    def with_words(self, words: tuple[Word, ...]) -> Call:
        """Returns the same call with other words."""
        return replace(self, words=words)

    def has(self, *options: str) -> bool:
        """Whether one of these options is there: `--long`, `--long=value`, or a letter in a cluster (`-i` in `-ni`)."""
        return any(_is(word.text, option) for word in self.arguments for option in options)


def _is(text: str, option: str) -> bool:
    if option.startswith("--"):
        return text == option or text.startswith(f"{option}=")
    if text == option:
        return True
    letters = text[1:]
    return len(option) == 2 and text[:1] == "-" and letters[:1].isalpha() and option[1] in letters  # noqa: PLR2004


Judge = Callable[[Call], Effect]
"""Says what a call of one program does."""
