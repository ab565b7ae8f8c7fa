"""The reader of YAML: lines, duplicate keys, bounds, scalars as written, and every mistake by file and line."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path

import pytest
import yaml

from leakdrill.errors import BadInput
from leakdrill.yaml_file import dump_yaml, parse_yaml, read_yaml, read_yaml_documents

SCALARS = ("yaml 1.1", "yaml 1.2", "text")
LEVELS = "l0: &l0 [x, x, x, x, x, x, x, x]\n" + "".join(
    f"l{level}: &l{level} [{', '.join([f'*l{level - 1}'] * 8)}]\n" for level in range(1, 9)
)
WRITTEN = "page: yes\nversion: 1.10\ncode: 010\nat: 12:30:00\nquoted: 'yes'\nempty:\nexpr: foo > 1\n"


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "a.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_every_key_and_item_has_its_line(file):
    document = read_yaml(file("# a comment\ngroups:\n  - name: a\n    rules:\n      - {alert: B}\n"), expected="rules")
    assert document.line(("groups", 0, "rules", 0, "alert")) == 5
    assert document.line(("groups", 0, "name")) == 3
    assert document.line(("groups", 0, "interval")) == 3
    assert str(document.wrong(("groups", 0, "rules"), "is empty")).endswith("a.yaml:4: groups[0].rules: is empty")


def test_scalars_are_understood_as_asked_for(file):
    path = file(WRITTEN)
    read = {scalars: read_yaml(path, expected="x", scalars=scalars).data for scalars in SCALARS}
    assert [read["yaml 1.1"][key] for key in ("page", "version", "code", "at")] == [True, 1.1, 8, 45000]
    assert [read["yaml 1.2"][key] for key in ("page", "version", "at")] == ["yes", 1.1, "12:30:00"]
    assert [read["text"][key] for key in ("page", "version", "code", "at")] == ["yes", "1.10", "010", "12:30:00"]
    assert read["text"]["empty"] is None


def test_text_is_written_again_as_it_was(file):
    text = dump_yaml(read_yaml(file(WRITTEN), expected="x", scalars="text").data)
    assert text == WRITTEN.replace("empty:", "empty: null")
    assert yaml.safe_load(text) == yaml.safe_load(WRITTEN)


def test_a_date_in_others_files_is_a_date_and_in_ours_text(file):
    path = file("on: 2026-01-01\n")
    assert read_yaml(path, expected="x").data == {True: dt.date(2026, 1, 1)}
    assert read_yaml(path, expected="x", scalars="yaml 1.2").data == {"on": "2026-01-01"}


def test_a_key_that_is_merged_may_be_given_again(file):
    path = file("base: &base {a: 1}\nown: {<<: *base, a: 2}\n")
    assert read_yaml(path, expected="x").data["own"] == {"a": 2}


@pytest.mark.parametrize("scalars", SCALARS)
def test_aliases_without_bound_are_refused_before_they_expand(file, scalars):
    began = time.process_time()
    with pytest.raises(BadInput, match=r"a\.yaml:5: aliases stand for more than 100,000 values; expected a scenario$"):
        read_yaml(file(LEVELS), expected="a scenario", scalars=scalars)
    assert time.process_time() - began < 0.5


def test_aliases_within_the_bound_expand(file):
    few = "".join(LEVELS.splitlines(keepends=True)[:5])
    assert len(read_yaml(file(few), expected="x").data["l4"]) == 8


@pytest.mark.parametrize("scalars", SCALARS)
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: {c: 1,\n  c: 2}\n", ":3: b.c: given twice; first on line 2"),
        ("a:\n  - [\n", ":2: not YAML: "),
        ("a: 1\nb: *nobody\n", ":2: not YAML: found undefined alias; expected a scenario"),
        ("a: 1\nb: &b [*b]\n", ":2: contains an alias of itself; expected a scenario"),
        ("a: 1\n? [b]\n: c\n", ":2: not YAML: found a key that is no scalar; expected a scenario"),
        ("a: 1\nb: !!bool maybe\n", ':2: not YAML: "maybe" is no bool; expected a scenario'),
        ("a: 1\nb: !!int ''\n", ':2: not YAML: "" is no int; expected a scenario'),
        ("a: 1\nb: !shop c\n", ":2: not YAML: could not determine a constructor for the tag '!shop'"),
        ("a: 1\nb: \0\n", ":2: not YAML: "),
        ("a: 1\nb: " + "[" * 50_000, ":2: nested more than 100 deep; expected a scenario"),
        ("- " * 50_000 + "a", ":1: nested more than 100 deep; expected a scenario"),
        ("a: 1\n---\nb: 2\n", ":2: not YAML: but found another document; expected a scenario"),
        (b"a: \xff\n", ": is not UTF-8 text: invalid start byte at byte 3; expected a scenario"),
    ],
)
def test_a_mistake_is_named_by_file_and_line(file, scalars, text, message):
    with pytest.raises(BadInput) as caught:
        read_yaml(file(text), expected="a scenario", scalars=scalars)
    assert f"a.yaml{message}" in str(caught.value)


def test_what_fits_no_type_of_yaml_is_refused_only_where_it_would_be_one(file):
    path = file("a: 1\nb: 2026-13-45\n")
    with pytest.raises(BadInput, match=r':2: not YAML: "2026-13-45" is no timestamp'):
        read_yaml(path, expected="a scenario")
    assert read_yaml(path, expected="a scenario", scalars="text").data["b"] == "2026-13-45"


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(BadInput, match=r"nowhere\.yaml: cannot be read: No such file .*; expected a scenario"):
        read_yaml(Path("nowhere.yaml"), expected="a scenario")


def test_a_file_without_an_end_is_refused():
    expected = r"^/dev/zero: cannot be read: is a device and no plain file; expected a scenario"
    with pytest.raises(BadInput, match=expected):
        read_yaml(Path("/dev/zero"), expected="a scenario")


@pytest.mark.parametrize("scalars", ["yaml 1.1", "yaml 1.2"])
def test_a_number_that_nothing_holds_is_refused_and_not_shown_whole(file, scalars):
    with pytest.raises(BadInput, match=r':2: not YAML: "0xf{38}…" is no int; expected x$'):
        read_yaml(file("a: 1\nb: 0x" + "f" * 6000), expected="x", scalars=scalars)


def test_every_document_of_a_file_has_its_own_lines(file):
    first, second = read_yaml_documents(file("a: 1\n---\n---\nb:\n  c: 2\n"), expected="a manifest")
    assert (first.data, first.line(("a",))) == ({"a": 1}, 1)
    assert (second.data, second.line(("b", "c"))) == ({"b": {"c": 2}}, 5)


def test_an_empty_file_holds_nothing(file):
    assert read_yaml(file("# nothing\n"), expected="x").data is None
    assert read_yaml_documents(file("---\n"), expected="x") == []


def test_a_text_is_read_under_the_name_of_its_source():
    with pytest.raises(BadInput, match=r"compose\.yml:1: a: given twice"):
        parse_yaml("{a: 1, a: 2}", Path("compose.yml"), expected="a compose file")


@pytest.mark.parametrize(
    "text", ["- x\n" * 200_000, "{a: " + "[x," * 50 + "x," * 200_000, "- &a x\n" + "- *a\n" * 200_000]
)
def test_more_values_than_anybody_writes_are_refused_at_once(text: str, tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_text(text)
    begun = time.process_time()
    with pytest.raises(BadInput, match=r"f.yaml:\d+: holds more than 100,000 values; expected a list"):
        read_yaml(tmp_path / "f.yaml", expected="a list")
    assert time.process_time() - begun < 4
