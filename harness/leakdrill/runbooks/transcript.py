"""A session at a prompt as people paste it: the commands, and what they printed.

A line with a prompt begins a command; it goes on while a quote, a here-document or a backslash says so. All else is
output. Without prompts, output is told by its shape: the head of a table, a line of a log, an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.printed import goes_on_as_output, reads_as_output
from leakdrill.runbooks.shell.lines import Ends
from leakdrill.runbooks.shell.prompt import PROMPT
from leakdrill.runbooks.shell.resembles import looks_like_command
from leakdrill.runbooks.shell_lines import reads_as_shell

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CONSOLES: Final = frozenset({"console", "shell-session", "shellsession", "sh-session", "terminal", "session", "term"})
"""Languages of fences that hold sessions, in which `# ` is the prompt of root."""
_BARE: Final = re.compile(r"[ \t]*(?:#|%|>)[ \t]+(?=\S)")
_REDIS: Final = re.compile(r"[ \t]*(?:redis(?:-cli)?|(?:[\w.-]+|\[[\da-f:]+\]):\d{2,5}(?:\[\d+\])?)>[ \t]+(?=\S)")
_REDIS_WORDS: Final = re.compile(
    r"[ \t]*>[ \t]+(?=(?:INFO|CONFIG|SLOWLOG|LATENCY|MEMORY|CLIENT|CLUSTER|MONITOR"
    r"|DBSIZE|FLUSH(?:ALL|DB)|KEYS|SCAN|GET(?![ \t]+/)|SET|DEL"
    r"|TTL|TYPE|LLEN|ZCARD|HGETALL|OBJECT|DEBUG|PING|ROLE|SAVE|BGSAVE|SHUTDOWN|REPLICAOF|SENTINEL|AUTH|SELECT)\b)",
    re.IGNORECASE,
)
_SQL: Final = re.compile(
    r"[ \t]*(?:(?:mysql|MariaDB \[[^\]]*\]|sqlite|SQL|cqlsh(?::\w+)?)>|[\w-]+[=(*!-]#|[\w-]+=>)[ \t]+(?=\S)"
)
_JOINED: Final = re.compile(r"\$[a-z][\w-]*[ \t]+[\w./~-]")
_LAID_OUT: Final = re.compile(r"\S\s{3,}\S|\w, |\d+\.\d+s user ")
"""Columns, and what `time` prints: no line of a session that was typed without a prompt."""
_RULED: Final = re.compile(r"\s*-{3,}(?:\+-{2,})+\+?\s*$")
"""The line under the head of a table."""
_SURE: Final = re.compile(r"[ \t]*(?:\$|(?:ba|z|k|a|da)?sh-[\d.]+[$#] |\[?[\w.-]+@[\w.-]+[^\n$#%>]{0,60}[$#] )")
"""A prompt that nothing else looks like, whatever follows it."""
_GOES_ON: Final = re.compile(r"^[ \t]*>[ \t]?")
"""The prompt of a line that carries a command on."""
_OPENS: Final = re.compile(
    r"^\s*(?:for|while|until|if|case|select|function)\b|^\s*[\w-]+\s*\(\)\s*\{|^\s*\{(?=\s|$)", re.MULTILINE
)
_CLOSES: Final = re.compile(r"(?:^|[;\s])(?:done|fi|esac)(?=$|[\s;|)&>])|^\s*\}(?=\s*$|\s*[|<>&;])", re.MULTILINE)
_DATA: Final = re.compile(r"\s*[\"'{}\[\]]|\s*[\w.-]+\s*:")
_QUOTED: Final = re.compile(r"'[^']*'|\"[^\"]*\"")
LONGEST: Final = 200
"""Lines in which the end of a loop is looked for."""
_GROUP: Final = re.compile(r"\s*\{\s*$")


class PieceKind(Enum):
    """What a stretch of a session is."""

    COMMAND = "command"
    REDIS = "redis"
    SQL = "sql"
    OUTPUT = "output"


@dataclass(frozen=True)
class Piece:
    """Some lines of a session; `line` counts from 0. Of a command the prompts are left out."""

    kind: PieceKind
    line: int
    text: str


def is_session(text: str, language: str) -> bool:
    """Returns whether `text` has prompts before its commands."""
    lines = text.split("\n")
    if any((PROMPT.match(line) and _is_command_line(line)) or _client(line) or _joined(line) for line in lines):
        return True
    return (language in CONSOLES and any(_bare_prompt(line) for line in lines)) or _all_at_bare_prompts(lines)


def _is_command_line(line: str) -> bool:
    found = PROMPT.match(line)
    rest = line[found.end() :] if found else ""
    return bool(rest) and (_SURE.match(line) is not None or reads_as_shell(rest))


def _joined(line: str) -> bool:
    """Whether a line is a command of a program that we know behind a `$` without a blank."""
    return _JOINED.match(line) is not None and looks_like_command(line[1:])


def _client(line: str) -> PieceKind | None:
    if _REDIS.match(line) or _REDIS_WORDS.match(line):
        return PieceKind.REDIS
    return PieceKind.SQL if _SQL.match(line) else None


def _bare_prompt(line: str) -> bool:
    found = _BARE.match(line)
    return found is not None and looks_like_command(line[found.end() :])


def _is_typed_by_root(line: str) -> bool:
    found = _BARE.match(line)
    return found is not None and reads_as_shell(line[found.end() :])


def _all_at_bare_prompts(lines: Sequence[str]) -> bool:
    """Whether only lines that begin with `# ` are commands, and what follows them is no comment."""
    first = next((line for line in lines if line.strip()), "")
    others = [line for line in lines if line.strip() and not line.lstrip().startswith("#") and not _bare_prompt(line)]
    if not others:
        return all(_is_typed_by_root(line) for line in lines if line.strip())
    return _bare_prompt(first) and not any(looks_like_command(line) for line in others)


def split_session(text: str, language: str) -> list[Piece]:
    """Returns the pieces of a text that `is_session`; comments between commands are in none."""
    bare = language in CONSOLES or _all_at_bare_prompts(text.split("\n"))
    return list(_pieces(text.split("\n"), bare=bare))


def _pieces(lines: Sequence[str], *, bare: bool) -> Iterator[Piece]:
    at = 0
    output: list[int] = []
    while at < len(lines):
        kind, start = _begins(lines[at], bare=bare)
        if kind is None and _is_unprompted(lines[at]):
            kind = PieceKind.COMMAND
        if kind is None:
            if not (lines[at].startswith("#") and not output) and (output or lines[at].strip()):
                output.append(at)
            at += 1
            continue
        yield from _output(lines, output)
        output = []
        end = _end(lines, at, start, kind)
        rest = [_GOES_ON.sub("", line) for line in lines[at + 1 : end + 1]]
        yield Piece(kind, at, "\n".join([lines[at][start:], *rest]))
        at = end + 1
    yield from _output(lines, output)


def _begins(line: str, *, bare: bool) -> tuple[PieceKind | None, int]:
    """What begins on this line, and in which column its text does."""
    for pattern, kind in ((_REDIS, PieceKind.REDIS), (_REDIS_WORDS, PieceKind.REDIS), (_SQL, PieceKind.SQL)):
        if found := pattern.match(line):
            return kind, found.end()
    if (found := PROMPT.match(line)) and _is_command_line(line):
        return PieceKind.COMMAND, found.end()
    if bare and (found := _BARE.match(line)) and _bare_prompt(line):
        return PieceKind.COMMAND, found.end()
    if _joined(line):
        return PieceKind.COMMAND, 1
    return None, 0


def _is_unprompted(line: str) -> bool:
    """Whether a line of a session is a command, though no prompt stands before it."""
    if not line[:1].strip() or _LAID_OUT.search(line):
        return False
    return looks_like_command(line) and not reads_as_output(line)


def _end(lines: Sequence[str], at: int, start: int, kind: PieceKind) -> int:
    """The last line of what begins on line `at`."""
    if kind is PieceKind.SQL:
        return next((n for n in range(at, len(lines)) if ";" in lines[n] or not lines[n].strip()), at)
    if kind is PieceKind.REDIS:
        return at
    following = next((n for n in range(at + 1, len(lines)) if _begins(lines[n], bare=False)[0] is not None), len(lines))
    rest = lines[at + 1 : following + 1]  # what goes on into the next command has no end of its own
    typed = [lines[at][start:], *(_GOES_ON.sub("", line) for line in rest)]
    end = at + Ends(typed).of(0)
    return end if end < following else at


def _output(lines: Sequence[str], numbers: Sequence[int]) -> Iterator[Piece]:
    while numbers and not lines[numbers[-1]].strip():
        numbers = numbers[:-1]
    if numbers:
        yield Piece(PieceKind.OUTPUT, numbers[0], "\n".join(lines[number] for number in numbers))


def split_output(text: str) -> list[Piece]:
    """Returns the pieces of a text without prompts: its commands, and output that is told by its shape."""
    lines = text.split("\n")
    pieces: list[Piece] = []
    kind, start = PieceKind.COMMAND, 0
    for first, now in _kinds(lines):
        if now is not kind:
            pieces += _piece(kind, lines, start, first)
            kind, start = now, first
    return [*pieces, *_piece(kind, lines, start, len(lines))]


def _kinds(lines: Sequence[str]) -> Iterator[tuple[int, PieceKind]]:
    """Yields the first line of each command, and each line of output, with what it is."""
    ends = Ends(lines)
    at = depth = 0
    after_output = False
    while at < len(lines):
        line = lines[at]
        if not line.strip():
            after_output = False
            at += 1
            continue
        may_be = depth == 0 and not line.lstrip().startswith("#") and (after_output or not _CLOSES.match(line))
        printed = may_be and _is_printed(
            line, next((one for one in lines[at + 1 : at + 1 + LONGEST] if one.strip()), "")
        )
        end = at if printed else ends.of(at)
        stretch = lines[at : end + 1]
        after_output = printed or (may_be and after_output and goes_on_as_output("\n".join(stretch)))
        yield at, PieceKind.OUTPUT if after_output else PieceKind.COMMAND
        depth = 0 if after_output else _depth(depth, stretch, lines[end + 1 : end + 1 + LONGEST])
        at = end + 1


def _is_printed(line: str, following: str) -> bool:
    """Whether a line is output by itself, or by the line that follows it: a table's rule; braces may open a group."""
    if _GROUP.match(line):
        return not following or _DATA.match(following) is not None
    return reads_as_output(line) or _RULED.match(following) is not None


def _depth(depth: int, stretch: Sequence[str], rest: Sequence[str]) -> int:
    """In how many loops, conditions and functions the line behind `stretch` stands; what nobody closes opens none."""
    text = _QUOTED.sub("", "\n".join(stretch))
    if not depth and not _OPENS.search(text):
        return 0
    depth = max(depth + len(_OPENS.findall(text)) - len(_CLOSES.findall(text)), 0)
    return depth if depth and any(_CLOSES.search(line) for line in rest) else 0


def _piece(kind: PieceKind, lines: Sequence[str], start: int, end: int) -> list[Piece]:
    text = "\n".join(lines[start:end])
    return [Piece(kind, start, text.rstrip())] if text.strip() else []
