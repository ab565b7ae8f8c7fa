"""The JSON Schema that editors use is true: every file of the catalogue fits it, and every default its own type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from leakdrill.runs.catalogue.catalogue import catalogue_root
from leakdrill.scenario.scenario import scenario_schema
from leakdrill.yaml_file import read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA = scenario_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def data_of(path: Path) -> Any:
    return read_yaml(path, expected="a scenario", scalars="yaml 1.2").data


FILES = [
    path
    for path in sorted(catalogue_root().rglob("*.yaml"))
    if isinstance(data := data_of(path), dict) and data.keys() & {"load", "twin_of"} and "name" in data
]


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert len(FILES) > 100


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_drill_of_the_catalogue_fits(path: Path) -> None:
    assert [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(data_of(path))] == []


def test_what_the_reader_refuses_does_not_fit() -> None:
    good = data_of(catalogue_root() / "gateway" / "unbounded-cache.yaml")
    for spoilt in (
        {**good, "phases": {"load": 30}},
        {**good, "phases": {"load": "30 parsecs"}},
        {**good, "lod": {}},
        {**good, "steps": [{"name": "s", "on": 3, "gc": {}}]},
        {key: value for key, value in good.items() if key != "load"},
    ):
        assert not VALIDATOR.is_valid(spoilt)


def test_every_default_fits_its_own_type() -> None:
    defaults = list(_defaults(SCHEMA, ""))
    assert len(defaults) > 100
    definitions = {"$defs": SCHEMA["$defs"]}
    wrong = {
        place: schema["default"]
        for place, schema in defaults
        if not jsonschema.Draft202012Validator({**schema, **definitions}).is_valid(schema["default"])
    }
    assert wrong == {}


def _defaults(node: Any, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(node, dict):
        if "default" in node and not place.endswith("/properties"):
            yield place, node
        for key, value in node.items():
            yield from _defaults(value, f"{place}/{key}")
    elif isinstance(node, list):
        for value in node:
            yield from _defaults(value, place)
