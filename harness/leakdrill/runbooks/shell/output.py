"""Lines of a block of shell that no person typed: what a command printed, left there without a prompt."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.shell import known
from leakdrill.runbooks.shell.programs import builtins

if TYPE_CHECKING:
    from collections.abc import Iterable

HEADER: Final = re.compile(r"\s*[A-Z][A-Z0-9_()/%.:-]*(?: [A-Z][A-Z0-9_()/%.:-]*)*(?:\s{2,}|\t)\S")
LABEL: Final = re.compile(r"\s*-?\s*\"?[\w./ -]{1,60}\"?:(?:\s|$)")
NUMBER: Final = re.compile(r"\s*(?:\d[\d.,:/T-]*%?(?:\s|$)|[IWEF]\d{4} )")
ODD: Final = re.compile(r"\s*(?:[*└├│─|,)}+=@%;&?]|-(?:[rwxsST-]{9}|\s)|//|\[(?![\s\[])|<[/!])")
COLUMNS: Final = re.compile(r"(?!.*\s-{1,2}\w)\S.*?(?: {3,}|\t+)\S.*?(?: {3,}|\t+)[^\s#]")
LOG: Final = re.compile(r"\s*(?:time|ts|t|level|lvl|msg)=\S+ +(?:level|lvl|msg|caller|logger|component|ts|time)=")
FIRST: Final = re.compile(r"\s*([^\s;|&<>()]+)")
KEYWORDS: Final = frozenset(
    "if then else elif fi for while until do done case esac function select { } ! [[ time in coproc".split()
)


def output_lines(starts: Iterable[tuple[int, str]]) -> list[int]:
    """Returns which statements are output, by the lines on which they start.

    Args:
        starts: The first line of each statement, in order: its number from 0, and its text.
    """
    result: list[int] = []
    last = -2
    for number, line in starts:
        if is_output(line) or (number == last + 1 and not _is_shell(line)):
            result.append(number)
            last = number
    return result


def is_output(line: str) -> bool:
    """Whether a line is what a command prints; a line that begins with a program that we know never is, but for logs."""
    if LOG.match(line):
        return True
    if _is_shell(line):
        return False
    return any(pattern.match(line) for pattern in (HEADER, LABEL, NUMBER, ODD)) or bool(COLUMNS.match(line.strip()))


def _is_shell(line: str) -> bool:
    match = FIRST.match(line)
    if match is None:
        return True
    word = match[1]
    if word in KEYWORDS or word in builtins.OF_THE_SHELL or re.match(r"[A-Za-z_]\w*(?:\[[^\]]*\])?\+?=", word):
        return not re.match(r"\s*: ", line)
    return known.judge_of(word) is not None or (word.startswith(("./", "/", "~/", "$", '"$', "\\")) and "─" not in word)
