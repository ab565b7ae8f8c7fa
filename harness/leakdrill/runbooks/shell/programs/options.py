"""A program's options, told apart from its arguments. An option that the table does not know is named, never guessed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakdrill.runbooks.shell.programs.word import Word


@dataclass(frozen=True)
class Options:
    """The options that a program has."""

    values: frozenset[str]
    """Those followed by a value: `-n VALUE`, `-nVALUE`, `--name VALUE`, `--name=VALUE`."""
    flags: frozenset[str]
    """Those without."""

    @classmethod
    def of(cls, values: str = "", flags: str = "") -> Options:
        """Returns the options that two lists name, each separated by spaces."""
        return cls(frozenset(values.split()), frozenset(flags.split()))


@dataclass
class Split:
    """Words taken apart."""

    options: list[tuple[str, Word | None]] = field(default_factory=list)
    """Each option with its value; a value after `=` or in the same word is a word of its own."""
    rest: list[Word] = field(default_factory=list)
    """What is no option."""
    unknown: Word | None = None
    """The first word that may be an option of which we do not know whether a value follows; nothing after it is read."""

    def value(self, *names: str) -> str | None:
        """Returns the text of the first of these options that has a value."""
        return next((word.text for name, word in self.options if name in names and word is not None), None)

    def names(self) -> set[str]:
        """Returns the options that are there."""
        return {name for name, _ in self.options}


def split(words: Sequence[Word], known: Options, *, until_argument: bool = False) -> Split:
    """Takes words apart; with `until_argument`, all from the first argument on is `rest`, as after `--`."""
    result = Split()
    at = 0
    while at < len(words):
        word = words[at]
        if word.text == "--":
            result.rest += words[at + 1 :]
            return result
        if not word.is_option:
            if until_argument:
                result.rest += words[at:]
                return result
            result.rest.append(word)
            at += 1
            continue
        used = _option(result, words, at, known)
        if not used:
            result.unknown = word
            return result
        at += used
    return result


def _option(result: Split, words: Sequence[Word], at: int, known: Options) -> int:
    """Adds the option at `at` and returns how many words it takes, 0 when it is not known."""
    word = words[at]
    text = word.text
    if word.many:
        return 0
    name, equals, value = text.partition("=")
    following = words[at + 1] if at + 1 < len(words) else None
    if name in known.values and equals:
        result.options.append((name, _part(word, value)))
        return 1
    if text in known.values:
        result.options.append((text, following))
        return 2
    if text in known.flags or (equals and name in known.flags):
        result.options.append((name, None))
        return 1
    if text.startswith("--"):
        return 0
    return _cluster(result, word, following, known)


def _cluster(result: Split, word: Word, following: Word | None, known: Options) -> int:
    options: list[tuple[str, Word | None]] = []
    letters = word.text[1:]
    for index, letter in enumerate(letters):
        name = f"-{letter}"
        if name in known.values:
            rest = letters[index + 1 :]
            options.append((name, _part(word, rest) if rest else following))
            result.options += options
            return 1 if rest else 2
        if name not in known.flags:
            return 0
        options.append((name, None))
    if not word.literal:
        return 0
    result.options += options
    return 1


def _part(word: Word, text: str) -> Word:
    return type(word)(text, word.literal, word.many, word.start, word.end)
