"""Reports: the same verdicts on a terminal, in JUnit XML, in Markdown and in JSON; text from outside does no harm."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from junitparser import JUnitXml
from rich.console import Console

from leakdrill.errors import BadInput
from leakdrill.printable import printable
from leakdrill.record.verdict import Outcome, Verdict
from leakdrill.record.verdict_file import read_verdicts, verdict_file_schema, verdicts_as_json, write_verdicts
from leakdrill.reports.junit import junit_xml
from leakdrill.reports.markdown import markdown
from leakdrill.reports.terminal import print_verdicts, summary

if TYPE_CHECKING:
    from pathlib import Path

GOOD = Verdict(
    check="alert_fires_in_time",
    subject="HighMemoryUsage",
    outcome=Outcome.PASS,
    message="HighMemoryUsage fired after 20 s; budget 30 s",
    numbers={"fired_after_s": 19.99, "oom_kills": 0, "damage_happened": False, "why": None},
    events=(3, 9),
)
BAD = Verdict(
    check="step_works", subject="gc", outcome=Outcome.FAIL, message="gc changed nothing", hint="restart instead"
)
UNSURE = Verdict(
    check="measurements_are_complete",
    outcome=Outcome.UNKNOWN,
    message="Prometheus did not answer for 3 s",
    hint="run again",
)
HOSTILE = Verdict(
    check="step_works",
    subject="a|b`c<script>[x](javascript:1)\x1b[2J",
    outcome=Outcome.FAIL,
    message='answered "</td>]]>&\x00\x1b[31m| `rm` \u202e\ud800\nnew line @all',
    numbers={"x\x07": "y|z"},
    hint="<img src=x onerror=1>",
)
ALL = [GOOD, UNSURE, BAD, HOSTILE]


def on_terminal(verdicts: list[Verdict], width: int, **options: object) -> str:
    out = io.StringIO()
    print_verdicts(verdicts, Console(file=out, width=width, **options))  # type: ignore[arg-type]
    return out.getvalue()


@pytest.mark.parametrize("width", [20, 40, 79, 80, 100, 200])
def test_the_terminal_shows_every_sentence_in_full_however_narrow(width: int) -> None:
    long = Verdict(check="c" * 33, subject="s" * 60, outcome=Outcome.FAIL, message="m" * 300, hint="h" * 100)
    shown = on_terminal([long, *ALL], width)
    assert max(len(line) for line in shown.splitlines()) <= width
    for letter, count in (("m", 300), ("h", 100), ("s", 60), ("c", 33)):
        runs = re.findall(rf"{letter}{{3,}}", shown)
        assert sum(map(len, runs)) >= count, letter
    assert "…" not in shown


def test_the_terminal_ends_with_what_it_comes_to() -> None:
    last = on_terminal(ALL, 120).splitlines()[-1]
    assert last.strip() == "FAIL: 2 of 4 claims do not hold, and 1 could not be shown (exit 1)"


@pytest.mark.parametrize(
    ("verdicts", "text"),
    [
        ([GOOD], "PASS: the one claim holds (exit 0)"),
        ([GOOD, UNSURE], "UNKNOWN: 1 of 2 claims could not be shown; none was refuted (exit 2)"),
        ([], "UNKNOWN: nothing was checked, and silence proves nothing (exit 2)"),
    ],
)
def test_the_summary_names_the_exit_code(verdicts: list[Verdict], text: str) -> None:
    assert summary(verdicts) == text


def test_the_terminal_obeys_no_color_and_no_text_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    shown = on_terminal(ALL, 100, force_terminal=True)
    assert "\x1b[3" not in shown
    assert "\x1b[2J" not in shown
    assert "\x00" not in shown


def test_junit_has_a_case_for_each_verdict_and_neither_fail_nor_unknown_is_green() -> None:
    text = junit_xml(ALL, name="gateway/unbounded-cache")
    document = JUnitXml.fromstring(text.encode())
    assert (document.tests, document.failures, document.errors) == (4, 2, 1)
    assert 'name="alert_fires_in_time[HighMemoryUsage]"' in text
    assert "fired_after_s = 19.99" in text
    assert "Hint: restart instead" in text


def test_junit_of_nothing_is_not_green() -> None:
    assert JUnitXml.fromstring(junit_xml([], name="x").encode()).errors == 1


def test_markdown_has_a_row_for_each_verdict_and_folds_the_numbers() -> None:
    text = markdown(ALL, name="gateway/unbounded-cache")
    assert "| PASS | alert_fires_in_time | HighMemoryUsage |" in text
    assert "| **FAIL** | step_works | gc | gc changed nothing<br>Hint: restart instead |" in text
    assert "<details><summary>Numbers</summary>" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {5}
    assert "<script>" not in text
    assert "<img" not in text


def test_markdown_shows_what_failed_first_and_folds_what_holds() -> None:
    lines = markdown(ALL, name="gateway/unbounded-cache").splitlines()
    rows = [line for line in lines if line.startswith("| ") and "outcome" not in line]
    assert [row.split("|")[1].strip(" *") for row in rows[: len(ALL)]] == ["FAIL", "FAIL", "UNKNOWN", "PASS"]
    assert not any(line.startswith("| PASS") for line in shown_lines(lines))
    assert "<details><summary>1 claim that holds</summary>" in lines


def test_markdown_of_hundreds_of_failures_is_short() -> None:
    many = [Verdict(check=f"claim_{n}", outcome=Outcome.FAIL, message="no", numbers={"n": n}) for n in range(300)]
    lines = markdown(many, name="x").splitlines()
    assert len(shown_lines(lines)) <= 30
    assert "<details><summary>and 288 more</summary>" in lines
    assert sum("claim\\_299" in line or "claim_299" in line for line in lines) == 2


def shown_lines(lines: list[str]) -> list[str]:
    """The lines that are seen before anything is opened."""
    shown, is_open = [], True
    for line in lines:
        is_open = is_open and not line.startswith("<details>")
        shown += [line] if is_open else []
        is_open = is_open or line.startswith("</details>")
    return shown


@given(st.text())
def test_printable_text_is_one_line_that_nothing_obeys(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    shown.encode()
    junit_xml([Verdict(check="c", subject=text, outcome=Outcome.FAIL, message=text, hint=text)], name=text)


@given(st.text())
def test_junit_of_any_text_can_be_read_again(text: str) -> None:
    told = Verdict(check="c", subject=text, outcome=Outcome.UNKNOWN, message=text, numbers={"n": text})
    assert JUnitXml.fromstring(junit_xml([told], name=text).encode()).errors == 1


def test_verdicts_survive_the_file(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.json"
    write_verdicts(path, [GOOD, UNSURE, BAD])
    read = read_verdicts(path)
    assert read.verdicts == (GOOD, UNSURE, BAD)
    assert (read.outcome, read.exit_code) == ("FAIL", 1)
    assert [p.name for p in tmp_path.iterdir()] == ["verdicts.json"]


def test_the_file_says_its_version_and_the_worst_outcome() -> None:
    content = json.loads(verdicts_as_json([GOOD]))
    assert {k: content[k] for k in ("schema_version", "outcome", "exit_code")} == {
        "schema_version": 2,
        "outcome": "PASS",
        "exit_code": 0,
    }
    assert set(verdict_file_schema()["properties"]) == set(content)  # type: ignore[call-overload]


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"schema_version": 1, "verdicts": "x"}'])
def test_a_file_that_holds_no_verdicts_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "verdicts.json"
    path.write_text(text)
    with pytest.raises(BadInput, match=r"verdicts\.json: .*expected verdicts of a run"):
        read_verdicts(path)


def test_a_file_of_a_later_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.json"
    path.write_text(verdicts_as_json([GOOD]).replace('"schema_version": 2', '"schema_version": 99'))
    with pytest.raises(BadInput, match="schema_version 99"):
        read_verdicts(path)


def test_a_file_that_is_not_there_is_refused_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="leakdrill analyze"):
        read_verdicts(tmp_path / "verdicts.json")
