"""The one reader of YAML: a file's data, the line of each key and item, and mistakes named by file and line.

It reads with libyaml where PyYAML has it: a rules file of 1.2 MB takes 12 s in Python. Four things that YAML allows
are refused. A key that is given twice: the first value would be lost. Aliases that expand without bound: eight levels
of eight aliases are sixteen million values in a file of 300 bytes, so values are counted before any is expanded. And
nesting without bound, which ends the process inside PyYAML's binding to libyaml. And more values than a person or a
program writes into such a file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

import yaml

from leakdrill.errors import BadInput
from leakdrill.files import read_file
from leakdrill.units import quoted
from leakdrill.yaml_tags import TAGS, tagged

try:
    from yaml import CSafeLoader as _SafeLoader
except ImportError:  # PyYAML was built without libyaml
    from yaml import SafeLoader as _SafeLoader  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

T = TypeVar("T")
Loc = tuple[int | str, ...]
Scalars = Literal["yaml 1.1", "yaml 1.2", "go", "compose", "text"]
"""How scalars without quotes are understood.

"yaml 1.1" is what PyYAML does, "yaml 1.2" what people mean today: `on`, `off`, `yes` and `no` are words, `12:30` and
`2026-01-01` are text. "go" is what Kubernetes does: `yes` and `on` are true, `12:30` and `2026-01-01` are text.
"compose" is that with Compose's own tags, as `Tagged`.
"text" keeps each as it was written, as `Verbatim`, so that `dump_yaml` writes it the same again.
"""

ALIASED_VALUES: Final = 100_000
"""How many values aliases may stand for in one document, beside those that are written in it."""
WRITTEN_VALUES: Final = 100_000
"""How many values may be written in one file: a million take a minute to check. A rules file of 1.2 MB has 60,000."""
_DEEPEST: Final = 8
"""How far below the top something is looked for."""
NESTED: Final = 100
"""How deep a document may be nested: PyYAML's binding to libyaml ends the whole process where the stack ends."""
MOST_BYTES: Final = 8 * 2**20
"""How long a file may be: `/dev/zero` has no end."""
_SHOWN_CHARS: Final = 40
_MALFORMED: Final = (ValueError, TypeError, LookupError, AttributeError, OverflowError)
"""Raised by PyYAML for a scalar that does not fit its tag: `2026-13-45`, `!!bool maybe`, `!!int ''`."""


class Verbatim(str):
    """A scalar that was written without quotes, unchanged."""

    __slots__ = ()


class _Yaml11(_SafeLoader):
    """YAML 1.1, where what does not fit its tag has a line."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            value = super().construct_object(node, deep)
            if isinstance(value, int):
                float(value)  # a number that no float holds fits no key, and Python refuses to write out a longer one
        except _MALFORMED as e:
            raise yaml.constructor.ConstructorError(None, None, _misfit(node), node.start_mark) from e
        return value


def _misfit(node: yaml.Node) -> str:
    text = node.value if isinstance(node.value, str) else "this"
    shortened = text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…"
    return f"{quoted(shortened)} is no {node.tag.rpartition(':')[2]}"


class _Yaml12(_Yaml11):
    """YAML 1.2's core schema, where it differs in what people write."""


class _Go(_Yaml11):
    """YAML 1.1 as Go's common readers have it: times, dates and numbers of base 60 are text."""


class _Compose(_Go):
    """The same, with Compose's tags."""


class _Text(_Yaml11):
    """Scalars as they were written; an empty one is null, and `<<` merges."""


def _resolvers(loader: type[_Yaml11], keep: Callable[[str], bool]) -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    return {
        first: [(tag, pattern) for tag, pattern in resolvers if keep(tag.rpartition(":")[2])]
        for first, resolvers in loader.yaml_implicit_resolvers.items()
    }


_Yaml12.yaml_implicit_resolvers = _resolvers(_Yaml11, lambda tag: tag not in ("bool", "timestamp", "int"))
_Yaml12.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Go.yaml_implicit_resolvers = _resolvers(_Yaml11, lambda tag: tag not in ("timestamp", "int"))
for _loader in (_Yaml12, _Go):
    _loader.add_implicit_resolver(
        "tag:yaml.org,2002:int", re.compile(r"(?:[-+]?[0-9]+|0x[0-9a-fA-F]+)$"), list("-+0123456789")
    )
_Compose.yaml_implicit_resolvers = _Go.yaml_implicit_resolvers
_Text.yaml_implicit_resolvers = _resolvers(_Yaml11, lambda tag: tag in ("null", "merge"))


def _verbatim(_loader: _Text, node: yaml.ScalarNode) -> str:
    return str(node.value) if node.style else Verbatim(node.value)


for _tag in TAGS:
    _Compose.add_constructor(_tag, tagged)
_Text.add_constructor("tag:yaml.org,2002:str", _verbatim)
_LOADERS: Final[dict[Scalars, type[_Yaml11]]] = {
    "yaml 1.1": _Yaml11,
    "yaml 1.2": _Yaml12,
    "go": _Go,
    "compose": _Compose,
    "text": _Text,
}


