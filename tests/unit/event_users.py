"""The files that write an event and those that read it, found by walking the package's own code.

A file writes an event by making an object of its class, or by naming the class as what a meter's readings become. It
reads one by naming the class anywhere else but in an annotation.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import leakdrill
from leakdrill.record.events import METERS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from leakdrill.record.event_class import EventClass

PACKAGE: Final = Path(leakdrill.__file__).parent
_LISTS: Final = {"METERS": tuple(meter.__name__ for meter in METERS)}
_IMPORT: Final = "from leakdrill.record.events import"


@dataclass(frozen=True, slots=True)
class Users:
    """The files that write and read one event, as paths in the package."""

    writers: set[str] = field(default_factory=set)
    readers: set[str] = field(default_factory=set)


def event_users(root: Path, names: Collection[str]) -> Mapping[str, Users]:
    """The users of each class of `names` in the files below `root`."""
    users: defaultdict[str, Users] = defaultdict(Users)
    for path in sorted(root.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if _IMPORT in text:
            place = path.relative_to(root).with_suffix("").as_posix()
            for name, writes in _uses(ast.parse(text)):
                if name in names:
                    (users[name].writers if writes else users[name].readers).add(place)
    return users


def contract_problems(events: Iterable[type[EventClass]], users: Mapping[str, Users]) -> list[str]:
    """A sentence for each event that is read and never written, is never read without saying why, or names others."""
    problems = []
    for event in events:
        own = users.get(event.__name__, Users())
        writers, readers = _folders(own.writers), _folders(own.readers)
        if not writers:
            problems.append(f"{event.__name__} is never written")
        if not readers and not event.for_people:
            problems.append(f"{event.__name__} is never read, and does not say that only people read it")
        if readers and event.for_people:
            problems.append(f"{event.__name__} says that only people read it, and {min(own.readers)} does")
        for verb, named, actual in (("written", event.written_by, writers), ("read", event.read_by, readers)):
            if actual and named != actual:
                problems.append(f"{event.__name__} is {verb} by {actual}, and says by {named}")
    return problems


def _folders(files: Collection[str]) -> tuple[str, ...]:
    return tuple(sorted({file.partition("/")[0] for file in files}))


def _uses(node: ast.AST) -> Iterator[tuple[str, bool]]:
    """The name of each class that is used below `node`, and whether that writes it."""
    if isinstance(node, ast.Call) and (made := _made(node.func)):
        yield made, True
        children: list[ast.AST] = [*node.args, *node.keywords]
    elif isinstance(node, ast.Assign | ast.AnnAssign) and _is_event(node):
        yield from ((name, True) for name in _names(node.value))
        children = []
    elif isinstance(node, ast.Name):
        yield from ((name, False) for name in _LISTS.get(node.id, (node.id,)))
        children = []
    else:
        children = [child for name, child in _children(node) if name not in ("annotation", "returns")]
    for child in children:
        yield from _uses(child)


def _made(function: ast.expr) -> str:
    """The class of which a call makes an object: `Class(…)` or `Class.of(…)`; empty when it makes none."""
    if isinstance(function, ast.Attribute) and function.attr == "of":
        function = function.value
    return function.id if isinstance(function, ast.Name) and function.id[:1].isupper() else ""


def _is_event(node: ast.Assign | ast.AnnAssign) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return any("event" in (getattr(target, "id", ""), getattr(target, "attr", "")) for target in targets)


def _names(node: ast.AST | None) -> list[str]:
    return [] if node is None else [child.id for child in ast.walk(node) if isinstance(child, ast.Name)]


def _children(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    for name, content in ast.iter_fields(node):
        for child in content if isinstance(content, list) else [content]:
            if isinstance(child, ast.AST):
                yield name, child
