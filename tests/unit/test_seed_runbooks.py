"""The five operations documents that the catalogue rehearses: what each of their commands is, and what rehearses it.

`seed_commands.tsv` was written by reading them, not by running our reader. Of each command it has the line, what it
does, and the step of a drill or the line of a runbook that carries the same act out on a target; else the reason. A
reason that begins with `!` says what is missing: the others say why it makes no sense on a drill's target. The
documents are not in the repository (`LEAKDRILL_SEEDS` says where they are), so what compares them with our reader is
skipped without them.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import NamedTuple

import pytest

from leakdrill.runbooks.fragment import COMMANDS, FragmentKind
from leakdrill.runbooks.read import read_runbook
from leakdrill.runs.catalogue.catalogue import catalogue_root, find_scenario
from leakdrill.scenario.reader import read_scenario

ROOT = Path(__file__).parents[2]
SEEDS = Path(os.environ.get("LEAKDRILL_SEEDS", ROOT.parent / "shared" / "seeds"))
RUNBOOKS = {"runbooks": catalogue_root() / "runbooks", "e2e": ROOT / "tests" / "e2e" / "runbooks"}
LEAST_REHEARSED = 0.8
NOT_TOLD = {"high-memory-usage": {75, 86}, "resource-exhaustion": {414}}
"""Changes of which our reader says that it does not know them: what they run is written elsewhere."""


class Row(NamedTuple):
    document: str
    line: int
    kind: FragmentKind
    rehearsed: str
    reason: str

    @property
    def is_command(self) -> bool:
        return self.kind in {*COMMANDS, FragmentKind.UNKNOWN}

    @property
    def makes_sense(self) -> bool:
        """Whether a drill's target could carry it out."""
        return bool(self.rehearsed) or self.reason.startswith("!")


def rows() -> list[Row]:
    with (Path(__file__).parent / "seed_commands.tsv").open(encoding="utf-8", newline="") as file:
        read = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [Row(r["document"], int(r["line"]), FragmentKind(r["kind"]), r["rehearsed"], r["reason"]) for r in read]


ROWS = rows()
DOCUMENTS = sorted({row.document for row in ROWS})


def test_every_command_is_rehearsed_or_has_the_reason_why_not():
    assert [row for row in ROWS if row.is_command and bool(row.rehearsed) == bool(row.reason)] == []
    assert [row for row in ROWS if not row.is_command and (row.rehearsed or row.reason)] == []
    assert len({(row.document, row.line) for row in ROWS}) == len(ROWS)


def test_four_of_five_commands_that_make_sense_on_a_target_are_rehearsed():
    sensible = [row for row in ROWS if row.is_command and row.makes_sense]
    rehearsed = [row for row in sensible if row.rehearsed]
    assert len(rehearsed) >= LEAST_REHEARSED * len(sensible), (len(rehearsed), len(sensible))


@pytest.mark.parametrize("where", sorted({row.rehearsed for row in ROWS if row.rehearsed}))
def test_what_rehearses_a_command_is_there(where):
    """A step by its name, or a command of a runbook by a part of it."""
    name, _, what = where.partition(": ")
    folder, _, stem = name.partition("/")
    if folder in RUNBOOKS:
        runbook = read_runbook(RUNBOOKS[folder] / f"{stem}.md")
        assert [one for one in runbook.fragments if one.kind in COMMANDS and what in one.text]
    else:
        assert what in [step.name for step in read_scenario(find_scenario(name)).steps]


@pytest.mark.skipif(not SEEDS.is_dir(), reason="the documents are not in the repository")
@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_of_the_documents_is_found_and_is_what_a_person_read_it_to_be(document):
    found = {one.line: one.kind for one in read_runbook(SEEDS / f"{document}.txt").fragments}
    expected = {row.line: row.kind for row in ROWS if row.document == document}
    assert found.keys() == expected.keys()
    unlike = {line for line, kind in found.items() if kind is not expected[line]}
    assert unlike == NOT_TOLD.get(document, set())
    assert {found[line] for line in unlike} <= {FragmentKind.UNKNOWN}


@pytest.mark.skipif(not SEEDS.is_dir(), reason="the documents are not in the repository")
def test_the_table_is_about_every_document():
    assert sorted(path.stem for path in SEEDS.glob("*.txt")) == DOCUMENTS
