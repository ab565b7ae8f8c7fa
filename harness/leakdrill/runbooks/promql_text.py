"""Text that is PromQL: a block, a stretch of inline code, the query in a URL."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import unquote_plus

import promql_parser as promql

from leakdrill.alerting.time_scale import nodes, parse
from leakdrill.runbooks.named_parts import bound

_LONGEST: Final = 20_000
_METRIC: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*_[a-zA-Z0-9_:]+")
_IN_URL: Final = re.compile(r"[?&]query=((?:[^&\s'\"`|{}]|\{[^{}]*\}|\"[^\"\s]*\")+)")
_ENCODED: Final = re.compile(r"--data-urlencode[= ]+(['\"]?)query=(.*?)\1(?=\s|$)", re.DOTALL)


def read_query(text: str) -> Any | None:
    """Returns the syntax tree of `text` where it is PromQL that asks for a series; None where it is not.

    Placeholders in it stand for names and numbers.
    """
    if len(text) > _LONGEST or not text.strip():
        return None
    for candidate in (text, bound(text)):
        try:
            tree = parse(candidate)
        except ValueError:
            continue
        return tree if any(isinstance(node, promql.VectorSelector) for node in nodes(tree)) else None
    return None


def is_query(text: str) -> bool:
    """Returns whether `text` is PromQL and cannot well be anything else.

    One word is the name of a metric, and words between bars, slashes or minus signs may be anything: a function, a
    selector with braces, a comparison, or a metric's name with an underscore in an operation says that it is a query.
    """
    stripped = text.strip()
    if not re.search(r"[{(\[<>=/*]", stripped):
        return False
    tree = read_query(stripped)
    if tree is None:
        return False
    found = nodes(tree)
    if any(isinstance(node, promql.Call | promql.AggregateExpr | promql.MatrixSelector) for node in found):
        return True
    named = [node for node in found if isinstance(node, promql.VectorSelector)]
    if any(node.matchers.matchers and "{" in stripped for node in named):
        return True
    return len(found) > 1 and all(_METRIC.fullmatch(node.name or "") for node in named)


def queries_of(block: str) -> list[tuple[int, str]]:
    """Returns each query of a block, with the line from 0 on which it begins.

    That is all of it, or each stretch between empty lines and comments, or each line of such a stretch.
    """
    if read_query(block) is not None:
        first = next((n for n, line in enumerate(block.split("\n")) if line.strip() and not _is_comment(line)), 0)
        return [(first, block)]
    found = []
    for line, stretch in _stretches(block):
        parts = [(line, stretch)] if read_query(stretch) is not None else _lines(line, stretch)
        found += parts
    return found


def queries_in_command(text: str) -> list[str]:
    """Returns the queries that a command sends in URLs, as far as they are PromQL."""
    written = [found[1] for found in _IN_URL.finditer(text)] + [found[2] for found in _ENCODED.finditer(text)]
    queries = [unquote_plus(one.replace("+", "%2B")) if "%" in one else one for one in written]
    return [query for query in queries if read_query(query) is not None]


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith(("#", "//"))


def _lines(line: int, stretch: str) -> list[tuple[int, str]]:
    each = [(line + number, text) for number, text in enumerate(stretch.split("\n"))]
    return each if all(read_query(text) is not None for _, text in each) else []


def _stretches(block: str) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    held: list[str] = []
    lines = block.split("\n")
    for number, line in enumerate([*lines, ""]):
        if line.strip() and not _is_comment(line):
            held.append(line)
        elif held:
            found.append((number - len(held), "\n".join(held)))
            held = []
    return found
