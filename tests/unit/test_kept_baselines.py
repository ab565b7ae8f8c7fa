"""Baseline files as people spoil them by hand, by a merge or by another tool: refused with file and line."""

from __future__ import annotations

import json
import re

import pytest

from leakdrill.errors import BadInput
from leakdrill.json_file import places
from leakdrill.judging.leak import gate_baseline
from leakdrill.judging.watch import watch_baseline

GATE = {
    "schema_version": 1,
    "leakdrill": "0.1.0",
    "measured": "2026-01-01T00:00:00Z",
    "bytes_per_request": 0.5,
    "conditions": {
        "scenario": "shop",
        "python": "3.11",
        "allocator": "glibc",
        "machine": "x86_64",
        "corpus": "open",
        "slots": 8,
        "slot_s": 3.0,
        "users": 4,
        "rate": None,
    },
    "columns": {"t": [1, 2], "requests": [1, 2], "rss": [5, 6]},
}
WATCH = {
    "schema_version": 1,
    "command": ["make"],
    "machine": {"system": "Linux", "architecture": "x86_64", "cpus": 8, "memory_bytes": 17179869184},
    "runs": [
        {
            "started": "2026-01-01T00:00:00Z",
            "peak_bytes": 1000000,
            "area_byte_s": 1.5,
            "duration_s": 9.5,
            "programs": {"cc1plus": 1000000},
        }
    ],
}
READERS = {
    "gate": (GATE, gate_baseline.read_baseline),
    "watch": (WATCH, watch_baseline.read_baseline),
}


def numbers(tree, loc=()):
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        if isinstance(value, int | float):
            yield (*loc, key)
        yield from numbers(value, (*loc, key))


def spoilt(tree, loc, value):
    copy = json.loads(json.dumps(tree))
    owner = copy
    for key in loc[:-1]:
        owner = owner[key]
    owner[loc[-1]] = value
    return json.dumps(copy, indent=1)


def refusal(kind, text, tmp_path):
    path = tmp_path / "kept.json"
    path.write_text(text)
    with pytest.raises(BadInput) as raised:
        READERS[kind][1](path)
    found = re.match(rf"{re.escape(str(path))}:(\d+): (.+)", raised.value.message)
    assert found, raised.value.message
    assert "\n" not in raised.value.message
    return int(found[1]), found[2]


@pytest.mark.parametrize("kind", READERS)
def test_a_baseline_as_it_was_written_is_read(kind, tmp_path):
    path = tmp_path / "kept.json"
    path.write_text(json.dumps(READERS[kind][0], indent=1))
    READERS[kind][1](path)


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), -float("inf"), -(10**30), 10**400, 1e308, "12", "", True, [], {}]
)
def test_a_number_that_nothing_measured_is_refused_at_its_line(kind, value, tmp_path):
    tree = READERS[kind][0]
    for loc in numbers(tree):
        text = spoilt(tree, loc, value)
        line, message = refusal(kind, text, tmp_path)
        assert line == dict(places(text))[loc], (loc, message)
        assert str(loc[0]) in message


@pytest.mark.parametrize(
    ("kind", "loc", "value", "message"),
    [
        ("gate", ("columns", "rss", 1), -1, "columns.rss[1]: found "),
        ("gate", ("columns", "rss"), [5], "columns: expected columns of one length"),
        ("gate", ("columns",), {"t": [], "requests": [], "rss": []}, "columns: expected at least 2 readings; found 0"),
        ("gate", ("conditions", "slots"), 0, 'conditions.slots: found "0"; expected greater than 0'),
        ("gate", ("measured",), "yesterday", 'measured: found "yesterday"; expected a valid datetime'),
        ("gate", ("schema_version",), 2, "schema_version: is 2; this version reads 1"),
        ("watch", ("schema_version",), 2, "schema_version: is 2; this version reads 1"),
        ("watch", ("runs", 0, "peak_bytes"), 1.5, 'runs[0].peak_bytes: found "1.5"; expected a valid integer'),
        ("watch", ("runs", 0, "peak_bytes"), 9, "runs[0]: programs hold 1000000 bytes of a peak of 9"),
        ("watch", ("runs",), [], "runs: "),
        ("watch", ("more",), 1, "more: is not a key here"),
    ],
)
def test_what_is_wrong_is_told(kind, loc, value, message, tmp_path):
    assert refusal(kind, spoilt(READERS[kind][0], loc, value), tmp_path)[1].startswith(message)


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize("text", ["", "[1", "{}", "null", "<<<<<<< ours", '{"schema_version": 1,}'])
def test_what_is_no_baseline_has_a_line_too(kind, text, tmp_path):
    line, message = refusal(kind, text, tmp_path)
    assert line == 1
    assert "expected " in message


@pytest.mark.parametrize("kind", READERS)
def test_a_key_that_is_given_twice_is_refused_where_it_stands_again(kind, tmp_path):
    text = json.dumps(READERS[kind][0], indent=1).replace("{", '{\n "schema_version": 1,', 1)
    assert refusal(kind, text, tmp_path) == (3, refusal(kind, text, tmp_path)[1])
    assert "schema_version: is given twice" in refusal(kind, text, tmp_path)[1]


def test_every_key_and_item_has_its_line():
    text = '{"a": [1,\n {"b": "x, {",\n  "c": []}],\n "d": {}}'
    assert dict(places(text)) == {("a",): 1, ("a", 0): 1, ("a", 1): 2, ("a", 1, "b"): 2, ("a", 1, "c"): 3, ("d",): 4}
