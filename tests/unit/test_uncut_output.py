"""What is written to a pipe or a file is not wrapped or cut to the width of a terminal that is not there."""

from __future__ import annotations

import io

from rich.table import Table

from leakdrill.record.verdict import Outcome, Verdict
from leakdrill.reports.console import SafeConsole
from leakdrill.reports.terminal import print_verdicts

LONG = "a sentence of many words that goes on and on " * 12


def printed(content: object, **settings: int) -> list[str]:
    console = SafeConsole(file=io.StringIO(), **settings)
    console.print(content)
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]


def table() -> Table:
    made = Table("name", "what was seen", "time", box=None)
    made.add_row("gateway/unbounded-cache", LONG.strip(), "3 s")
    made.add_row("short", "little", "")
    return made


def test_a_row_is_one_line_without_spaces_at_its_end(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    lines = printed(table())
    assert len(lines) == 3
    assert LONG.strip() in lines[1]
    assert lines[1].endswith("3 s")
    assert not [line for line in lines if line != line.rstrip()]


def test_a_width_that_was_asked_for_is_kept(monkeypatch):
    monkeypatch.setenv("COLUMNS", "70")
    assert max(map(len, printed(table()))) <= 70
    assert max(map(len, printed(table(), width=50))) <= 50


def test_each_verdict_is_two_lines_its_claim_and_its_sentence(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    console = SafeConsole(file=io.StringIO())
    verdict = Verdict(outcome=Outcome.PASS, check="alert_fires_in_time", subject="HighMemory", message=LONG.strip())
    print_verdicts([verdict], console)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert lines[:2] == ["PASS     alert_fires_in_time: HighMemory", " " * 9 + LONG.strip()]
