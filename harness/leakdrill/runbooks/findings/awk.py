"""awk that compares a column with a number where the column holds none: it compares texts then, and says nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.calls import innermost, pipelines, program
from leakdrill.runbooks.finding import Finding, Level
from leakdrill.runbooks.fragment import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.runbooks.calls import Words
    from leakdrill.runbooks.runbook import Runbook

RULE: Final = "awk-no-number"
SUMMARY: Final = "awk compares a column that holds no number with one"
_COMPARED: Final = re.compile(r"(?<![+\w])\$(?P<column>\d+|NF)\s*(?:[<>]=?|[=!]=)\s*-?\d+(?:\.\d+)?(?![\w%])")
_PS_AUX: Final = {
    1: "the user",
    7: "the terminal",
    8: "the state",
    9: "the start time",
    10: "CPU time as minutes:seconds",
    11: "the command",
}
_DF_H: Final = {2: "a size with a unit", 3: "a size with a unit", 4: "a size with a unit", 5: "a share with a % sign"}
_FREE_H: Final = dict.fromkeys(range(2, 8), "a size with a unit")
_STATS: Final = {
    3: "a share with a % sign",
    4: "a size with a unit",
    6: "a size with a unit",
    7: "a share with a % sign",
}
_TOP_PODS: Final = {1: "a name", 2: "CPU as millicores (5m)", 3: "memory with a unit (64Mi)"}
_GET_PODS: Final = {1: "a name", 2: "ready containers (1/1)", 3: "a status", 5: "an age"}
_PARTLY_NUMBERS: Final = re.compile(r"\b(?:gsub|sub|substr|int|split|strtonum)\s*\(")


def columns_without_numbers(runbook: Runbook) -> Iterator[Finding]:
    """Yields a finding for each comparison of such a column."""
    for fragment in runbook.fragments:
        if fragment.kind not in COMMANDS:
            continue
        for pipeline in pipelines(fragment):
            yield from (Finding(RULE, Level.ERROR, fragment.line, *found) for found in _of(pipeline))


def _of(pipeline: tuple[Words, ...]) -> Iterator[tuple[str, str]]:
    parts = [innermost(words) for words in pipeline]
    columns = _columns(parts[0]) if parts else {}
    if not columns or not all(program(part) in _KEEP_COLUMNS for part in parts[1:]):
        columns = _columns(parts[0]) if len(parts) > 1 and program(parts[1]) in _AWKS else columns
    for part in parts[1:]:
        if program(part) not in _AWKS:
            if program(part) not in _KEEP_COLUMNS:
                return
            continue
        script = " ".join(part[1:])
        found = _COMPARED.search(script)
        if found and not _PARTLY_NUMBERS.search(script) and found["column"] != "NF":
            number = int(found["column"])
            if number in columns:
                text = f"column {number} of `{_shown(parts[0])}` is {columns[number]}: awk compares it as text"
                yield text, "compare a column that holds a number, or make a number of it first"
        return


_AWKS: Final = frozenset({"awk", "gawk", "mawk", "nawk"})
_KEEP_COLUMNS: Final = frozenset(
    {"grep", "egrep", "fgrep", "sort", "head", "tail", "uniq", "tee", "sed", "cat", *_AWKS}
)


def _shown(words: Words) -> str:
    return " ".join(words[:3])


def _columns(words: Words) -> dict[int, str]:
    """What the columns of a command's output hold that are no numbers."""
    name, rest = program(words), words[1:]
    options = "".join(one.lstrip("-") for one in rest if not one.startswith("--"))
    if (
        name == "ps"
        and rest
        and re.fullmatch(r"-?[aux]*u[aux]*\w?", rest[0])
        and "-o" not in rest
        and "-eo" not in rest
    ):
        return _PS_AUX
    if name in ("df", "free"):
        human = "h" in options or "--human" in rest or "--human-readable" in rest
        shares = {5: _DF_H[5]} if name == "df" else {}
        return (_DF_H if name == "df" else _FREE_H) if human else shares
    if name == "du" and "h" in options:
        return {1: "a size with a unit"}
    if name == "docker" and rest[:1] == ("stats",) and "--format" not in rest:
        return _STATS
    return _of_kubectl(rest) if name in ("kubectl", "oc") else {}


def _of_kubectl(rest: Words) -> dict[int, str]:
    if rest[:1] == ("top",) or rest[:2] == ("adm", "top"):
        return _TOP_PODS
    pods = any(one in ("pod", "pods", "po") for one in rest)
    wide = any(one.startswith(("-o", "--output")) and "wide" not in one for one in rest)
    return _GET_PODS if rest[:1] == ("get",) and pods and not wide and not {"-A", "--all-namespaces"} & {*rest} else {}
