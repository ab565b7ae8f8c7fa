"""The pages of gate runs, watched commands and recordings: each shows what its command judges."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from histories import MIB, Record, drill
from pages import data_of
from test_compare import pair, uncured
from test_slot_doubts import ASKED, base, history
from test_watch_checks import attempt, plan

from leakdrill.cli.main import exit_code
from leakdrill.judging.compare.comparison import compare
from leakdrill.judging.compare.phases import AlignedPhase
from leakdrill.judging.leak.gate import judge_gate
from leakdrill.judging.leak.leak_verdict import judge_trace
from leakdrill.judging.leak.trace import read_trace
from leakdrill.judging.watch.judge import judge_watch
from leakdrill.judging.watch.plan import parse_phases
from leakdrill.judging.watch.run_files import WatchInfo
from leakdrill.record.events import CgroupResources, GateSite, GateTypes, WatchThreshold
from leakdrill.record.history import History
from leakdrill.record.store import RunInfo
from leakdrill.record.verdict import Outcome
from leakdrill.reports.page.comparison_page import comparison_page
from leakdrill.reports.page.gate_page import gate_page
from leakdrill.reports.page.happened import happenings
from leakdrill.reports.page.trace_page import trace_page
from leakdrill.reports.page.watch_page import watch_page
from leakdrill.reports.page.write import page_html

TRACES = Path(__file__).parents[1] / "recorded" / "memory_traces"
STARTED = datetime(2026, 1, 1, tzinfo=UTC)
BUILD = {"build": "candidate", "corpus": "open"}


def gate(events):
    told = history(events)
    info = RunInfo(
        kind="gate", run_id="gate-1", started=STARTED, scenario_file="g.yaml", scenario=ASKED, versions={}, machine={}
    )
    return gate_page(told, info, judge_gate(told, ASKED), None)


def watched(record, **changes):
    info = WatchInfo(run_id="watch-1", started=STARTED, watch=plan(**changes), versions={"python": "3.11"})
    told = record.history()
    return watch_page(told, info, judge_watch(told, info.watch))


def traced(name, other=None):
    series, baseline = read_trace(TRACES / name), read_trace(TRACES / other) if other else None
    return trace_page(series, baseline, judge_trace(series, baseline), projection="in a year")


def test_a_gate_shows_each_slot_the_fit_and_what_was_given_up():
    page = gate(base(24))
    timeline = page.timeline
    assert (page.kind, timeline.axis) == ("gate", "requests")
    chart = timeline.charts[0]
    assert [(curve.name, curve.dots) for curve in chart.curves] == [
        ("candidate", True),
        ("growth of the candidate", False),
    ]
    assert len(chart.curves[0]) == 24
    assert timeline.phases[-1].name == "judged"
    assert [mark.kind for mark in timeline.marks] == ["look"] * len(timeline.marks)
    assert page.figures[0].label == "growth a request"
    assert "budget" in page.figures[0].note
    assert [table.title for table in page.tables] == ["Growth", "Slot by slot, candidate"]
    assert page.tables[1].folded


def test_a_gate_of_two_builds_shows_both():
    others = [replace(event, build="baseline", t=event.t + 0.01) for event in base(24) if hasattr(event, "build")]
    page = gate([*base(24), *others])
    assert [curve.name for curve in page.timeline.charts[0].curves][:2] == ["candidate", "baseline"]
    assert dict(page.facts)["compared with"].startswith("another build")
    assert "Slot by slot, baseline" in [table.title for table in page.tables]


def test_a_gate_names_the_types_and_the_lines_that_grew():
    events = [
        *base(),
        GateTypes(requests=0.0, counts={"dict": 10.0, "str": 5.0}, moment="before", t=1.0, **BUILD),
        GateTypes(requests=1000.0, counts={"dict": 2010.0, "str": 4.0}, moment="after", t=2.0, **BUILD),
        GateSite(size_bytes=2.0 * MIB, count=7.0, site="cache.py:12 < app.py:3", t=3.0, **BUILD),
    ]
    tables = {table.title: table.rows for table in gate(events).tables}
    assert tables["What grew by type, candidate"] == (("dict", "+2000", "+2.000"),)
    assert tables["Which lines allocated it, in one slot, candidate"] == (("cache.py:12 < app.py:3", "2 MiB", "7"),)


@pytest.mark.parametrize("events", [[], base()[:3], [e for e in base() if type(e).__name__ != "GateSlot"]])
def test_a_gate_that_broke_off_has_a_page_all_the_same(events):
    page = gate(events)
    assert page.word == "UNKNOWN"
    assert "UNKNOWN" in page_html(page)


def test_a_watch_shows_the_memory_of_each_process_on_top_of_the_others():
    page = watched(
        attempt(Record()).sample(5, WatchThreshold(share=0.9, heaviest="cc1plus (pid 11)")), limit_bytes=2**30
    )
    (chart,) = page.timeline.charts
    assert chart.stacked
    assert [curve.name for curve in chart.curves] == ["cc1plus (pid 11)", "make (pid 10)"]
    assert sum(curve.values for curve in chart.curves).max() == 500 * MIB
    assert chart.levels[0].value == 2**30
    assert page.figures[0].value == "500 MiB"
    assert page.figures[1].value == "cc1plus (pid 11)"
    assert [(mark.kind, mark.label) for mark in page.timeline.marks] == [
        ("trouble", "90 % of the limit"),
        ("change", "ended with 0"),
    ]
    assert page.timeline.phases[0].name == "attempt 1"


def test_many_processes_are_one_area_beyond_the_seventh():
    record = attempt(Record())
    held = {f"pid_{pid}_bytes": float(pid) * MIB for pid in range(100, 110)}
    record.line(6.2, "process", "pss", {"pss_bytes": sum(held.values())} | held)
    names = [curve.name for curve in watched(record).timeline.charts[0].curves]
    assert len(names) == 8
    assert names[-1] == "all others"


def test_a_watch_with_phases_is_split_by_them_first():
    charts = watched(attempt(Record()), phases=parse_phases(["compile=cc1"])).timeline.charts
    assert [chart.key for chart in charts] == ["by-phase", "by-process"]
    assert [curve.name for curve in charts[0].curves] == ["compile", "other"]


@pytest.mark.parametrize("record", [Record(), attempt(Record()).cut(0.2), attempt(Record()).drop("process")])
def test_a_watch_that_broke_off_has_a_page_all_the_same(record):
    assert "<h1>" in page_html(watched(record))


def test_a_recording_shows_its_growth_and_what_was_judged():
    page = traced("continuous/aiohttp-3.10.10.csv")
    assert (page.word, page.timeline.axis) == ("LEAK", "requests")
    assert [phase.name for phase in page.timeline.phases] == ["given up as warm-up", "judged"]
    assert dict(page.facts)["projection"] == "in a year"
    growth = data_of(page_html(page))["charts"][0]["curves"][0]
    assert np.sum(growth["y"]) * growth["step"] == page.timeline.charts[0].curves[0].values[-1]


def test_two_recordings_are_laid_over_each_other():
    page = traced("malloc/aiohttp-3.10.10.csv", "malloc/aiohttp-3.10.11.csv")
    assert [curve.name for curve in page.timeline.charts[0].curves][:2] == ["candidate", "baseline"]


@pytest.mark.parametrize("path", [min(folder.glob("*.csv")) for folder in sorted(TRACES.iterdir()) if folder.is_dir()])
def test_a_recording_of_each_kind_has_a_page(path, tmp_path, capsys):
    code = exit_code(["trace", str(path), "--page", str(tmp_path / "page.html")])
    assert code in {0, 1, 2}
    assert capsys.readouterr().out
    assert "<h1>" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_two_runs_are_laid_over_each_other_phase_by_phase(tmp_path):
    """The run before, whose load began 10 s later, is moved so that both phases begin together."""
    before, after = pair(tmp_path)
    late = AlignedPhase(name="load", before_start_s=25, before_end_s=65, after_start_s=15, after_end_s=55)
    comparison = replace(compare(before, after), aligned=(late,))
    page = comparison_page(before, after, comparison)
    memory = page.timeline.charts[0]
    assert [curve.name for curve in memory.curves] == ["memory, after", "memory, before"]
    moved = memory.curves[1]
    assert (moved.x[0], moved.x[-1]) == (pytest.approx(15), pytest.approx(55))
    assert np.isnan(moved.values[-1])
    own, t = before.history.series(CgroupResources, "anon_bytes"), 30.0
    assert np.interp(t, moved.x[:-1], moved.values[:-1]) == pytest.approx(np.interp(t + 10, own.t, own.values))
    assert [lane.name for lane in page.timeline.lanes] == [
        "HighMemoryUsage (warning), after",
        "HighMemoryUsage (warning), before",
    ]
    assert [(one.state, one.start, one.end) for one in page.timeline.lanes[1].stretches] == [
        ("pending", 20, 25),
        ("firing", 25, 48),
    ]
    assert (page.word, page.outcome) == ("NOT DISTINGUISHABLE", Outcome.UNKNOWN)


def test_an_alert_neither_begins_nor_ends_where_two_phases_are_joined(tmp_path):
    """It fires from 35 to 58 s of the run before; its phases are laid 1 s later, are cut, and leave a hole."""
    before, after = pair(tmp_path)
    bounds = [
        ("load", 15, 40, 15, 40),
        ("mitigate", 40, 50, 40.05, 48),
        ("watch", 50, 60, 48, 58),
        ("recover", 60, 70, 60, 70),
    ]
    names = ("name", "before_start_s", "before_end_s", "after_start_s", "after_end_s")
    aligned = tuple(AlignedPhase(**dict(zip(names, one, strict=True))) for one in bounds)
    timeline = comparison_page(before, after, replace(compare(before, after), aligned=aligned)).timeline
    told = [
        (row.at, row.what)
        for row in happenings(timeline)
        if row.what.startswith("HighMemoryUsage") and "before" in row.what
    ]
    assert told == [
        (30, "HighMemoryUsage (warning), before: pending"),
        (35, "HighMemoryUsage (warning), before: firing"),
        (37, "HighMemoryUsage (warning), before: firing delivered to pager"),
        (56, "HighMemoryUsage (warning), before: resolved"),
    ]
    lane = next(lane for lane in timeline.lanes if lane.name.endswith("before"))
    assert [(one.state, one.start, one.end) for one in lane.stretches] == [("pending", 30, 35), ("firing", 35, 56)]


def test_an_alert_that_turns_in_what_is_not_shown_has_no_moment(tmp_path):
    """The load of the run after ended at 32 s: that the alert of the run before fired at 35 s is not shown."""
    before, after = pair(tmp_path)
    short = AlignedPhase(name="load", before_start_s=15, before_end_s=55, after_start_s=15, after_end_s=32)
    later = AlignedPhase(name="recover", before_start_s=55, before_end_s=57, after_start_s=40, after_end_s=42)
    timeline = comparison_page(before, after, replace(compare(before, after), aligned=(short, later))).timeline
    told = [(row.at, row.what) for row in happenings(timeline) if row.what.endswith(("pending", "firing", "resolved"))]
    assert [row for row in told if "before" in row[1]] == [(30, "HighMemoryUsage (warning), before: pending")]
    lane = next(lane for lane in timeline.lanes if lane.name.endswith("before"))
    assert [(one.state, one.start, one.end) for one in lane.stretches] == [("pending", 30, 32), ("firing", 40, 42)]


def test_each_mark_of_a_comparison_names_its_run(tmp_path):
    before, after = pair(tmp_path)
    marks = comparison_page(before, after, compare(before, after)).timeline.marks
    labels = [mark.label for mark in marks]
    assert {"clear the cache, after", "clear the cache, before"} <= set(labels)
    assert all(mark.label.endswith(f", {mark.run}") for mark in marks)
    assert len(marks) == 2 * len([mark for mark in marks if mark.run == "after"])


def test_the_marks_of_the_run_before_move_with_their_phases(tmp_path):
    """A mark in what is not shown of a phase that lasted longer is left out."""
    before, after = pair(tmp_path)
    short = AlignedPhase(name="load", before_start_s=15, before_end_s=55, after_start_s=25, after_end_s=32)
    mitigate = AlignedPhase(name="mitigate", before_start_s=55, before_end_s=56, after_start_s=32, after_end_s=33)
    timeline = comparison_page(before, after, replace(compare(before, after), aligned=(short, mitigate))).timeline
    moved = {mark.label: mark.start for mark in timeline.marks if mark.run == "before"}
    assert moved["clear the cache, before"] == pytest.approx(32.2)
    assert "leak off, before" not in moved or moved["leak off, before"] <= 33


def test_a_comparison_says_what_became_worse(tmp_path, capsys):
    page, runs = tmp_path / "comparison.html", pair(tmp_path, drill(uncured))
    assert exit_code(["compare", runs[0].place, runs[1].place, "--page", str(page)]) == 1
    html = page.read_text(encoding="utf-8")
    assert "WORSE" in html
    assert "Claims whose outcome differs" in html
    assert 'id="claims"' not in html
    assert exit_code(["report", runs[1].place, "--against", runs[0].place, "--out", str(tmp_path / "out")]) == 1
    assert "comparison.html" in capsys.readouterr().out


def test_a_page_that_cannot_be_written_is_named(tmp_path, capsys):
    path = TRACES / "continuous" / "ujson-5.12.0-bigint.csv"
    expected = exit_code(["trace", str(path)])
    code = exit_code(["trace", str(path), "--page", str(tmp_path)])
    assert code == (expected or 3)
    assert str(tmp_path) in capsys.readouterr().err


def test_a_recording_of_nothing_has_a_page():
    series = read_trace(TRACES / "continuous" / "ujson-5.12.0-bigint.csv")
    empty = type(series)(
        name="empty", t=series.t[:0], requests=series.requests[:0], quiet=False,
        columns={name: column[:0] for name, column in series.columns.items()},
    )  # fmt: skip
    assert "<h1>" in page_html(trace_page(empty, None, judge_trace(empty)))
    assert len(History(())) == 0
