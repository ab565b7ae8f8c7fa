"""The small picture of a timeline: well-formed, complete, and harmless whatever names stand in it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from histories import complete, drill, plan
from stored_runs import store_run

from leakdrill.cli.main import exit_code
from leakdrill.judging.analyze import stored_verdicts
from leakdrill.record.history import History, read_history
from leakdrill.record.verdict import Outcome
from leakdrill.reports.page.chart import Chart, Curve
from leakdrill.reports.page.content import Page
from leakdrill.reports.page.run_page import run_content
from leakdrill.reports.page.timeline import Timeline
from leakdrill.reports.picture.scale import Scale, ticks
from leakdrill.reports.picture.timeline_svg import WIDTH, timeline_svg

if TYPE_CHECKING:
    from pathlib import Path

SVG = "{http://www.w3.org/2000/svg}"


def of_drill(folder: Path) -> Page:
    run = store_run(folder, complete(drill()), plan())
    history = read_history(run.history)
    return run_content(run, stored_verdicts(run, history), history)


def drawn(page: Page) -> ET.Element:
    text = timeline_svg(page)
    assert text is not None
    return ET.fromstring(text)  # noqa: S314 - our own


def words(root: ET.Element) -> list[str]:
    return ["".join(one.itertext()) for one in root.iter(f"{SVG}text")]


def test_the_picture_shows_the_verdict_the_curve_the_levels_the_phases_and_the_alert(tmp_path: Path) -> None:
    root = drawn(of_drill(tmp_path))
    shown = words(root)
    assert shown[0].endswith("· gateway/unbounded-cache")
    assert any(one.startswith("limit ") for one in shown)
    assert {"load", "recover", "firing"} <= set(shown)
    assert "HighMemoryUsage (warning)" in shown
    assert any(one.startswith("leak on") for one in shown)
    assert list(root.iter(f"{SVG}polyline"))


def test_nothing_lies_outside_of_the_picture(tmp_path: Path) -> None:
    root = drawn(of_drill(tmp_path))
    height = float(root.attrib["height"])
    for one in root.iter():
        places = [float(one.attrib[name]) for name in ("x", "x1", "x2") if name in one.attrib]
        assert all(0 <= place <= WIDTH for place in places), one.attrib
        assert all(0 <= float(one.attrib[name]) <= height for name in ("y", "y1", "y2") if name in one.attrib)


def test_a_name_of_markup_is_text_and_nothing_that_runs_or_loads(tmp_path: Path) -> None:
    page = replace(of_drill(tmp_path), name="<script>alert(1)</script>\x1b[2J", sentence='"><image href="http://x"/>')
    root = drawn(page)
    assert {one.tag.removeprefix(SVG) for one in root.iter()} <= {"svg", "title", "rect", "line", "text", "polyline"}
    assert not [one for one in root.iter() for name in one.attrib if "href" in name or name.startswith("on")]


def test_a_gap_breaks_the_curve_and_a_long_one_keeps_its_peak() -> None:
    values = np.full(50_000, 10.0)
    values[31_234] = 99.0
    values[40_000] = np.nan
    curve = Curve(name="memory", x=np.arange(50_000.0), values=values)
    chart = Chart(key="m", title="Memory", unit="count", curves=(curve,))
    page = Page(
        kind="drill", name="x", summary="", outcome=Outcome.PASS, word="PASS", sentence="", facts=(), figures=(),
        timeline=Timeline(axis="time", end=50_000, charts=(chart,)), claims=(),
    )  # fmt: skip
    lines = [one.attrib["points"].split() for one in drawn(page).iter(f"{SVG}polyline")]
    assert len(lines) == 2
    heights = [float(point.split(",")[1]) for points in lines for point in points]
    assert len(heights) < 2000
    assert min(heights) < min(sorted(heights)[1:])


def test_a_run_without_a_reading_has_no_picture(tmp_path: Path) -> None:
    run = store_run(tmp_path, complete(drill()), plan())
    assert timeline_svg(run_content(run, [], History(()))) is None


@pytest.mark.parametrize(
    ("low", "high", "unit", "wanted"),
    [
        (0, 58, None, [0, 20, 40]),
        (0, 160 * 2**20, "bytes", [0, 50 * 2**20, 100 * 2**20, 150 * 2**20]),
        (13.1, 13.4, None, [13.1, 13.2, 13.3, 13.4]),
        (5, 5, None, [5]),
    ],
)
def test_ticks_are_round_and_few(low: float, high: float, unit: str | None, wanted: list[float]) -> None:
    assert ticks(low, high, most=5, unit=unit) == pytest.approx(wanted)  # type: ignore[arg-type]


def test_what_lies_beyond_a_scale_is_kept_at_its_edge() -> None:
    scale = Scale(0, 10, 100, 200)
    assert [scale(value) for value in (-5, 0, 5, 99)] == [100, 100, 150, 200]


def test_the_report_writes_the_picture_only_where_it_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = store_run(tmp_path / "a", complete(drill()), plan())
    assert exit_code(["report", str(run.path), "--out", str(tmp_path / "plain")]) == 0
    assert not (tmp_path / "plain" / "timeline.svg").exists()
    assert exit_code(["report", str(run.path), "--out", str(tmp_path / "drawn"), "--svg"]) == 0
    assert (tmp_path / "drawn" / "timeline.svg").read_text().startswith("<svg ")
    monkeypatch.setitem(__import__("sys").modules, "resvg_py", None)
    assert exit_code(["report", str(run.path), "--out", str(tmp_path / "none"), "--png"]) == 4
    assert "leakdrill[png]" in capsys.readouterr().err


def test_the_png_is_one(tmp_path: Path) -> None:
    pytest.importorskip("resvg_py", reason="the extra png is not installed")
    run = store_run(tmp_path / "a", complete(drill()), plan())
    assert exit_code(["report", str(run.path), "--out", str(tmp_path / "drawn"), "--png"]) == 0
    content = (tmp_path / "drawn" / "timeline.png").read_bytes()
    assert content.startswith(b"\x89PNG")
    assert int.from_bytes(content[16:20], "big") == 2 * WIDTH
