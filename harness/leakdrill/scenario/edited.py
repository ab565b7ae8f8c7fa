"""Numbers written into a scenario file of the user's: the text stays as it is, but for them and their comments.

The text is edited where YAML's own parser says that a value stands. What comes out is read again, and must differ from
what was there in those numbers alone; else nothing is written.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import yaml

from leakdrill.yaml_file import parse_yaml, unshared

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from leakdrill.yaml_file import Loc

MARK: Final = "calibrated"
"""The first word of each comment that is written, by which it is found and replaced the next time."""
_OURS: Final = re.compile(rf"(?:\s*#\s*|; ){MARK} \d{{4}}-\d\d-\d\d: [^;\r\n]*(?:; (?:[^;\r\n]*))*$")


class Edit(NamedTuple):
    """One number: where it stands, or is to stand; how it is written; and what its comment says."""

    loc: Loc
    value: str
    comment: str


def edited(text: str, source: Path, edits: Iterable[Edit], *, day: str) -> str:
    """Returns `text` with `edits`, whose comments name the `day`.

    Raises:
        BadInput: when a number cannot be written without changing anything else, such as behind an alias.
    """
    for edit in edits:
        after = _with_comment(*_with_value(text, edit), edit.comment, day)
        _refuse_other_changes(text, after, source, edit)
        text = after
    return text


def _refuse_other_changes(text: str, after: str, source: Path, edit: Edit) -> None:
    expected = "a scenario"
    before = parse_yaml(text, source, expected=expected, scalars="yaml 1.2")
    wanted, value = unshared(before.data), yaml.safe_load(edit.value)
    _put(wanted, edit.loc, value)
    problem = before.wrong(
        edit.loc, f"cannot be set to {edit.value} without changing something else", hint="write it yourself"
    )
    try:
        found = parse_yaml(after, source, expected=expected, scalars="yaml 1.2").data
    except Exception as e:
        raise problem from e
    if found != wanted:
        raise problem


def _put(data: Any, loc: Loc, value: object) -> None:
    for part in loc[:-1]:
        if isinstance(part, str) and data.get(part) is None:
            data[part] = {}
        data = data[part]
    data[loc[-1]] = value


def _with_value(text: str, edit: Edit) -> tuple[str, int]:
    """The text with the value, and the place where it ends."""
    node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    parent: Any = None
    for depth, part in enumerate(edit.loc):
        parent, node = node, _child(node, part)
        if node is None or (depth < len(edit.loc) - 1 and _is_empty(node)):
            return _added(text, parent, node, edit.loc[depth:], edit.value)
    return _replaced(text, node.start_mark.index, node.end_mark.index, edit.value)


def _is_empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _child(node: Any, part: int | str) -> Any:
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int):
        return node.value[part]
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    return next((value for key, value in pairs if key.value == part), None)


def _added(text: str, parent: yaml.MappingNode, node: yaml.Node | None, loc: Loc, value: str) -> tuple[str, int]:
    """The text with the keys of `loc`, of which `parent` has none, or only the first, with nothing behind it."""
    for part in reversed(loc[1:]):
        value = f"{{{part}: {value}}}"
    if node is not None:
        gap = " " if node.start_mark.index == node.end_mark.index else ""
        return _replaced(text, node.start_mark.index, node.end_mark.index, gap + value)
    written = f"{loc[0]}: {value}"
    if parent.flow_style:
        at = parent.value[-1][1].end_mark.index if parent.value else parent.start_mark.index + 1
        return _replaced(text, at, at, f", {written}" if parent.value else written)
    indent = " " * parent.value[0][0].start_mark.column
    for key, one in reversed(parent.value):
        on_its_line = isinstance(one, yaml.ScalarNode) or one.flow_style
        if on_its_line and one.end_mark.line == key.start_mark.line:
            at = _line_end(text, one.end_mark.index)
            return _replaced(text, at, at, f"{_newline(text)}{indent}{written}")
    at = parent.value[0][0].start_mark.index
    after, end = _replaced(text, at, at, written)
    return f"{after[:end]}{_newline(text)}{indent}{after[end:]}", end


def _replaced(text: str, start: int, end: int, value: str) -> tuple[str, int]:
    return f"{text[:start]}{value}{text[end:]}", start + len(value)


def _with_comment(text: str, at: int, comment: str, day: str) -> str:
    """The text with the comment at the end of the line of `at`, behind the user's own; an older one of ours goes."""
    start, end = text.rfind("\n", 0, at) + 1, _line_end(text, at)
    line, subject = text[start:end], comment.partition(":")[0]
    kept = []
    found = _OURS.search(line)
    if found:
        line = line[: found.start()]
        _, _, told = found.group().partition(f"{MARK} ")
        if told.startswith(day):
            kept = [one for one in told.partition(": ")[2].split("; ") if one.partition(":")[0] != subject]
    joined = "; ".join([*kept, comment])
    lead = "; " if _has_comment(line, text, start) else "  # "
    return f"{text[:start]}{line.rstrip()}{lead}{MARK} {day}: {joined}{text[end:]}"


def _has_comment(line: str, text: str, start: int) -> bool:
    """Whether the user has a comment on this line: a `#` behind white space, and outside of every token."""
    spans = [
        (token.start_mark.index, token.end_mark.index)
        for token in yaml.scan(text, Loader=yaml.SafeLoader)
        if isinstance(token, yaml.ScalarToken)
    ]
    places = [start + match.end() - 1 for match in re.finditer(r"\s#", line)]
    return any(not any(begin <= place < end for begin, end in spans) for place in places)


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    end = len(text) if end < 0 else end
    return end - 1 if text[:end].endswith("\r") else end


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"
