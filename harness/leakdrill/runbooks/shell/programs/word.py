"""A word of a command, as the shell would hand it to the program."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Word:
    """One word, with its quotes taken off."""

    text: str
    literal: bool = True
    """Whether the text is all that the program gets: no variable, no placeholder, no substitution, no pattern."""
    many: bool = False
    """Whether the shell may make several words of it, options among them: `"$@"`, `$OPTIONS`, what xargs appends."""
    start: int = 0
    end: int = 0
    """The bytes of the source, quotes included; equal where it does not stand there."""

    @property
    def is_option(self) -> bool:
        """Whether it begins as an option does, or may be one."""
        return self.many or (self.text.startswith("-") and self.text != "-")
