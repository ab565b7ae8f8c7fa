"""Every kind of journal entry has one way back, and no way back is there that nobody needs."""

from __future__ import annotations

import ast
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

import leakdrill
from leakdrill.machine import undo as machine
from leakdrill.record.journal import Entry, Journal
from leakdrill.record.journal_header import Header, started_ticks
from leakdrill.record.undo import Problem, clean, undo, undo_all
from leakdrill.runs.undo import UNDO
from leakdrill.targets.compose import undo as compose
from leakdrill.targets.docker import existing_undo as existing_container
from leakdrill.targets.docker import undo as docker
from leakdrill.targets.existing import undo as existing
from leakdrill.targets.kubernetes import undo as kubernetes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from leakdrill.record.undo import UndoTable

PACKAGE = Path(leakdrill.__file__).parent


def planned_kinds(package: Path) -> set[str]:
    """The first argument of every call of a method `plan` of a journal."""
    return {kind for path in package.rglob("*.py") for kind in _planned_in(ast.parse(path.read_text()))}


def _planned_in(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "plan"):
            continue
        if "journal" not in ast.unparse(node.func.value):
            continue
        kind = node.args[0] if node.args else None
        assert isinstance(kind, ast.Constant), f"{ast.unparse(node)}: its kind is not written out"
        yield kind.value


def test_every_kind_that_is_planned_has_a_way_back_and_none_is_left_over() -> None:
    assert planned_kinds(PACKAGE) == set(UNDO)


def test_a_kind_without_a_way_back_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "new.py").write_text("def make(self):\n    self._journal.plan('volume', name='x')\n")
    assert planned_kinds(tmp_path) == {"volume"}
    assert planned_kinds(tmp_path) - set(UNDO) == {"volume"}


def test_no_kind_belongs_to_two_owners() -> None:
    tables = (machine.UNDO, docker.UNDO, compose.UNDO, kubernetes.UNDO, existing.UNDO, existing_container.UNDO)
    assert sum(len(table) for table in tables) == len(UNDO)


def test_what_nobody_can_undo_is_a_reason_and_stays_pending(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.plan("volume", name="x")
    assert undo_all(journal, {}) == ["volume x: this version does not know how to undo it"]
    assert [entry.kind for entry in journal.pending()] == ["volume"]
    journal.close()


def test_entries_are_undone_newest_first_and_only_once(tmp_path: Path) -> None:
    undone: list[str] = []
    table: UndoTable = {"volume": lambda data, _header: undone.append(data["name"])}
    journal = Journal(tmp_path / "journal.jsonl")
    for name in "abc":
        journal.plan("volume", name=name)
    assert undo_all(journal, table) == []
    assert undo_all(journal, table) == []
    assert undone == ["c", "b", "a"]
    journal.close()


def test_one_that_would_not_go_keeps_no_other_from_going(tmp_path: Path) -> None:
    def refuse(data: Mapping[str, object], _header: Header) -> str | None:
        return "volume b: in use" if data["name"] == "b" else None

    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    for name in "abc":
        journal.plan("volume", name=name)
    journal.close()
    assert clean(path, {"volume": refuse}) == [Problem(f"{path}: volume b: in use")]
    assert clean(path, {"volume": lambda _data, _header: None}) == []


def test_the_journal_of_a_living_owner_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    journal.plan("volume", name="a")
    journal.close()
    lines = path.read_bytes().splitlines(keepends=True)
    parent = replace(journal.header, pid=os.getppid(), started=started_ticks(os.getppid()) or 0)
    path.write_bytes(orjson.dumps(parent.as_line()) + b"\n" + lines[1])
    assert clean(path, {}) == []
    path.write_bytes(orjson.dumps(replace(parent, started=parent.started - 1).as_line()) + b"\n" + lines[1])
    assert [str(one) for one in clean(path, {})] == [f"{path}: volume a: this version does not know how to undo it"]


def test_what_the_journal_lacks_and_what_the_system_refuses_is_told_with_the_kind(tmp_path: Path) -> None:
    def missing(data: Mapping[str, object], _header: Header) -> str | None:
        return str(data["path"])

    def refused(_data: Mapping[str, object], _header: Header) -> str | None:
        raise PermissionError(1, "Operation not permitted", "/x")

    header = Header.of_this_process(tmp_path, inode=1)
    entry = Entry(1, "volume", {})
    assert undo(entry, {"volume": missing}, header) == "volume (entry 1): the journal lacks 'path'"
    assert undo(entry, {"volume": refused}, header) == "volume /x: Operation not permitted"
