"""A session at a prompt as people paste it: the commands, and what they printed.

A line with a prompt begins a command; it goes on while a quote, a here-document or a backslash says so. All else is
output. Without prompts, output is told by its shape: the head of a table, a line of a log, an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.shell.resembles import looks_like_command
from leakdrill.runbooks.shell_lines import reads_as_shell
from leakdrill.runbooks.shell_text import logical_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CONSOLES: Final = frozenset({"console", "shell-session", "shellsession", "sh-session", "terminal", "session", "term"})
"""Languages of fences that hold sessions, in which `# ` is the prompt of root."""
_USER: Final = (
    r"(?:\[[^\]\n]{1,60}\]|[\w.-]+@[\w.-]+(?::[^\s$#%>]*)?|(?:ba|z|k|a|da)?sh-[\d.]+"
    r"|[/~][^\s$#%:]{0,60}|\([^)\n]{1,40}\))"
)
_PROMPT: Final = re.compile(
    rf"[ \t]*(?:{_USER}[ \t]*[$#%\u276f\u279c>]|[\w.-]+(?:[ ]{{0,20}}\$|[ ]#|#)|[$\u276f\u279c]|\$>)[ \t]+(?=\S)"
)
_BARE: Final = re.compile(r"[ \t]*(?:#|%|>)[ \t]+(?=\S)")
_REDIS: Final = re.compile(r"[ \t]*(?:redis(?:-cli)?|(?:[\w.-]+|\[[\da-f:]+\]):\d{2,5}(?:\[\d+\])?)>[ \t]+(?=\S)")
_REDIS_WORDS: Final = re.compile(
    r"[ \t]*>[ \t]+(?=(?:INFO|CONFIG|SLOWLOG|LATENCY|MEMORY|CLIENT|CLUSTER|MONITOR"
    r"|DBSIZE|FLUSH(?:ALL|DB)|KEYS|SCAN|GET|SET|DEL"
    r"|TTL|TYPE|LLEN|ZCARD|HGETALL|OBJECT|DEBUG|PING|ROLE|SAVE|BGSAVE|SHUTDOWN|REPLICAOF|SENTINEL|AUTH|SELECT)\b)",
    re.IGNORECASE,
)
_SQL: Final = re.compile(
    r"[ \t]*(?:mysql|MariaDB \[[^\]]*\]|sqlite|SQL|cqlsh(?::\w+)?|[\w-]+[=(*!-][#>])>?[ \t]+(?=\S)"
)
_OUTPUT: Final = re.compile(
    r"""[A-Z][A-Z0-9_%/()-]*(?:\ [A-Z0-9(][A-Z0-9_%/()-]*)*(?:\s{2,}[A-Z%][A-Z0-9_%/()\ -]*)+$   # NAME   READY
    |(?:Filesystem|USER|PID|Mem:|Swap:|top\ -|total)\s+\d*\s*[\w%.,:/-]+.*\d|Filesystem\s+\S+\s
    |\[?\d{4}-\d\d-\d\d[T\ ]\d\d:\d\d|\d{1,3}(?:\.\d{1,3}){3}\ -\ |[A-Z][a-z]{2}\ [\ \d]\d\ \d\d:\d\d:\d\d\
    |Error\ from\ server|[\w.-]+/[\w.-]+\ (?:scaled|restarted|created|configured|unchanged|deleted|patched|edited)\b
    |\{$|\}$|HTTP/\d|<\ HTTP|Traceback\ \(most
    """,
    re.VERBOSE,
)


_LIKE_OUTPUT: Final = re.compile(
    r"""\S.*?\S\s{2,}\S.*?\s{2,}\S                                # columns
    |\s*\(?\d[\w.:)-]*(?:\s|$)|\s*\d+\)                              # what begins with a number
    |\s*[A-Za-z][\w.()-]*(?:\ [\w.()-]+){0,3}:(?:\s|$)             # a name and a value
    |\s*[-*|+=\u2022\u2714\u2717](?:\s|[-=+]{2})|[}\]],?$|<\s|>\ (?:GET|PUT|POST|HEAD|DELETE|Host|User-Agent|Accept)\b
    |[A-Z][a-z]+[,.]?\s+(?:[a-z(\"'<\d]|[A-Z][a-z])[^=]*$        # a sentence
    """,
    re.VERBOSE,
)
"""How a line begins, or is laid out, that is printed: asked only of lines that call no program that we know."""
_OPENS: Final = re.compile(r"^\s*(?:for|while|until|if|case|select|function)\b|^\s*[\w-]+\s*\(\)\s*\{", re.MULTILINE)
_CLOSES: Final = re.compile(r"(?:^|[;\s])(?:done|fi|esac)(?=$|[\s;|)&>])|^\s*\}\s*$", re.MULTILINE)


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
    if any((_PROMPT.match(line) and _is_command_line(line)) or _client(line) for line in lines):
        return True
    return (language in CONSOLES and any(_bare_prompt(line) for line in lines)) or _all_at_bare_prompts(lines)


def _is_command_line(line: str) -> bool:
    found = _PROMPT.match(line)
    rest = line[found.end() :] if found else ""
    return bool(rest) and (line.lstrip().startswith("$") or reads_as_shell(rest))


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
    others = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
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
        if kind is None:
            if not (lines[at].startswith("#") and not output) and (output or lines[at].strip()):
                output.append(at)
            at += 1
            continue
        yield from _output(lines, output)
        output = []
        end = _end(lines, at, start, kind)
        rest = [re.sub(r"^[ \t]*>[ \t]?", "", line) for line in lines[at + 1 : end + 1]]
        yield Piece(kind, at, "\n".join([lines[at][start:], *rest]))
        at = end + 1
    yield from _output(lines, output)


def _begins(line: str, *, bare: bool) -> tuple[PieceKind | None, int]:
    """What begins on this line, and in which column its text does."""
    for pattern, kind in ((_REDIS, PieceKind.REDIS), (_REDIS_WORDS, PieceKind.REDIS), (_SQL, PieceKind.SQL)):
        if found := pattern.match(line):
            return kind, found.end()
    if (found := _PROMPT.match(line)) and _is_command_line(line):
        return PieceKind.COMMAND, found.end()
    if bare and (found := _BARE.match(line)) and _bare_prompt(line):
        return PieceKind.COMMAND, found.end()
    return None, 0


def _end(lines: Sequence[str], at: int, start: int, kind: PieceKind) -> int:
    """The last line of what begins on line `at`."""
    if kind is PieceKind.SQL:
        return next((n for n in range(at, len(lines)) if ";" in lines[n] or not lines[n].strip()), at)
    if kind is PieceKind.REDIS:
        return at
    following = next((n for n in range(at + 1, len(lines)) if _begins(lines[n], bare=False)[0] is not None), len(lines))
    rest = lines[at + 1 : following + 1]  # what goes on into the next command has no end of its own
    text = "\n".join([lines[at][start:], *(re.sub(r"^[ \t]*>[ \t]?", "", line) for line in rest)])
    last_line = at + logical_lines(text)[0][1]
    return last_line if last_line < following else at


def _output(lines: Sequence[str], numbers: Sequence[int]) -> Iterator[Piece]:
    while numbers and not lines[numbers[-1]].strip():
        numbers = numbers[:-1]
    if numbers:
        yield Piece(PieceKind.OUTPUT, numbers[0], "\n".join(lines[number] for number in numbers))


def split_output(text: str) -> list[Piece]:
    """Returns the pieces of a text without prompts: its commands, and output that is told by its shape."""
    lines = text.split("\n")
    pieces: list[Piece] = []
    kind, start, depth = PieceKind.COMMAND, 0, 0
    for first, last in logical_lines(text):
        depth = max(depth + _opened(lines[first : last + 1]), 0)
        after = kind is PieceKind.OUTPUT and first > 0 and bool(lines[first - 1].strip())
        is_output = depth == 0 and not _CLOSES.match(lines[first]) and _is_output(lines[first], after_output=after)
        now = PieceKind.OUTPUT if is_output else PieceKind.COMMAND
        if now is not kind:
            pieces += _piece(kind, lines, start, first)
            kind, start = now, first
    return [*pieces, *_piece(kind, lines, start, len(lines))]


def _opened(lines: Sequence[str]) -> int:
    """How many loops, conditions and functions these lines open and do not close."""
    text = "\n".join(lines)
    return len(_OPENS.findall(text)) - len(_CLOSES.findall(text)) if _OPENS.search(text) or _CLOSES.search(text) else 0


def reads_as_output(line: str) -> bool:
    """Returns whether a line that is no command of a program that we know reads as what one prints."""
    return (_OUTPUT.match(line) or _LIKE_OUTPUT.match(line)) is not None and not reads_as_shell(line)


def _is_output(line: str, *, after_output: bool) -> bool:
    if line.startswith("#"):
        return False
    return reads_as_output(line) or (after_output and not reads_as_shell(line))


def _piece(kind: PieceKind, lines: Sequence[str], start: int, end: int) -> list[Piece]:
    text = "\n".join(lines[start:end])
    return [Piece(kind, start, text.rstrip())] if text.strip() else []
