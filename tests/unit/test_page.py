"""The HTML page of a drill: what it shows of a record, and that nothing in a record can do anything in it."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from histories import ALERT, MIB, complete, drill, plan, twin, twin_plan
from hypothesis import given
from hypothesis import strategies as st
from pages import data_of, page_of
from stored_runs import store_run

from leakdrill.cli.main import exit_code
from leakdrill.judging.analyze import stored_verdicts
from leakdrill.record.events import AlertTransition, Notification, RunBroken, TargetExited
from leakdrill.record.history import History
from leakdrill.record.seal import Seal
from leakdrill.record.verdict import Outcome, Verdict
from leakdrill.reports.page import write
from leakdrill.reports.page.chart import Curve
from leakdrill.reports.page.claim_rows import anchor, claim_rows
from leakdrill.reports.page.gaps import with_gaps
from leakdrill.reports.page.headline import drill_figures, sentence
from leakdrill.reports.page.run_page import run_page
from leakdrill.reports.page.thinning import kept_points
from leakdrill.reports.page.write import page_html

NASTY = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\u2028\u202e&amp;\"'`{{ 7*7 }}"
HOLDS = Verdict(check="target_keeps_running", outcome=Outcome.PASS, message="it never ended")
FAILS = Verdict(check="step_works", subject="restart", outcome=Outcome.FAIL, message="it did not", hint="look")
IN_DOUBT = Verdict(check="load_is_as_asked", outcome=Outcome.UNKNOWN, message="nobody counted")


@pytest.fixture(scope="module")
def html():
    return page_html(page_of())


def test_the_head_says_what_was_rehearsed_and_how_it_went():
    page = page_of()
    assert (page.outcome, page.word, page.kind, page.name) == (Outcome.PASS, "PASS", "drill", "gateway/unbounded-cache")
    facts = dict(page.facts)
    assert facts["target"] == "gateway (process), 400 MiB memory"
    assert facts["started"] == "2026-01-01 00:00:00 UTC"
    assert facts["took"] == "1 min 12 s"
    assert facts["time scale"] == "production time"


def test_three_numbers_matter():
    """Time to detect against its budget, what was left before the kill, and how near memory came back."""
    detect, spare, back = page_of().figures
    assert (detect.value, detect.note) == ("20 s", "HighMemoryUsage: budget 30 s")
    assert spare.label == "to spare before the damage"
    assert "OOM kill after" in spare.note
    assert back.value == "0 %"
    assert "baseline 60 MiB; margin 10 %" in back.note
    assert [figure.outcome for figure in (detect, spare, back)] == [Outcome.PASS] * 3


def test_both_clocks_are_told_where_they_differ():
    verdict = Verdict(
        check="alert_fires_in_time", outcome=Outcome.PASS, message="", numbers={"fired_after_s": 41.0, "budget_s": 60.0}
    )
    (detect, *_) = drill_figures([verdict], 60)
    assert (detect.value, detect.also) == ("41 s", "production 41 min")
    assert drill_figures([verdict], 1)[0].also == ""


def test_a_number_that_is_not_known_says_why():
    """Of several verdicts on one claim the worst is shown; an absent number is never one that went well."""
    fired = Verdict(check="alert_fires_in_time", outcome=Outcome.PASS, message="", numbers={"fired_after_s": 3.0})
    silent = Verdict(check="alert_fires_in_time", outcome=Outcome.FAIL, message="it did not fire in 30 s")
    figure = drill_figures([fired, silent], 1)[0]
    assert (figure.value, figure.note, figure.outcome) == ("not known", "it did not fire in 30 s", Outcome.FAIL)
    assert drill_figures([], 1)[1].note == "no claim is about it"
    assert drill_figures([], 1)[1].outcome is None


def test_of_a_rehearsed_runbook_the_third_number_is_how_long_it_took_to_relieve():
    verdict = Verdict(check="runbook_relieves", outcome=Outcome.PASS, message="", numbers={"relieved_after_s": 12.0})
    figure = drill_figures([verdict], 1)[2]
    assert (figure.label, figure.value, figure.outcome) == ("relieved after", "12 s", Outcome.PASS)
    still = Verdict(check="runbook_relieves", outcome=Outcome.FAIL, message="it still fires")
    assert drill_figures([still], 1)[2].note == "it still fires"


def test_a_twin_has_no_alert_to_detect():
    page = page_of(complete(twin()), twin_plan())
    detect, _, back = page.figures
    assert (detect.value, detect.note) == ("none", "no alert is expected")
    assert back.label.startswith("memory")
    assert page.timeline.origin is None


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        ([HOLDS], "The one claim holds."),
        ([HOLDS, HOLDS], "All 2 claims hold."),
        ([HOLDS, FAILS, IN_DOUBT], "1 of 3 claims does not hold. It is step_works (restart): it did not"),
        ([HOLDS, IN_DOUBT], "1 of 2 claims could not be shown. It is load_is_as_asked: nobody counted"),
        ([], "Nothing was checked, and silence proves nothing."),
    ],
)
def test_the_verdict_is_a_sentence(verdicts, said):
    assert sentence(verdicts) == said


def test_claims_stand_worst_first_and_say_what_to_do_next():
    rows = claim_rows([HOLDS, IN_DOUBT, FAILS], History([]))
    assert [row.outcome for row in rows] == [Outcome.FAIL, Outcome.UNKNOWN, Outcome.PASS]
    assert [bool(row.next) for row in rows] == [True, True, False]
    assert rows[0].next == "look"


def test_a_claim_has_the_same_anchor_in_every_run():
    assert anchor("step_works", "") == "claim-step-works"
    assert anchor("step_works", "a") != anchor("step_works", "b")


def test_a_claim_names_the_events_it_rests_on_and_where_they_are():
    """An index that the record does not have is left out."""
    history = drill().history()
    fired = next(e for e in history if AlertTransition.matches(e) and e.value == "firing")
    (row,) = claim_rows([Verdict(check="c", outcome=Outcome.PASS, message="", events=(fired.index, 10**9))], history)
    assert [(event.index, event.what) for event in row.events] == [(fired.index, "prometheus alert")]
    assert row.span == (35, 35)


def test_memory_stands_against_its_limit_its_thresholds_and_its_baseline():
    record = complete(drill()).line(
        10, "prometheus", "threshold", {"ratio": 0.75, "for_s": 300.0}, alert="HighMemoryUsage", severity="warning"
    )
    memory, requests, latency = page_of(record).timeline.charts
    assert [(level.name, level.value) for level in memory.levels] == [
        ("limit", 400 * MIB),
        ("HighMemoryUsage (warning)", 300 * MIB),
    ]
    (band,) = memory.bands
    assert (band.low, band.high) == (pytest.approx(54 * MIB, 1e-4), pytest.approx(66 * MIB, 1e-4))
    assert memory.curves[0].values.max() == pytest.approx(312.5 * MIB, rel=0.01)
    assert [curve.name for curve in requests.curves] == ["requests", "failed"]
    assert latency.curves[0].values[0] == 0.012


def test_a_limit_that_changes_is_drawn_as_it_changed():
    """So are the thresholds, which are shares of it."""
    record = complete(drill()).line(10, "prometheus", "threshold", {"ratio": 0.5}, alert="HighMemoryUsage")
    record.change("cgroup", "resources", lambda e: {**e.value, "limit_bytes": (400 if e.t < 50 else 800) * MIB})
    limit, threshold = page_of(record).timeline.charts[0].levels
    assert (limit.value, limit.changes) == (400 * MIB, ((50.0, 800 * MIB),))
    assert (threshold.value, threshold.changes) == (200 * MIB, ((50.0, 400 * MIB),))
    assert limit.shown("bytes") == "400 MiB, then 800 MiB"


def test_an_alert_is_a_lane_of_states_and_deliveries():
    (lane,) = page_of().timeline.lanes
    assert (lane.name, lane.role) == ("HighMemoryUsage (warning)", "expected")
    assert [(one.state, one.start, one.end) for one in lane.stretches] == [("pending", 30, 35), ("firing", 35, 58)]
    assert [(one.at, one.label) for one in lane.deliveries] == [(37, "firing delivered to pager")]


def test_an_expected_alert_that_never_came_has_an_empty_lane():
    record = complete(drill()).drop("prometheus", "alert").drop("alertmanager")
    (lane,) = page_of(record).timeline.lanes
    assert (lane.name, lane.role, lane.stretches) == ("HighMemoryUsage", "expected", ())


def test_where_prometheus_did_not_answer_the_state_is_not_known():
    record = complete(drill()).drop("prometheus", "poll", after=20, until=28)
    (lane,) = page_of(record).timeline.lanes
    assert [one.state for one in lane.stretches] == ["pending", "firing", "unknown"]


def test_what_happened_is_marked():
    record = complete(drill()).sample(40, TargetExited(signal="SIGKILL", oom_kill="true", exit_code=-9.0))
    record.sample(41, RunBroken("the disk is full"))
    marks = page_of(record).timeline.marks
    assert [(mark.kind, mark.label) for mark in marks] == [
        ("leak", "leak on"),
        ("kill", "OOM kill"),
        ("trouble", "cut short"),
        ("step", "clear the cache"),
        ("leak", "leak off"),
    ]
    assert (marks[3].start, marks[3].end) == (55.2, 55.7)


def test_a_gap_in_the_readings_is_a_hole_in_the_curve():
    t = np.array([0.0, 0.1, 0.2, 9.0, 9.1])
    x, values = with_gaps(t, np.array([1.0, 2.0, np.inf, 4.0, 5.0]))
    assert x.tolist() == pytest.approx([0, 0.1, 0.2, 4.6, 9, 9.1])
    assert np.isnan(values).tolist() == [False, False, True, True, False, False]


@given(st.lists(st.floats(-1e12, 1e12) | st.just(float("nan")), max_size=400), st.integers(6, 60))
def test_a_thinned_curve_keeps_its_peaks(values, most):
    """The lowest, the highest, the first and the last value stay, in order, and no more than asked for."""
    all_values = np.array(values, dtype=float)
    kept = kept_points(all_values, most)
    assert (np.diff(kept) > 0).all()
    assert len(kept) <= max(most, 2)
    known = all_values[np.isfinite(all_values)]
    if len(known):
        shown = all_values[kept]
        assert np.nanmin(shown) == known.min()
        assert np.nanmax(shown) == known.max()
        assert {0, len(values) - 1} <= set(kept.tolist())


def test_a_thinned_curve_keeps_its_gaps():
    values = np.arange(1000.0)
    values[500] = np.nan
    assert np.isnan(values[kept_points(values, 60)]).sum() == 1


def test_a_page_whose_curves_were_thinned_says_so():
    page = page_of()
    memory = page.timeline.charts[0]
    t = np.arange(100_000) / 1000
    values = np.full(100_000, 5.0)
    values[77_777] = 9e8
    long = replace(memory, curves=(Curve(name="memory", x=t, values=values),))
    html = page_html(replace(page, timeline=replace(page.timeline, charts=(long,))))
    assert "of 100000 readings a curve has at most 40000 here" in html
    curve = data_of(html)["charts"][0]["curves"][0]
    assert len(curve["x"]) <= 40_000
    assert np.cumsum(curve["y"]).max() * curve["step"] == pytest.approx(9e8)
    assert "at most 40000" not in page_html(page)


def test_the_data_are_those_of_the_record(html):
    data = data_of(html)
    memory = data["charts"][0]["curves"][0]
    assert np.cumsum(memory["y"])[-1] * memory["step"] == 60 * MIB
    assert np.cumsum(memory["x"])[-1] == 71_000
    assert data["phases"][0] == ["setup", 0, 2]


def test_numbers_that_json_does_not_have_are_holes():
    record = complete(drill()).change("load", "requests", lambda e: {**e.value, "rps": float("inf")})
    curves = data_of(page_html(page_of(record)))["charts"][1]["curves"]
    assert all(value is None for value in curves[0]["y"])


class Seen(HTMLParser):
    """What a browser would act on: elements, and the addresses that they name."""

    def __init__(self, html):
        super().__init__()
        self.scripts, self.handlers, self.addresses, self.styled = 0, [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.scripts += tag == "script"
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.styled += [name for name, _ in attrs if name == "style"]
        self.addresses += [value for name, value in attrs if name in {"src", "href", "action", "srcset"}]


def test_a_page_asks_for_nothing(html):
    """Every address is a place in the page itself."""
    seen = Seen(html)
    assert seen.scripts == 2
    assert not seen.handlers
    assert not seen.styled
    assert all(address.startswith("#") or address == "data:," for address in seen.addresses)
    places = set(re.findall(r'\sid="([^"]+)"', html))
    assert {address[1:] for address in seen.addresses if address.startswith("#")} <= places


def test_the_policy_names_the_only_style_and_the_only_script(html):
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)[1]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "http" not in policy
    for element in ("style", "script"):
        text = re.search(rf"<{element}>(.*?)</{element}>", html, re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{element}-src 'sha256-{digest}'" in policy


@pytest.mark.parametrize(
    ("name", "files"), [("uplot", {"uPlot.iife.min.js", "uPlot.min.css"}), ("fflate", {"fflate.umd.js"})]
)
def test_what_others_wrote_is_as_they_released_it_and_its_licence_is_in_the_page(html, name, files):
    folder = Path(write.__file__).parent / "static" / name
    wanted = dict(reversed(line.split()) for line in (folder / "VERSION").read_text().splitlines()[2:])
    assert set(wanted) == files
    for file, digest in wanted.items():
        assert hashlib.sha256((folder / file).read_bytes()).hexdigest() == digest
        assert (folder / file).read_text().strip() in html
    assert (folder / "LICENSE").read_text().strip() in html


def test_a_page_is_small_but_for_its_data(html):
    data = re.search(r'id="data">(.*?)</script>', html, re.DOTALL)[1]
    assert len(html.encode()) - len(data) < 400_000


@pytest.mark.parametrize("nasty", [NASTY, "\x1b[31m\x00\ud800", "x" * 20_000, "::error::", "pässwort 東京 🔥"])
def test_no_text_of_a_record_does_anything(nasty):
    """Names, log lines, labels, messages: seen, escaped, and without effect."""
    scenario = plan(summary=nasty, rehearses=nasty, steps=[{"name": nasty, "gc": {}}])
    labels = ALERT | {"alertname": nasty, "severity": nasty}
    record = complete(drill()).sample(16, RunBroken(nasty)).sample(17, AlertTransition("firing", labels=labels))
    record.sample(18, Notification(nasty, receiver=nasty, labels=labels))
    verdicts = [
        Verdict(check=nasty, subject=nasty, outcome=Outcome.FAIL, message=nasty, hint=nasty, numbers={nasty: nasty}),
        HOLDS,
    ]
    html = page_html(page_of(record, scenario, verdicts))
    seen = Seen(html)
    assert (seen.scripts, seen.handlers) == (2, [])
    assert all(address.startswith("#") or address == "data:," for address in seen.addresses)
    assert "<img" not in html
    assert not re.search("[\u2028\u202e\x00\x1b]", html)
    html.encode()


@pytest.mark.parametrize("record", [drill().cut(0.1), drill().cut(3), drill().drop("cgroup"), drill().drop("load")])
def test_a_record_that_broke_off_has_a_page_all_the_same(record):
    assert "<h1>" in page_html(page_of(record))


def test_the_report_command_writes_the_page(tmp_path, capsys):
    run = store_run(tmp_path)
    assert exit_code(["report", str(run.path)]) == 0
    assert "report.html" in capsys.readouterr().out
    html = (run.path / "report.html").read_text(encoding="utf-8")
    assert "All 13 claims hold." in html


def test_the_page_of_a_run_under_way_names_what_will_be_claimed_whatever_its_names_are(tmp_path):
    scenario = plan(summary=NASTY, steps=[{"name": NASTY, "gc": {}}])
    run = store_run(tmp_path, complete(drill()).cut(30), scenario)
    verdicts = stored_verdicts(run, History(()))
    html = run_page(run, verdicts, Seal(head="", lines=0), is_live=True)
    assert html.count("not judged yet") == len(verdicts) > 8
    assert "step_works" in html
    assert "The record holds what the other checks rely on, without gaps." in html
    seen = Seen(html)
    assert (seen.scripts, seen.handlers) == (2, [])
    assert "<img" not in html
    assert "\u202e" not in html