@dataclass(frozen=True, slots=True)
class Document:
    """One document of the file at `path`: its parsed `data`, and the line of each key and item in it."""

    path: Path
    data: Any
    lines: dict[Loc, int]

    def line(self, loc: Loc) -> int:
        """Returns the line of `loc`, or of the nearest part around it that the file has; from 1."""
        while loc and loc not in self.lines:
            loc = loc[:-1]
        return self.lines.get(loc, 1)

    def place(self, loc: Loc) -> str:
        """Returns where `loc` is, as the beginning of a message: `file:line: groups[0].rules[1].expr`."""
        return f"{self.path}:{self.line(loc)}: {dotted(loc) or 'the file'}"

    def below(self, loc: Loc) -> Document:
        """Returns what is at `loc` as a document of its own, with its lines in the file."""
        data = self.data
        for part in loc:
            data = data[part]
        depth = len(loc)
        lines = {place[depth:]: line for place, line in self.lines.items() if place[:depth] == loc}
        return Document(self.path, data, lines)

    def mappings(self, wanted: Callable[[dict[str, Any], Loc], bool]) -> Iterator[tuple[Loc, dict[str, Any]]]:
        """Yields each mapping that is `wanted`, with its place, and looks no further into it; 8 levels down at most."""
        yield from _mappings(self.data, (), wanted)

    def scalars(self) -> Iterator[tuple[Loc, str]]:
        """Yields each scalar value as text, with its place."""
        waiting: list[tuple[Loc, Any]] = [((), self.data)]
        while waiting:
            loc, value = waiting.pop(0)
            if isinstance(value, dict):
                waiting += [((*loc, str(key)), inner) for key, inner in value.items()]
            elif isinstance(value, list):
                waiting += [((*loc, index), inner) for index, inner in enumerate(value)]
            elif value is not None:
                yield loc, str(value)

    def wrong(self, loc: Loc, problem: str, *, hint: str = "") -> BadInput:
        """Returns the error that says `problem` at `loc`."""
        return BadInput(f"{self.place(loc)}: {problem}", hint=hint)

    def mapping(self, value: Any, loc: Loc) -> dict[str, Any]:
        """Returns `value`, which must be a mapping.

        Raises:
            BadInput: when it is something else.
        """
        if isinstance(value, dict):
            return value
        raise self.wrong(loc, f"found {quoted(value)}; expected a mapping of keys to values")

    def items(self, owner: dict[str, Any], key: str, loc: Loc) -> list[Any]:
        """Returns the list at `key` of `owner`; empty when it is left out.

        Raises:
            BadInput: when it is no list.
        """
        value = owner.get(key)
        if value is None or isinstance(value, list):
            return value or []
        raise self.wrong((*loc, key), f"found {quoted(value)}; expected a list")


def _mappings(
    value: Any, loc: Loc, wanted: Callable[[dict[str, Any], Loc], bool]
) -> Iterator[tuple[Loc, dict[str, Any]]]:
    if len(loc) > _DEEPEST or not isinstance(value, dict | list):
        return
    if isinstance(value, dict) and wanted(value, loc):
        yield loc, value
        return
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        yield from _mappings(inner, (*loc, key if isinstance(key, int) else str(key)), wanted)


def read_yaml(path: Path, *, expected: str, scalars: Scalars = "yaml 1.1", hint: str = "") -> Document:
    """Reads the file at `path`, which holds one document or none; `expected` says in errors what it should hold.

    Raises:
        BadInput: when it cannot be read, is too large or not YAML, gives a key twice, or has aliases without bound.
    """
    return _read(path, expected, hint, lambda text: _single(text, scalars, path, expected))


def read_yaml_documents(path: Path, *, expected: str, scalars: Scalars = "yaml 1.1") -> list[Document]:
    """Reads every document of the file at `path` that is not empty.

    Raises:
        BadInput: as `read_yaml` does.
    """
    return _read(path, expected, "", lambda text: list(_documents(text, scalars, path, expected)))


def parse_yaml(text: str, source: Path, *, expected: str, scalars: Scalars = "yaml 1.1") -> Document:
    """Reads `text`, one document or none, which errors name as `source`.

    Raises:
        BadInput: as `read_yaml` does.
    """
    return _parsed(text, source, expected, lambda text: _single(text, scalars, source, expected))


def dump_yaml(data: Any) -> str:
    """Returns `data` as YAML, keys in their order, what was read as text as it was written."""
    text: str = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
    return text


def unshared(data: Any) -> Any:
    """Returns a copy of `data` in which what was an alias is a copy too, so that each place can be changed alone."""
    if isinstance(data, dict):
        return {key: unshared(value) for key, value in data.items()}
    return [unshared(value) for value in data] if isinstance(data, list) else data


