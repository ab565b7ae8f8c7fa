"""SARIF 2.1.0 (OASIS, 2020): findings in files, in the form with which code hosts annotate them."""

from __future__ import annotations

import json
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from leakdrill import __version__
from leakdrill.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"


class SarifRule(NamedTuple):
    """A rule of ours, and what it finds in one phrase."""

    name: str
    summary: str


class SarifResult(NamedTuple):
    """One finding; `level` is error, warning or note, `line` counts from 1."""

    rule: str
    level: str
    file: str
    line: int
    message: str
    silenced_because: str = ""


def sarif(rules: Sequence[SarifRule], results: Sequence[SarifResult]) -> str:
    """Returns a SARIF log of one run with these results, as JSON text."""
    places = {rule.name: index for index, rule in enumerate(rules)}
    driver = {
        "name": "leakdrill",
        "version": __version__,
        "rules": [{"id": rule.name, "shortDescription": {"text": rule.summary}} for rule in rules],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(one, places[one.rule]) for one in results],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _result(one: SarifResult, rule_index: int) -> dict[str, Any]:
    place = {
        "artifactLocation": {"uri": _uri(one.file)},
        "region": {"startLine": one.line},
    }
    result: dict[str, Any] = {
        "ruleId": one.rule,
        "ruleIndex": rule_index,
        "level": one.level,
        "message": {"text": printable(one.message)},
        "locations": [{"physicalLocation": place}],
    }
    if one.silenced_because:
        result["suppressions"] = [{"kind": "inSource", "justification": printable(one.silenced_because)}]
    return result


def _uri(file: str) -> str:
    path = PurePath(file)
    return path.as_uri() if path.is_absolute() else "".join(map(_escaped, path.as_posix()))


def _escaped(character: str) -> str:
    if character.isascii() and (character.isalnum() or character in "/-._~"):
        return character
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogateescape"))
