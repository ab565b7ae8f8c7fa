"""A YAML file of someone else's, and where each of its keys stands, so that a mistake can be named by its line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from leakdrill.errors import BadInput
from leakdrill.units import quoted

if TYPE_CHECKING:
    from pathlib import Path

Loc = tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """The file at `path`: its parsed `data`, and the line of each key and item in it."""

    path: Path
    data: Any
    lines: dict[Loc, int]

    def line(self, loc: Loc) -> int:
        """The line of `loc`, or of the nearest part around it that the file has; from 1."""
        while loc and loc not in self.lines:
            loc = loc[:-1]
        return self.lines.get(loc, 1)

    def wrong(self, loc: Loc, problem: str, *, hint: str = "") -> BadInput:
        """The error that says `problem` at `loc`: `file:line: groups[0].rules[1].expr: problem`."""
        dotted = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).removeprefix(".")
        return BadInput(f"{self.path}:{self.line(loc)}: {dotted or 'the file'}: {problem}", hint=hint)

    def mapping(self, value: Any, loc: Loc) -> dict[str, Any]:
        """`value`, which must be a mapping.

        Raises:
            BadInput: when it is something else.
        """
        if isinstance(value, dict):
            return value
        raise self.wrong(loc, f"found {quoted(value)}; expected a mapping of keys to values")

    def items(self, owner: dict[str, Any], key: str, loc: Loc) -> list[Any]:
        """The list at `key` of `owner`; empty when it is left out.

        Raises:
            BadInput: when it is no list.
        """
        value = owner.get(key)
        if value is None or isinstance(value, list):
            return value or []
        raise self.wrong((*loc, key), f"found {quoted(value)}; expected a list")


def read_document(path: Path, *, expected: str) -> Document:
    """The YAML file at `path`; `expected` says in errors what it should hold.

    Raises:
        BadInput: when it cannot be read, or is no YAML.
    """
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        lines: dict[Loc, int] = {}
        if node is not None:
            _note_lines(node, (), lines)
        return Document(path, yaml.safe_load(text), lines)
    except OSError as e:
        raise BadInput(f"{path}: cannot be read: {e.strerror}; expected {expected}") from e
    except UnicodeDecodeError as e:
        raise BadInput(f"{path}: is not UTF-8 text: {e.reason} at byte {e.start}; expected {expected}") from e
    except yaml.MarkedYAMLError as e:
        line = e.problem_mark.line + 1 if e.problem_mark else 1
        raise BadInput(f"{path}:{line}: not YAML: {e.problem}; expected {expected}") from e
    except yaml.YAMLError as e:
        raise BadInput(f"{path}: not YAML: {e}; expected {expected}") from e


def _note_lines(node: yaml.Node, loc: Loc, lines: dict[Loc, int]) -> None:
    lines.setdefault(loc, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            lines[(*loc, str(key.value))] = key.start_mark.line + 1
            _note_lines(value, (*loc, str(key.value)), lines)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _note_lines(item, (*loc, index), lines)