def dotted(loc: Loc) -> str:
    """Returns `loc` as messages write it: `groups[0].rules[1].expr`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).removeprefix(".")


class _Dumper(yaml.SafeDumper):
    """Writes text that was read without quotes without quotes."""


def _represent(dumper: _Dumper, text: Verbatim) -> yaml.ScalarNode:
    tag: str = dumper.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    return dumper.represent_scalar(tag, str(text))


_Dumper.add_representer(Verbatim, _represent)


def _read(path: Path, expected: str, hint: str, parse: Callable[[str], T]) -> T:
    try:
        text = read_file(path, most_bytes=MOST_BYTES).decode("utf-8")
    except OSError as e:
        raise BadInput(f"{path}: cannot be read: {e.strerror}; expected {expected}", hint=hint) from e
    except UnicodeDecodeError as e:
        raise BadInput(f"{path}: is not UTF-8 text: {e.reason} at byte {e.start}; expected {expected}") from e
    return _parsed(text, path, expected, parse)


def _parsed(text: str, path: Path, expected: str, parse: Callable[[str], T]) -> T:
    try:
        _refuse_deep_or_long(text, path, expected)
        return parse(text)
    except yaml.MarkedYAMLError as e:
        # libyaml marks an end that comes too early on the line after the last.
        line = min(e.problem_mark.line + 1, len(text.splitlines())) if e.problem_mark else 1
        raise BadInput(f"{path}:{line}: not YAML: {e.problem}; expected {expected}") from e
    except yaml.reader.ReaderError as e:
        line = text.count("\n", 0, e.position) + 1
        raise BadInput(f"{path}:{line}: not YAML: {e.reason}; expected {expected}") from e


def _refuse_deep_or_long(text: str, path: Path, expected: str) -> None:
    depth = values = 0
    for event in yaml.parse(text, Loader=_SafeLoader):
        values += isinstance(event, yaml.NodeEvent)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > NESTED or values > WRITTEN_VALUES:
            line = event.start_mark.line + 1 if event.start_mark else 1
            deep, long = f"nested more than {NESTED} deep", f"holds more than {WRITTEN_VALUES:,} values"
            problem = deep if depth > NESTED else long
            raise BadInput(f"{path}:{line}: {problem}; expected {expected}")


def _single(text: str, scalars: Scalars, path: Path, expected: str) -> Document:
    loader = _LOADERS[scalars](text)
    node = loader.get_single_node()
    if node is None:
        return Document(path, None, {})
    _refuse_aliases_without_bound(text, node, path, expected)
    return _document(loader, node, path)


def _documents(text: str, scalars: Scalars, path: Path, expected: str) -> Iterable[Document]:
    loader = _LOADERS[scalars](text)
    while loader.check_node():
        node = loader.get_node()
        if node is None:
            continue
        _refuse_aliases_without_bound(text, node, path, expected)
        if (document := _document(loader, node, path)).data is not None:
            yield document


def _refuse_aliases_without_bound(text: str, node: yaml.Node, path: Path, expected: str) -> None:
    if "&" in text:  # else there is no anchor, and so no alias
        _Sizes(path, expected).of(node)


def _document(loader: _Yaml11, node: yaml.Node, path: Path) -> Document:
    lines: dict[Loc, int] = {}
    _note_lines(node, (), lines, path)
    return Document(path, loader.construct_document(node), lines)


class _Sizes:
    """How many values each node stands for with its aliases expanded, which is known without expanding them."""

    def __init__(self, path: Path, expected: str) -> None:
        self._path, self._expected = path, expected
        self._known: dict[int, int] = {}
        self._open: set[int] = set()
        self._aliased = 0

    def of(self, node: yaml.Node) -> int:
        """Returns the number for `node`.

        Raises:
            BadInput: when it contains itself, or aliases stand for more than `ALIASED_VALUES`.
        """
        if id(node) in self._open:
            raise self._wrong(node, "contains an alias of itself")
        if id(node) in self._known:
            self._aliased += self._known[id(node)]
        else:
            self._open.add(id(node))
            self._known[id(node)] = 1 + sum(self.of(inner) for inner in _inner(node))
            self._open.remove(id(node))
        if self._aliased > ALIASED_VALUES:
            raise self._wrong(node, f"aliases stand for more than {ALIASED_VALUES:,} values")
        return self._known[id(node)]

    def _wrong(self, node: yaml.Node, problem: str) -> BadInput:
        return BadInput(f"{self._path}:{node.start_mark.line + 1}: {problem}; expected {self._expected}")


def _inner(node: yaml.Node) -> Iterable[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return (inner for pair in node.value for inner in pair)
    return node.value if isinstance(node, yaml.SequenceNode) else ()


def _note_lines(node: yaml.Node, loc: Loc, lines: dict[Loc, int], path: Path) -> None:
    lines.setdefault(loc, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        _note_keys(node, loc, lines, path)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _note_lines(item, (*loc, index), lines, path)


def _note_keys(node: yaml.MappingNode, loc: Loc, lines: dict[Loc, int], path: Path) -> None:
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise yaml.constructor.ConstructorError(None, None, "found a key that is no scalar", key.start_mark)
        inner = (*loc, key.value)
        if inner in lines:
            raise BadInput(f"{path}:{line}: {dotted(inner)}: given twice; first on line {lines[inner]}")
        lines[inner] = line
        _note_lines(value, inner, lines, path)
