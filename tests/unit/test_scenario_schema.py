"""The JSON Schema that editors use is true: every file of the catalogue fits it, and every default its own type.

And it accepts what the reader accepts. Left out is what no JSON Schema can say: numbers that are not finite or beyond
64 bits, a line break behind the end of a text (Python's `$` lets it pass), names that must differ from each other,
whether a regular expression is one, and levels whose unit follows from another part of the file.
"""

from __future__ import annotations

import copy
import random
from typing import TYPE_CHECKING, Any, Final

import jsonschema
import pytest
from pydantic import ValidationError

from leakdrill.runs.catalogue.catalogue import catalogue_root
from leakdrill.scenario.scenario import Scenario, scenario_schema
from leakdrill.scenario.twin import Twin
from leakdrill.yaml_file import read_yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
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


Place = tuple[str | int, ...]
VALUES: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, 1, -1, 2, 1.5, -0.5, 60, "", "x", "a b", "A", "/x", "http://x", "https://x/y", "null", "~"),
    *(
        "5s",
        "1m30s",
        "-5s",
        "5 s",
        " 5s ",
        "5S",
        "1.5h",
        "1m1h",
        "1s" * 7,
        "9" * 16 + "s",
        "\u0663s",
        "1_0s",
        "1e3s",
        "0s",
    ),
    *(
        "10%",
        "110%",
        "1 %",
        "1e3%",
        "1KiB",
        "64 MiB",
        "64  MiB",
        "1kiB",
        "1iB",
        "-1B",
        "5/s",
        "5 / m",
        "5/d",
        "0",
        "1",
        "1.5",
    ),
    *(
        [],
        {},
        [1],
        ["a"],
        [[]],
        {"a": 1},
        {"a": "b"},
        "HighMemoryUsage",
        "A{b=c}",
        "A{b}",
        'A{b="c, d"}',
        '"{x}"',
        "a}",
    ),
    *(
        "process",
        "docker",
        "memory",
        "disk",
        "cpu",
        {"alert": "A"},
        {"alert": "A", "labels": {"a": "b"}},
        "{port}",
        "{x}",
    ),
)


def _places(node: Any, place: Place = ()) -> Iterator[Place]:
    yield place
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in pairs:
        yield from _places(value, (*place, key))


def _at(node: Any, place: Place) -> Any:
    for key in place:
        node = node[key]
    return node


DATA = [data_of(path) for path in FILES]
PARTS: dict[str, list[Any]] = {}
"""The values that each key has in the catalogue."""
for _one in DATA:
    for _place in _places(_one):
        if _place and isinstance(_place[-1], str):
            PARTS.setdefault(_place[-1], []).append(_at(_one, _place))
KEYS = sorted(PARTS.keys() | {key for model in SCHEMA["$defs"].values() for key in model.get("properties", {})})


def _set(data: Any, chance: random.Random) -> None:
    place = chance.choice([place for place in _places(data) if place])
    _at(data, place[:-1])[place[-1]] = copy.deepcopy(chance.choice(VALUES))


def _removed(data: Any, chance: random.Random) -> None:
    place = chance.choice([place for place in _places(data) if place])
    del _at(data, place[:-1])[place[-1]]


def _added(data: Any, chance: random.Random) -> None:
    chosen = chance.choice([place for place in _places(data) if isinstance(_at(data, place), dict)])
    key = chance.choice(KEYS)
    of_others = PARTS.get(key) if chance.random() < 0.5 else None
    _at(data, chosen)[key] = copy.deepcopy(chance.choice(of_others or VALUES))


def _appended(data: Any, chance: random.Random) -> None:
    lists = [place for place in _places(data) if isinstance(_at(data, place), list)]
    if lists:
        _at(data, chance.choice(lists)).append(copy.deepcopy(chance.choice(VALUES)))


CHANGES: Final[tuple[Callable[[Any, random.Random], None], ...]] = (_set, _removed, _added, _added, _appended)
NOT_SAID: Final = (
    *("is not a regular expression", "expected names of their own", "no level of ", "grows gpu_memory", "max to be at"),
    *(
        "which process of this machine",
        "expected one of pid, pid_file and unit",
        "of kind existing",
        "expected url, the",
    ),
    *("existing container", "https url", "whose key it is", "no name of a header", "is set for each request"),
)
"""What the reader alone can tell."""


def _refusal(data: Any) -> str | None:
    """What the reader says against `data`; None when it takes it."""
    try:
        if "twin_of" in data:
            Twin.model_validate(data)
        else:
            Scenario.model_validate(data)
    except ValidationError as e:
        return str(e)
    return None


@pytest.mark.parametrize("seed", range(8))
def test_the_schema_accepts_what_the_reader_accepts(seed: int) -> None:
    chance, apart = random.Random(seed), []  # noqa: S311 - the same changes every time
    for _ in range(80):
        data = copy.deepcopy(chance.choice(DATA))
        for _ in range(chance.choice((1, 1, 2))):
            chance.choice(CHANGES)(data, chance)
        refusal, errors = _refusal(data), [f"{e.json_path}: {e.message}" for e in VALIDATOR.iter_errors(data)]
        if (refusal is None) != (not errors) and not any(words in (refusal or "") for words in NOT_SAID):
            apart.append((data, refusal, errors))
    assert apart == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("users", True), ("users", "10"), ("workers", 1.5), ("spawn_rate", "5"), ("spawn_rate", True),
        ("spawn_rate", 0), ("rate", "5"), ("rate", 5), ("master_host", "0.0.0.0"),
    ],
)  # fmt: skip
def test_a_number_is_written_as_one(key: str, value: object) -> None:
    good = data_of(catalogue_root() / "gateway" / "unbounded-cache.yaml")
    spoilt = {**good, "load": {**good["load"], key: value}}
    assert _refusal(spoilt)
    assert not VALIDATOR.is_valid(spoilt)
