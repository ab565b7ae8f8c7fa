"""The coverage of each document: every instruction with its drills, or with the reason why it has none.

A document's instructions stand in `coverage.yaml` beside the scenarios that drill it; a scenario names those that it
carries out under `covers`, and so do the bindings of a runbook that is rehearsed. Nothing is counted that is not
declared in both places.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from leakdrill.units import quoted
from leakdrill.yaml_file import read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from leakdrill.scenario.scenario import Scenario
    from leakdrill.yaml_file import Document, Loc

FILE_NAME: Final = "coverage.yaml"
"""Beside the scenarios of the document."""

_KEYS: Final = ("id", "section", "says", "not_drilled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One sentence of a document, in our words: what to do, when, or what to look at.

    Attributes:
        id: stable, such as `resource-exhaustion/clear-caches`.
        section: where it stands in the document.
        says: what it says.
        not_drilled: why no drill carries it out; empty when one should.
        drills: names of the scenarios that do.
        runbooks: names of the runbooks whose rehearsal does.
    """

    id: str
    section: str
    says: str
    not_drilled: str
    drills: tuple[str, ...] = ()
    runbooks: tuple[str, ...] = ()

    @property
    def open(self) -> bool:
        """Whether it has neither a drill nor a reason."""
        return not self.carried_out and not self.not_drilled

    @property
    def carried_out(self) -> bool:
        """Whether a drill carries it out, or the rehearsal of a runbook."""
        return bool(self.drills or self.runbooks)

    def as_dict(self) -> dict[str, Any]:
        """The same facts for machines."""
        return {
            "id": self.id,
            "section": self.section,
            "says": self.says,
            "drills": list(self.drills),
            "runbooks": list(self.runbooks),
            "not_drilled": self.not_drilled or None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """One document's instructions, in its order."""

    document: str
    title: str
    path: Path
    instructions: tuple[Instruction, ...]

    def counts(self) -> dict[str, int]:
        """Returns how many instructions are drilled, have a reason instead, have neither, and are in a runbook.

        Those that the rehearsal of a runbook carries out are among the drilled, and counted once more by themselves.
        """
        drilled = sum(one.carried_out for one in self.instructions)
        still_open = sum(one.open for one in self.instructions)
        return {
            "drilled": drilled,
            "reason": len(self.instructions) - drilled - still_open,
            "open": still_open,
            "in_runbooks": sum(bool(one.runbooks) for one in self.instructions),
        }


class Covers(NamedTuple):
    """Who carries each instruction out: names of scenarios and of runbooks, by its id."""

    drills: Mapping[str, Sequence[str]]
    runbooks: Mapping[str, Sequence[str]]


def read_coverage(
    paths: Iterable[Path],
    scenarios: Sequence[Scenario],
    runbooks: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> list[Coverage]:
    """Returns what `scenarios`, and the rehearsals of `runbooks`, cover of the documents in `paths`.

    Args:
        paths: files of instructions.
        scenarios: the drills, each with what it covers.
        runbooks: what the rehearsal of each runbook covers, by the runbook's name.

    Raises:
        BadInput: for a file that cannot be used: `file:line: instructions[3].id: what was found; what is expected`.
    """
    covers = Covers(_by_id({scenario.name: scenario.covers for scenario in scenarios}), _by_id(runbooks))
    return [_coverage(read_yaml(path, expected="the instructions of a document"), covers) for path in paths]


def _by_id(covers: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    by_id: dict[str, list[str]] = {}
    for name, ids in covers.items():
        for one in dict.fromkeys(ids):
            by_id.setdefault(one, []).append(name)
    return by_id


def problems(
    documents: Sequence[Coverage],
    scenarios: Sequence[Scenario],
    runbooks: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> list[str]:
    """Returns the faults: an instruction with neither drill nor reason, an unknown id, an id that stands twice."""
    named = [*((scenario.name, scenario.covers) for scenario in scenarios), *runbooks.items()]
    known = [one.id for document in documents for one in document.instructions]
    loose = [
        f"{document.path}: {one.id}: has no drill; expected a scenario that covers it, or `not_drilled` with the reason"
        for document in documents
        for one in document.instructions
        if one.open
    ]
    unknown = [
        f"{name}: covers: {quoted(one)} is no instruction; expected an id of a {FILE_NAME}"
        for name, covers in named
        for one in covers
        if one not in known
    ]
    twice = [f"{one}: stands twice; expected ids of their own" for one in sorted(set(known)) if known.count(one) > 1]
    return [*loose, *unknown, *twice]


def _coverage(file: Document, covers: Covers) -> Coverage:
    top = file.mapping(file.data, ())
    name = _text(file, top, "document", ())
    return Coverage(
        document=name,
        title=_text(file, top, "title", ()),
        path=file.path,
        instructions=tuple(
            _instruction(file, item, ("instructions", index), name, covers)
            for index, item in enumerate(file.items(top, "instructions", ()))
        ),
    )


def _instruction(file: Document, item: Any, loc: Loc, document: str, covers: Covers) -> Instruction:
    given = file.mapping(item, loc)
    for key in given:
        if key not in _KEYS:
            hint = "a text with a comma in it needs quotes where it stands in braces" if given[key] is None else ""
            raise file.wrong((*loc, key), f"is not a key here; expected one of {', '.join(_KEYS)}", hint=hint)
    identity = _text(file, given, "id", loc)
    if not identity.startswith(f"{document}/"):
        raise file.wrong((*loc, "id"), f"found {quoted(identity)}; expected {document}/… as the document is called")
    return Instruction(
        id=identity,
        section=_text(file, given, "section", loc),
        says=_text(file, given, "says", loc),
        not_drilled=_text(file, given, "not_drilled", loc) if "not_drilled" in given else "",
        drills=tuple(covers.drills.get(identity, ())),
        runbooks=tuple(covers.runbooks.get(identity, ())),
    )


def _text(file: Document, owner: dict[str, Any], key: str, loc: Loc) -> str:
    if key not in owner:
        raise file.wrong(loc, f"{key} is missing; expected a text")
    value = owner[key]
    if isinstance(value, str) and value.strip():
        return value.strip()
    raise file.wrong((*loc, key), f"found {quoted(value)}; expected a text")
