"""The index of many runs: the worst first, each number from run to run, and nothing is made up or taken on trust."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from histories import complete, drill, flat, plan
from stored_runs import store_run

from leakdrill.cli.main import exit_code
from leakdrill.judging.analyze import analyze
from leakdrill.record.store import RunFolder
from leakdrill.record.verdict import Outcome
from leakdrill.reports.console import SafeConsole
from leakdrill.reports.index.run_row import read_row, run_folders
from leakdrill.reports.index.sparkline import sparkline
from leakdrill.reports.index.terminal import print_index
from leakdrill.reports.index.trend import Curve, Point, trends
from leakdrill.reports.index.write import index_html, index_json

if TYPE_CHECKING:
    from pathlib import Path

    from histories import Record

    from leakdrill.reports.index.run_row import RunRow


def stored(
    root: Path, start: str, record: Record | None = None, *, judged: bool = True, name: str = "shop/cart"
) -> Path:
    run = store_run(root / start, complete(record or drill()), plan(name=name)).path
    where = root / "runs" / name.replace("/", "-") / start
    where.parent.mkdir(parents=True, exist_ok=True)
    run.rename(where)
    if judged:
        analyze(RunFolder(where))
    return where


def rows(root: Path) -> list[RunRow]:
    return [read_row(run, root / "runs", runs_still=False) for run in run_folders(root / "runs")]


def page(found: list[RunRow]) -> str:
    return index_html(found, title="runs", link=lambda row: f"{row.place}/report.html")


def test_runs_of_a_scenario_stand_together_the_worst_first_with_their_numbers(tmp_path: Path) -> None:
    stored(tmp_path, "20260101T000000Z")
    stored(tmp_path, "20260102T000000Z")
    stored(tmp_path, "20260101T000000Z-2", drill(flat), name="shop/broken")
    found = trends(rows(tmp_path))
    assert [(one.scenario, len(one.runs)) for one in found] == [("shop/broken", 1), ("shop/cart", 2)]
    cart = {curve.what: curve for curve in found[1].curves}
    detect = next(curve for what, curve in cart.items() if what.endswith("time to detect"))
    assert [point.outcome for point in detect.points] == ["PASS", "PASS"]
    assert detect.limit == pytest.approx(plan().alerts.expect[0].fires_within)
    assert "memory: above its baseline" in cart


def test_a_run_that_was_changed_or_never_judged_is_unknown_and_has_no_numbers(tmp_path: Path) -> None:
    stored(tmp_path, "20260101T000000Z", judged=False)
    changed = stored(tmp_path, "20260102T000000Z")
    text = (changed / "history.jsonl").read_text().splitlines(keepends=True)
    (changed / "history.jsonl").write_text("".join([*text[:30], *text[31:]]))
    forged = stored(tmp_path, "20260103T000000Z", drill(flat))
    verdicts = forged / "verdicts.json"
    verdicts.write_text(verdicts.read_text().replace('"FAIL"', '"PASS"').replace('"UNKNOWN"', '"PASS"'))
    broken = stored(tmp_path, "20260104T000000Z")
    (broken / "run.json").write_text("{")
    found = rows(tmp_path)
    assert {row.outcome for row in found} == {Outcome.UNKNOWN}
    assert {row.numbers for row in found} == {()}
    assert "never judged" in found[0].text
    assert "does not follow" in found[1].text


def test_a_number_that_a_run_lacks_leaves_a_gap_and_is_said_to_be_missing() -> None:
    points = [Point(place=str(at), value=value, outcome="PASS") for at, value in enumerate((1.0, 2.0, None, 3.0, 4.0))]
    curve = Curve(what="x", unit="seconds", limit=5.0, points=tuple(points))
    assert sparkline(curve).count("<polyline") == 2
    gone = Curve(what="x", unit="seconds", limit=None, points=(points[0], points[1], points[2]))
    assert gone.latest == "missing in the newest run (from 1 s to 2 s in 2 runs)"


def test_a_run_under_way_hides_neither_the_last_outcome_nor_its_numbers(tmp_path: Path) -> None:
    stored(tmp_path, "20260101T000000Z")
    under_way = stored(tmp_path, "20260102T000000Z", judged=False)
    ended = replace(rows(tmp_path)[0], outcome=Outcome.FAIL)
    running = read_row(under_way, tmp_path / "runs", runs_still=True)
    (trend,) = trends([ended, running])
    assert (trend.runs[0], trend.finished, trend.outcome) == (running, ended, Outcome.FAIL)
    assert trend.curves
    assert "missing in the newest run" not in {curve.latest for curve in trend.curves}
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", page([ended, running])))
    assert re.search(r"RUNNING shop/cart drill last finished: \S+ FAIL", text)
    console = SafeConsole(file=io.StringIO(), width=200, color_system=None)
    print_index([ended, running], console)
    told = console.file.getvalue()  # type: ignore[attr-defined]
    assert "2 runs (1 FAIL, 1 RUNNING)" in told
    assert "last finished: FAIL: " in told
    (alone,) = trends([running])
    assert (alone.finished, alone.outcome, alone.curves) == (None, Outcome.UNKNOWN, ())


def test_what_did_not_hold_has_another_shape_than_what_held() -> None:
    points = (Point(place="a", value=1.0, outcome="PASS"), Point(place="b", value=2.0, outcome="FAIL"))
    drawn = sparkline(Curve(what="x", unit="seconds", limit=None, points=points))
    assert drawn.count("<circle") == 1
    assert '<rect class="fail"' in drawn


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def test_a_scenario_with_a_name_of_html_runs_no_script_and_the_page_asks_no_network(tmp_path: Path) -> None:
    run = stored(tmp_path, "20260101T000000Z")
    info = json.loads((run / "run.json").read_text())
    info["scenario"]["name"] = "a<script>alert(1)</script>"
    (run / "run.json").write_text(json.dumps(info))
    text = page(rows(tmp_path))
    tags = Tags()
    tags.feed(text)
    assert "script" not in {tag for tag, _ in tags.seen}
    assert not [attrs for tag, attrs in tags.seen if attrs.get("src")]
    assert re.search(r"content=\"default-src 'none'; style-src 'sha256-[^']+'; img-src data:;", text)
    assert {attrs["href"] for tag, attrs in tags.seen if tag == "a"} == {"shop-cart/20260101T000000Z/report.html"}


def test_no_runs_say_so_and_a_folder_that_is_not_there_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "There is no run here yet" in page([])
    assert exit_code(["runs", str(tmp_path)]) == 0
    assert "there is no run here yet" in capsys.readouterr().out
    assert exit_code(["runs", str(tmp_path / "none")]) == 3
    assert "is no folder" in capsys.readouterr().err


def test_the_command_lists_the_runs_and_links_the_pages_that_are_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = stored(tmp_path, "20260101T000000Z")
    (run / "report.html").write_text("x")
    stored(tmp_path, "20260102T000000Z")
    out = tmp_path / "site" / "index.html"
    assert exit_code(["runs", str(tmp_path / "runs"), "--html", str(out)]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("PASS     shop/cart\n         2026-")
    assert "2 runs (2 PASS)" in shown
    assert re.findall(r'href="([^"]*html)"', out.read_text()) == ["../runs/shop-cart/20260101T000000Z/report.html"]
    assert exit_code(["runs", str(tmp_path / "runs"), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert [run["outcome"] for run in data["scenarios"][0]["runs"]] == ["PASS", "PASS"]
    assert json.loads(index_json(rows(tmp_path))) == data
