"""The code stays in pieces that a person can take in: functions, classes and modules have a longest length."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE: Final = Path(__file__).parents[2] / "harness" / "leakdrill"
MOST_LINES: Final = {"function": 51, "class": 200, "module": 400}


def lengths(name: str, text: str) -> Iterator[tuple[str, str, int]]:
    """Yields the kind, the name and the lines of a module and of each class and function in it."""
    yield "module", name, len(text.splitlines())
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef):
            yield "class", node.name, lines(node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield "function", node.name, lines(node)


def lines(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def too_long(name: str, text: str) -> list[str]:
    return [
        f"{name}: {kind} {own_name} has {count} lines; expected {MOST_LINES[kind]} at most"
        for kind, own_name, count in lengths(name, text)
        if count > MOST_LINES[kind]
    ]


def test_no_function_class_or_module_is_too_long() -> None:
    files = sorted(PACKAGE.rglob("*.py"))
    assert files
    texts = {str(file.relative_to(PACKAGE)): file.read_text(encoding="utf-8") for file in files}
    assert not [sentence for name, text in texts.items() for sentence in too_long(name, text)]


def test_what_is_one_line_too_long_is_named() -> None:
    function = "def work():\n" + "    pass\n" * 50
    longest = "class Part:\n" + "    x = 1\n" * 199
    assert not too_long("a.py", function + longest)
    assert len(too_long("a.py", function + "    pass\n")) == 1
    assert len(too_long("a.py", longest + "    x = 1\n")) == 1
    assert not too_long("a.py", "x = 1\n" * 400)
    assert len(too_long("a.py", "x = 1\n" * 401)) == 1
