"""Whatever text stands in a record, no report and no view shows it raw."""

from __future__ import annotations

import io
import json
import re
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from histories import drill, plan
from junitparser import JUnitXml
from markdown_it import MarkdownIt
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from rich.table import Table

from leakdrill.judging.drill import judge
from leakdrill.record.events import EVENTS
from leakdrill.record.history import History
from leakdrill.record.verdict import Outcome, Verdict
from leakdrill.record.verdict_file import verdicts_as_json
from leakdrill.reports.console import SafeConsole
from leakdrill.reports.junit import junit_xml
from leakdrill.reports.live import LiveView
from leakdrill.reports.markdown import markdown
from leakdrill.reports.openmetrics import openmetrics
from leakdrill.reports.step_summary import append_step_summary
from leakdrill.reports.terminal import print_verdicts
from leakdrill.reports.termination_message import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from leakdrill.record.event_class import EventClass

NASTY = (
    "\x1b[31mred\x1b]0;title\x07 \x9b2J\x85 \u202egpj.exe\u2066 \u2028 \ufffe\x00\x0b\r "
    "<script>alert(1)</script><img src=x> | a | b |\n| c | d | [x](http://evil.example) `code` ![i](u) <!-- & ]]> "
    "\n::set-output name=a::b\n::add-mask::x ##vso[task.setvariable variable=a]b ##teamcity[x] "
    "\n# EOF\nleakdrill_fake 1\n[bold]x[/nothing] :smile: @everyone =cmd|' /C calc'!A0"
)
"""What a terminal, a browser, a CI runner, a pull request, a metrics reader or a spreadsheet would obey."""
COMMANDS = re.compile(r"::(set-output|add-mask|error)|##(vso|teamcity)?\[|\n# EOF\n.", re.DOTALL)
INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def nasty_event(event: type[EventClass]) -> EventClass:
    fields: dict[str, Any] = {"at": 20.0, "t": 20.0, "run_phase": NASTY}
    for name, part in event.parts().items():
        if part.place in ("labels", "entries"):
            fields[name] = {NASTY: 1.0 if part.is_number else NASTY}
        elif part.is_number:
            fields[name] = 1.0
        else:
            fields[name] = NASTY
    return event(kind="failed" if event.is_act else "sample", **fields)


def raw(text: str) -> set[str]:
    """What of `text` does something to whoever shows it."""
    signs = {hex(ord(sign)) for sign in text if sign != "\n" and unicodedata.category(sign) in INVISIBLE}
    return signs | {found[0] for found in COMMANDS.finditer(text)}


def shown(verdicts: Sequence[Verdict], name: str, folder: Path) -> Iterator[tuple[str, str]]:
    for width in (40, 120):
        out = io.StringIO()
        print_verdicts(verdicts, SafeConsole(file=out, width=width, color_system=None))
        yield f"terminal, {width} columns", out.getvalue()
    yield "JUnit", junit_xml(verdicts, name=name)
    yield "Markdown", markdown(verdicts, name=name)
    yield "OpenMetrics", openmetrics(verdicts, name=name)
    yield "JSON", verdicts_as_json(verdicts)
    yield "termination message", one_line(verdicts, name=name)
    summary = folder / "summary.md"
    summary.unlink(missing_ok=True)
    append_step_summary(verdicts, name=name, environ={"GITHUB_STEP_SUMMARY": str(summary)})
    yield "step summary", summary.read_text(encoding="utf-8")


def hold(verdicts: Sequence[Verdict], name: str, folder: Path) -> None:
    """Asserts that no report of `verdicts` shows anything raw, and that each is still what it should be."""
    reports = dict(shown(verdicts, name, folder))
    assert {form: raw(text) for form, text in reports.items() if raw(text)} == {}
    assert "\n" not in reports["termination message"]
    suite = next(iter(JUnitXml.fromstring(reports["JUnit"].encode())))
    assert len(list(suite)) == len(verdicts)
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(reports["Markdown"])
    assert set(re.findall(r"<(script|img|a|code|!--)", html)) == set()
    rows = [row.count("<td") for row in html.split("<tr>") if "<td" in row]
    assert set(rows[: len(verdicts)]) == {4}
    json.loads(reports["JSON"])
    names = {family.name for family in text_string_to_metric_families(reports["OpenMetrics"])}
    assert "leakdrill_fake" not in names


@pytest.mark.long
@pytest.mark.parametrize("source", sorted({event.source for event in EVENTS}))
def test_the_text_of_no_event_reaches_a_report_or_the_live_view_raw(source: str, tmp_path: Path) -> None:
    record = drill()
    nasty = [nasty_event(event).to_event() for event in EVENTS if event.source == source]
    for event, one in zip((event for event in EVENTS if event.source == source), tuple(nasty), strict=True):
        same = [old for old in record.events if event.matches(old)]
        nasty += [replace(one, t=old.t, at=old.at, value=_nasty_value(old.value)) for old in same[:40]]
        record.events = [old for old in record.events if not event.matches(old)]
    ordered = sorted([*record.events, *nasty], key=lambda one: one.t)
    history = History([replace(one, index=index) for index, one in enumerate(ordered)])
    hold(judge(history, plan()), plan().name, tmp_path)
    for terminal in (False, True):
        assert raw(live(nasty, terminal=terminal)) == set()


def _nasty_value(value: Any) -> Any:
    return NASTY if isinstance(value, str) else value


def live(events: Sequence[Any], *, terminal: bool, name: str = "shop/cart") -> str:
    out = io.StringIO()
    console = SafeConsole(file=out, width=100, color_system=None)
    view = LiveView(plan(name=name), console)
    for one in events:
        view.see(one)
    if terminal:
        console.print(view._render())
    return out.getvalue()


def test_every_text_of_a_verdict_is_made_harmless(tmp_path: Path) -> None:
    numbers: Mapping[str, Any] = {NASTY: 1.0, "word": NASTY}
    for outcome in Outcome:
        verdict = Verdict(
            check=NASTY, subject=NASTY, outcome=outcome, message=NASTY, numbers=numbers, hint=NASTY, events=(1,)
        )
        hold([verdict, verdict], NASTY, tmp_path)


def test_half_a_character_is_shown_as_what_it_is(tmp_path: Path) -> None:
    verdict = Verdict(check="c", subject="caf\udce9", outcome=Outcome.FAIL, message="\ud800", hint="\udfff")
    hold([verdict], "caf\udce9", tmp_path)


def test_what_stands_in_a_table_is_text_and_no_markup() -> None:
    out = io.StringIO()
    console, table = SafeConsole(file=out, width=100, color_system=None), Table("[bold]head")
    table.add_row("[/] :smile: [link=http://x]y[/link] \x1b[31m")
    console.print(table)
    assert all(word in out.getvalue() for word in ("[bold]head", "[/] :smile: [link=http://x]y[/link]"))
    assert raw(out.getvalue()) == set()
