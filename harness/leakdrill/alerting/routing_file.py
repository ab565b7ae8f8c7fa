"""Alertmanager's configuration in the files that people have: its own, a Secret, a ConfigMap, a chart's values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from leakdrill.alerting.foreign_rules import is_definition, refuse_foreign
from leakdrill.alerting.manifest_texts import holds_texts, read_texts
from leakdrill.errors import BadInput
from leakdrill.yaml_file import read_yaml_documents

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from leakdrill.yaml_file import Document, Loc

EXPECTED: Final = "an Alertmanager configuration"
_LIKE_ROUTING: Final = re.compile(r"^[ {\"']*route[\"']? *:", re.MULTILINE)
_KEYS: Final = frozenset(
    ["global", "route", "receivers", "templates", "inhibit_rules", "time_intervals", "mute_time_intervals", "tracing"]
)
_OF_THE_OPERATOR: Final = "AlertmanagerConfig"


def read_routing_file(path: Path) -> Document:
    """Returns the one configuration that the file at `path` holds, with its lines in that file.

    Raises:
        BadInput: when it cannot be read, is of another kind, or holds none or several.
    """
    refuse_foreign(path)
    documents = read_yaml_documents(path, expected=EXPECTED, scalars="text")
    found = [one for document in documents for one in _configurations(document)]
    if not found:  # what is plainly meant as one: its reader says what it lacks
        found = [one for one in documents if _is_plain(one.data)]
    if len(found) == 1:
        return found[0]
    if found:
        lines = " and ".join(str(one.line(("route",))) for one in found[:3])
        raise BadInput(f"{path}: holds {len(found)} configurations, at lines {lines}; expected one")
    if not documents:
        raise BadInput(f"{path}:1: the file: is empty; expected {EXPECTED}")
    raise _without_route(documents[0])


def _without_route(document: Document) -> BadInput:
    top = document.mapping(document.data, ())
    if top.get("kind") == _OF_THE_OPERATOR:
        return document.wrong(
            (),
            f"is an {_OF_THE_OPERATOR}, of which the Prometheus operator makes a configuration; expected that",
            hint="kubectl get secret alertmanager-NAME-generated -o yaml > routing.yaml",
        )
    kind = f"is a manifest of kind {top['kind']} and " if isinstance(top.get("kind"), str) else ""
    return document.wrong((), f"{kind}has no route; expected {EXPECTED}")


def _configurations(document: Document) -> Iterator[Document]:
    if is_definition(document.data):
        return
    for loc, value in document.mappings(_may_hold_one):
        if holds_texts(value):
            for inner in read_texts(document, value, loc, like=_LIKE_ROUTING, expected=EXPECTED):
                yield from _configurations(inner)
        elif value.get("kind") != _OF_THE_OPERATOR:
            yield document.below(loc)


def _is_plain(data: Any) -> bool:
    return isinstance(data, dict) and "route" in data and data.keys() <= _KEYS


def _may_hold_one(value: dict[str, Any], _loc: Loc) -> bool:
    """Whether it is one, or may hold one: a `route` without receivers may be an ingress's, or anything else."""
    is_routing = "route" in value and "receivers" in value
    return holds_texts(value) or is_routing or value.get("kind") == _OF_THE_OPERATOR
