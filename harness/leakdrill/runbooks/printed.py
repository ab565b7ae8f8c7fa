"""Lines of a block that no person typed: told from commands by their shape, where no prompt says which is which."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from leakdrill.runbooks.shell import known
from leakdrill.runbooks.shell.judge import DRAWN
from leakdrill.runbooks.shell.programs import builtins
from leakdrill.runbooks.shell_lines import reads_as_shell

_LOG: Final = re.compile(r"\s*(?:time|ts|t|level|lvl|msg)=\S+ +(?:level|lvl|msg|caller|logger|component|ts|time)=")
_OF_NO_COMMAND: Final = re.compile(
    r"""[A-Z][A-Z0-9_%/()-]*(?:\ [A-Z0-9(][A-Z0-9_%/()-]*)*(?:\s{2,}[A-Z%][A-Z0-9_%/()\ -]*)+$   # NAME   READY
    |(?:Filesystem|USER|PID|Mem:|Swap:|top\ -|total)\s+\d*\s*[\w%.,:/-]+.*\d|Filesystem\s+\S+\s
    |\[?\d{4}-\d\d-\d\d[T\ ]\d\d:\d\d|\d{1,3}(?:\.\d{1,3}){3}\ -\ |[A-Z][a-z]{2}\ [\ \d]\d\ \d\d:\d\d:\d\d\
    |Error\ from\ server|[\w.-]+/[\w.-]+\ (?:scaled|restarted|created|configured|unchanged|deleted|patched|edited)\b
    |\{$|\}$|HTTP/\d|<\ HTTP|Traceback\ \(most
    |index\ [0-9a-f]{6,40}\.\.|commit\ [0-9a-f]{7,40}\b|@@\ -\d|(?:---|\+\+\+)\ [ab/]    # git
    |```|(?:</?[a-zA-Z][^<>]*>[^<>]*)+$                         # Markdown and HTML
    |\S.*?\S\s{2,}\S.*?\s{2,}\S                                # columns
    |\s*\(?\d[\w.:)-]*(?:\s|$)|\s*\d+\)                              # what begins with a number
    |\s*[A-Za-z][\w.()-]*(?:\ [\w.()-]+){0,3}:(?:\s|$)             # a name and a value
    |\s*[-*|+=\u2022\u2600-\u275f](?:\s|[-=+]{2})|[}\]],?$|<\s|>\ (?:GET|PUT|POST|HEAD|DELETE|Host|User-Agent|Accept)\b
    |\s*[A-Z][a-z]+[,.]?\s+(?:[a-z(\"'<\d]|[A-Z][a-z])[^=]*$        # a sentence
    |\s*[A-Z][a-z]+(?:'s)?\s+[\w+](?:(?!\s-{1,2}\w)[^=|<>$;&])*$
    """,
    re.VERBOSE,
)
"""How a line begins, or is laid out, that is printed: asked only of lines that are no command."""
_OF_NO_PROGRAM: Final = re.compile(
    r"""\s*[A-Z][A-Z0-9_()/%.:-]*(?:\ [A-Z][A-Z0-9_()/%.:-]*)*(?:\s{2,}|\t)\S              # NAME   ready
    |\s*-?\s*\"?[\w./\ -]{1,60}\"?:(?:\s|$)                       # a name and a value
    |\s*[\w-]+\s+=\s+(?:[\w,-]+\s+){2,}|\s*[\w-]+\ \([^)]*\)\s*$
    |\s*[A-Za-z][\w\ ]*\[\d+\]\ :\s|\s*(?!.*\s-{1,2}\w)[^'\"#(]*\w,(?:\s|$)
    |\s*(?:\d[\d.,:/T-]*%?(?:\s|$)|[IWEF]\d{4}\ )
    |\s*(?:[*└├│─|,)}+=@%;&?]|-(?:[rwxsST-]{9}|\s)|//|\[(?![\s\[]|sudo\])|<[/!])
    |\s*(?!.*\s-{1,2}\w)\S.*?(?:\ {3,}|\t+)\S.*?(?:\ {3,}|\t+)[^\s#]    # columns
    """,
    re.VERBOSE,
)
"""The same, asked of lines that begin with no program that we know, though what follows may read as arguments."""
_OPTION: Final = re.compile(r"\s--?[A-Za-z]")
_NO_CALL: Final = re.compile(
    r"diff --git a/|top - \d|\S+ -{4,} \d|(?:GET|PUT|POST|HEAD|PATCH|DELETE|OPTIONS) /\S* HTTP/\d"
)
"""What begins with the name of a program and is none of its calls."""
_QUOTED: Final = re.compile(r"'[^']*'|\"[^\"]*\"|\s#\s.*")
_FIRST: Final = re.compile(r"\s*([^\s;|&<>()]+)")
_ASSIGNED: Final = re.compile(r"[A-Za-z_]\w*(?:\[[^\]]*\])?\+?=")
_KEYWORDS: Final = frozenset(
    [
        "if",
        "then",
        "else",
        "elif",
        "fi",
        "for",
        "while",
        "until",
        "do",
        "done",
        "case",
        "esac",
        "function",
        "select",
        "{",
        "}",
        "!",
        "[[",
        "time",
        "in",
        "coproc",
    ]
)


@lru_cache(maxsize=2048)
def reads_as_output(line: str) -> bool:
    """Returns whether a line of a block reads as what a command prints, and not as a command."""
    if _LOG.match(line):
        return True
    if _NO_CALL.match(line) or _is_drawn(line):
        return True
    if _OF_NO_PROGRAM.match(line) and not _begins_with_program(line):
        return True
    return _OF_NO_COMMAND.match(line) is not None and not reads_as_shell(line)


def _is_drawn(line: str) -> bool:
    """Whether a line has arrows or boxes outside quotes, and before the first of them is no command."""
    plain = _QUOTED.sub("", line)
    drawn = DRAWN.search(plain)
    return drawn is not None and not plain.lstrip().startswith("#") and not reads_as_shell(plain[: drawn.start()])


def goes_on_as_output(stretch: str) -> bool:
    """Returns whether a stretch directly below a line of output belongs to it: it calls no program that we know."""
    if _ASSIGNED.match(stretch.lstrip()):
        return False
    if not reads_as_shell(stretch):
        return True
    return not _begins_with_program(stretch) and _OPTION.search(stretch) is None


def _begins_with_program(line: str) -> bool:
    """Whether a line begins with a program that we know, a word of the shell, an assignment or a path."""
    match = _FIRST.match(line)
    if match is None:
        return True
    word = match[1]
    if word in _KEYWORDS or word in builtins.OF_THE_SHELL or _ASSIGNED.match(word):
        return not re.match(r"\s*: ", line)
    return known.judge_of(word) is not None or (word.startswith(("./", "/", "~/", "$", '"$', "\\")) and "─" not in word)
