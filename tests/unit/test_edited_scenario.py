"""Numbers are written into a user's file without losing a comment, and never where something else would change."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from leakdrill.errors import BadInput
from leakdrill.scenario.edited import Edit, edited

if TYPE_CHECKING:
    from leakdrill.yaml_file import Loc

FILE = Path("cart.yaml")
DAY = "2026-11-27"
NOTE = f"calibrated {DAY}: measured"


def put(text: str, loc: Loc, value: str = "20s") -> str:
    return edited(text, FILE, [Edit(loc, value, "measured")], day=DAY)


@pytest.mark.parametrize(
    ("text", "loc", "after"),
    [
        ("phases:\n  load: 9s\n", ("phases", "load"), f"phases:\n  load: 20s  # {NOTE}\n"),
        ("phases: {load: 9s} # short\n", ("phases", "load"), f"phases: {{load: 20s}} # short; {NOTE}\n"),
        ("phases: {load: 9s}", ("phases", "recover"), f"phases: {{load: 9s, recover: 20s}}  # {NOTE}"),
        ("phases: {}\na: 1\n", ("phases", "load"), f"phases: {{load: 20s}}  # {NOTE}\na: 1\n"),
        ("phases:\na: 1\n", ("phases", "load"), f"phases: {{load: 20s}}  # {NOTE}\na: 1\n"),
        ("a: 1\n", ("phases", "load"), f"a: 1\nphases: {{load: 20s}}  # {NOTE}\n"),
        ("a: 1", ("phases", "load"), f"a: 1\nphases: {{load: 20s}}  # {NOTE}"),
        ("a: {b: 1}\n", ("c", "d", "e"), f"a: {{b: 1}}\nc: {{d: {{e: 20s}}}}  # {NOTE}\n"),
        ("l:\n- n: x # 1\n  s:\n    o: 1\n", ("l", 0, "p"), f"l:\n- n: x # 1\n  p: 20s  # {NOTE}\n  s:\n    o: 1\n"),
        ("l:\n  - s:\n      o: 1\n", ("l", 0, "p"), f"l:\n  - p: 20s  # {NOTE}\n    s:\n      o: 1\n"),
        ("l: [{n: x, p: 3s},\n  {n: y}]\n", ("l", 0, "p"), f"l: [{{n: x, p: 20s}},  # {NOTE}\n  {{n: y}}]\n"),
        ("a: 1\r\nb:\r\n  c: 2 # ä\r\n", ("b", "c"), f"a: 1\r\nb:\r\n  c: 20s # ä; {NOTE}\r\n"),
        ("u: 'a #b'\nc: {d: 'x #y', e: 1}\n", ("c", "e"), f"u: 'a #b'\nc: {{d: 'x #y', e: 20s}}  # {NOTE}\n"),
        ("c: {d: 'x #y', e: 1}\n", ("c", "f"), f"c: {{d: 'x #y', e: 1, f: 20s}}  # {NOTE}\n"),
    ],
)
def test_a_number_is_written_where_it_belongs(text: str, loc: Loc, after: str) -> None:
    assert put(text, loc) == after
    assert put(after, loc) == after, "written again"


def test_a_later_day_replaces_our_comments_and_no_other() -> None:
    edits = [Edit(("p", "a"), "1s", "a: first"), Edit(("p", "b"), "2s", "b: second")]
    once = edited("p: {a: 9s, b: 9s}  # mine; too\n", FILE, edits, day=DAY)
    assert once == f"p: {{a: 1s, b: 2s}}  # mine; too; calibrated {DAY}: a: first; b: second\n"
    assert edited(once, FILE, edits, day="2027-01-02") == once.replace(DAY, "2027-01-02")


@pytest.mark.parametrize(
    ("text", "loc"),
    [
        ("a: &n {x: 1s}\nb: *n\n", ("a", "x")),
        ("a: &n {x: 1s}\nb: *n\n", ("b", "x")),
        ("a: {x: 1s, y: 'one\n  two'}\n", ("a", "x")),
        ("a: &n {x: 1s}\nb: {<<: *n, z: 1}\n", ("a", "x")),
    ],
)
def test_what_would_change_something_else_is_refused(text: str, loc: Loc) -> None:
    with pytest.raises(BadInput, match=r"cart\.yaml:\d+: .* without changing something else"):
        put(text, loc)


def test_a_file_of_the_catalogue_keeps_all_but_its_numbers() -> None:
    path = Path(__file__).parents[2] / "scenarios" / "gateway" / "unbounded-cache.yaml"
    text = path.read_text(encoding="utf-8")
    after = edited(text, path, [Edit(("phases", "load"), "77s", "measured")], day=DAY)
    wanted = yaml.safe_load(text)
    wanted["phases"]["load"] = "77s"
    assert yaml.safe_load(after) == wanted
    assert [line for line in text.splitlines() if "#" in line] == [
        line for line in after.splitlines() if "#" in line and NOTE not in line
    ]
