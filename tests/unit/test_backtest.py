"""What rules would have said in the past: of stored drills, of recordings, and why nothing is known of an alert."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[1] / "sabotage"))

from stored_runs import judged_run
from tape import MIB, Tape

from leakdrill.alerting.rules import read_rules
from leakdrill.backtest.against import changes
from leakdrill.backtest.alert_past import AlertPast, Backtested, Grid, Stretch, stretches_of
from leakdrill.backtest.live import fired_live_s
from leakdrill.backtest.past import Past, PastSeries, World, at_scrapes
from leakdrill.backtest.play import backtest
from leakdrill.backtest.recorded_trace import past_of_recording
from leakdrill.backtest.replayed_run import pasts_of_run
from leakdrill.backtest.states_sheet import Seen, seen_in
from leakdrill.cli.main import exit_code
from leakdrill.judging.leak.trace import Trace

if TYPE_CHECKING:
    from leakdrill.alerting.rules import Rules

needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")

RULES = Path(__file__).parents[2] / "scenarios" / "rules"
USAGE = "container_memory_usage_bytes / container_spec_memory_limit_bytes"
DRILLS = ("cache", "disk", "limits", "pods", "replicas", "sealed", "twin")


def rules_of(tmp_path: Path, *alerts: tuple[str, str], more: str = "") -> Rules:
    """A rules file with an alert for each expression and `for`; the names are letters, from A on."""
    file = tmp_path / "rules.yaml"
    lines = [
        line
        for number, (expr, waits) in enumerate(alerts)
        for line in (f"- alert: {chr(65 + number)}", f"  expr: {json.dumps(expr)}", f"  for: {waits}")
    ]
    file.write_text("groups:\n- name: g\n  rules:\n" + "".join(f"  {line}\n" for line in lines) + more)
    return read_rules([file])


def past_of(series: dict[str, list[float]], *, scrape_s: float = 30.0, has_clock: bool = True) -> Past:
    """A past in which these series were scraped every half a minute, for the first alert."""
    told = tuple(PastSeries(name, {"pod": "a"}, np.array(values, dtype=float)) for name, values in series.items())
    length = len(next(iter(series.values())))
    return Past(
        name="made", kind="run", scrape_s=scrape_s, evaluate_s=scrape_s, ends_s=(length - 1) * scrape_s,
        worlds=(World((0,), told),), has_clock=has_clock,
    )  # fmt: skip


def drill_rules(tape: Tape) -> Rules:
    assert tape.scenario is not None
    return read_rules([RULES / Path(str(path)).name for path in tape.scenario.alerts.rules])


@needs_promtool
def test_what_fired_in_a_drill_fires_in_its_backtest_within_a_scrape_and_an_evaluation() -> None:
    apart_s: dict[str, float] = {}
    for name in DRILLS:
        tape = Tape(name)
        scenario, rules = tape.scenario, drill_rules(tape)
        assert scenario is not None
        pasts = pasts_of_run(tape.history(), scenario, rules, name=name)
        within_s = scenario.alerts.scrape_interval + scenario.alerts.evaluation_interval
        for number, one in enumerate(backtest(rules, pasts)):
            live_s = fired_live_s(one.alert, pasts[0])
            key = f"{name}: {number} {one.title}"
            if live_s is None:
                assert one.word != "FIRES", key
                continue
            assert one.fires_s is not None, key
            apart_s[key] = abs(live_s - one.fires_s) / scenario.alerts.time_scale
            assert apart_s[key] <= within_s, key
    assert len({key.partition(":")[0] for key in apart_s}) >= 5
    assert max(apart_s.values()) <= 1.0, apart_s


@needs_promtool
def test_a_series_that_was_not_read_is_named_and_the_alert_is_unknown() -> None:
    tape = Tape("cache")
    assert tape.scenario is not None
    rules = drill_rules(tape)
    found = backtest(rules, pasts_of_run(tape.history(), tape.scenario, rules, name="cache"))
    unknown = [one for one in found if one.word == "UNKNOWN"]
    assert {one.alert.name for one in unknown} == {"HighDiskUsage"}
    assert all('node_filesystem_avail_bytes{mountpoint="/var/lib/inference-gateway"}' in one.reason for one in unknown)


@needs_promtool
def test_pending_firing_and_over_are_told_at_their_evaluations(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, ("x > 3", "1m"))
    (found,) = backtest(rules, [past_of({"x": [1, 5, 5, 5, 5, 1, 5, 1, 1]})])
    assert found.word == "FIRES"
    first, second = found.usual.stretches
    assert (first.pending_s, first.firing_s, first.over_s) == (30.0, 90.0, 150.0)
    assert (second.pending_s, second.firing_s, second.over_s) == (180.0, None, 210.0)
    assert dict(first.labels) == {"alertname": "A", "pod": "a"}


@needs_promtool
def test_a_gap_is_no_value_and_the_end_of_a_series_is_its_end(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, ("x > 3", "1m"))
    (gap,) = backtest(rules, [past_of({"x": [5, 5, np.nan, 5, 5, np.nan, np.nan]})])
    assert gap.word == "PENDING"
    (long,) = backtest(rules, [past_of({"x": [5] * 200})])
    assert long.usual.stretches == (Stretch((("alertname", "A"), ("pod", "a")), 0.0, 60.0, None),)


@needs_promtool
def test_the_absence_of_what_nobody_read_is_unknown(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, ("absent(y)", "0s"))
    (found,) = backtest(rules, [past_of({"x": [1, 1]})])
    assert (found.word, found.reason) == ("UNKNOWN", "there is no y")


@needs_promtool
@pytest.mark.parametrize("expr", ["x > 3 and on() hour() < 6", "time() - x > 3"])
def test_a_rule_that_asks_for_the_time_of_day_is_unknown(tmp_path: Path, expr: str) -> None:
    (found,) = backtest(rules_of(tmp_path, (expr, "0s")), [past_of({"x": [5, 5]}, has_clock=False)])
    assert "asks for the time of day" in found.reason


@needs_promtool
def test_a_rule_that_the_engine_refuses_takes_no_other_with_it(tmp_path: Path) -> None:
    series = {"x": [5.0, 5.0]}
    past = past_of(series)
    more = PastSeries("x", {"pod": "b"}, np.array([5.0, 5.0]))
    past = Past(
        name="made", kind="run", scrape_s=30.0, evaluate_s=30.0, ends_s=30.0,
        worlds=(World((0, 1), (*past.worlds[0].series, more)),),
    )  # fmt: skip
    rules = rules_of(tmp_path, ("x * on() x > 3", "0s"), ("x > 3", "0s"))
    refused, fires = backtest(rules, [past])
    assert refused.reason.startswith("promtool refuses it")
    assert fires.word == "FIRES"


@needs_promtool
def test_recording_rules_are_evaluated_too(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, ("double > 9", "0s"), more="  - record: double\n    expr: x * 2\n")
    (found,) = backtest(rules, [past_of({"x": [1, 5, 5]})])
    assert found.fires_s == 30.0


@needs_promtool
def test_a_recording_is_seen_under_the_names_that_a_rule_selects(tmp_path: Path) -> None:
    t = np.arange(0.0, 1200.0, 10.0)
    trace = Trace(name="t", t=t, requests=t, columns={"rss": np.linspace(10, 100, len(t)) * MIB}, quiet=False)
    rules = rules_of(tmp_path, (f"{USAGE} > 0.75", "1m"), ("rate(container_cpu_usage_seconds_total[5m]) > 1", "1m"))
    past = past_of_recording(trace, rules, limit_bytes=100 * MIB, scrape_s=15.0, evaluate_s=30.0)
    memory, cpu = backtest(rules, [past])
    assert memory.word == "FIRES"
    assert memory.fires_s == pytest.approx(1200 * 65 / 90 + 60, abs=60)
    assert (cpu.word, cpu.reason) == ("UNKNOWN", "there is no container_cpu_usage_seconds_total")
    without = past_of_recording(trace, rules, limit_bytes=None, scrape_s=15.0, evaluate_s=30.0)
    assert "give --limit" in backtest(rules, [without])[0].reason


def test_a_value_counts_while_it_is_fresh() -> None:
    times = np.array([0.0, 10.0, 50.0])
    found = at_scrapes(times, np.array([1.0, 2.0, np.inf]), np.array([0.0, 9.0, 20.0, 30.0, 50.0]), fresh_s=12.0)
    assert found.tolist() == pytest.approx([1.0, 1.0, 2.0, np.nan, np.nan], nan_ok=True)


def test_what_promtool_prints_is_read_whatever_stands_in_a_label() -> None:
    labels = 'alertname="A", alertstate="firing", leakdrill_question="s|1", leakdrill_rule="0", pod="a}, {\\"b"'
    found, ran = seen_in(f'got: {{{labels}}} 5E+00, {{leakdrill_question="s|ran"}} 1E+00')
    assert found == {Seen("s", 0, "firing", (("alertname", "A"), ("pod", 'a}, {"b'))): {48, 50}}
    assert ran == {"s"}


def test_a_stretch_ends_where_the_alert_is_neither_pending_nor_firing() -> None:
    found = stretches_of((), {"pending": {1, 2}, "firing": {3, 5}}, 6, Grid(10.0, 30.0))
    assert [(one.pending_s, one.firing_s, one.over_s) for one in found] == [(40.0, 100.0, 130.0), (None, 160.0, None)]


@needs_promtool
def test_two_rules_files_are_compared_over_the_same_past(tmp_path: Path) -> None:
    past = past_of({"x": [1, 2, 3, 4, 5, 6, 7, 8]})
    found = {}
    for name, expr in (("early", "x > 2"), ("late", "x > 5"), ("never", "x > 9")):
        found[name] = backtest(rules_of(tmp_path, (expr, "0s")), [past])
    assert str(changes(found["early"], found["late"])[0]) == "A: later by 1 min 30 s"
    assert changes(found["late"], found["early"])[0].word == "earlier"
    assert changes(found["late"], found["never"])[0].word == "lost"
    assert changes(found["never"], found["late"])[0].word == "new"
    assert changes(found["late"], found["late"])[0].word == "same"
    unknown = [Backtested(found["late"][0].alert, (AlertPast(found["late"][0].alert, reason="there is no x"),))]
    assert str(changes(unknown, found["late"])[0]) == "A: unknown: there is no x"


@needs_promtool
def test_the_command_tells_a_recording_and_ends_with_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    csv = tmp_path / "memory.csv"
    csv.write_text("t,requests,rss_bytes\n" + "".join(f"{t},{t},{t * MIB}\n" for t in range(5, 600, 5)))
    rules_of(tmp_path, (f"{USAGE} > 0.75", "1m"))
    file = str(tmp_path / "rules.yaml")
    assert exit_code(["backtest", file, str(csv), "--limit", "512MiB"]) == 0
    printed = capsys.readouterr().out
    assert "FIRES A rules.yaml:4" in printed
    assert "the recording ends" in printed
    assert exit_code(["backtest", file, str(csv), "--limit", "512MiB", "--against", file, "--json"]) == 0
    (past,) = json.loads(capsys.readouterr().out)["pasts"]
    assert past["alerts"][0]["word"] == "FIRES"
    assert past["changes"] == [{"alert": "A", "word": "same", "seconds": 0.0, "detail": ""}]


@needs_promtool
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no past is named"),
        (["no-such-file.csv"], "no-such-file.csv: cannot be read"),
        (["{empty}"], "is not a run folder"),
        (["{untimed}"], "untimed.csv"),
        (["{long}"], "at most"),
        (["{csv}", "--limit", "much"], "--limit: "),
        (["{csv}", "--scrape", "0s"], "--scrape: "),
        (["--prometheus", "ftp://x"], "--prometheus: is no address"),
        (["--prometheus", "http://127.0.0.1:9"], "--prometheus needs --from"),
        (["--from", "2026-01-01"], "--from and --to belong to --prometheus"),
        (["--prometheus", "http://127.0.0.1:9", "--from", "yesterday"], '--from: "yesterday" is no time'),
        (["--prometheus", "http://127.0.0.1:9", "--from", "2026-01-02", "--to", "2026-01-01"], "--to is not after"),
        (["--prometheus", "http://127.0.0.1:9", "--from", "1970-01-02", "--to", "2026-01-01"], "at most"),
    ],
)
def test_bad_input_is_one_message_and_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    rules_of(tmp_path, (f"{USAGE} > 0.75", "1m"))
    (tmp_path / "empty").mkdir()
    (tmp_path / "csv").write_text("t,requests,rss_bytes\n0,0,1000\n5,5,2000\n")
    (tmp_path / "untimed.csv").write_text("requests,rss_bytes\n0,1000\n5,2000\n")
    (tmp_path / "long").write_text("t,requests,rss_bytes\n0,0,10000000\n50000000,5,20000000\n")
    places = {"empty": "empty", "csv": "csv", "untimed": "untimed.csv", "long": "long"}
    named = [word.format(**{key: tmp_path / value for key, value in places.items()}) for word in arguments]
    assert exit_code(["backtest", str(tmp_path / "rules.yaml"), *named]) == 3
    told = capsys.readouterr().err
    assert message in told
    assert "Traceback" not in told


@needs_promtool
def test_a_file_without_an_alert_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "none.yaml"
    file.write_text("groups:\n- name: g\n  rules:\n  - record: y\n    expr: x\n")
    assert exit_code(["backtest", str(file), str(tmp_path)]) == 3
    assert "has no alerting rule" in capsys.readouterr().err


@needs_promtool
def test_the_commands_read_a_stored_drill_and_refuse_one_that_was_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = judged_run(tmp_path / "runs")
    rules_of(tmp_path, (f"{USAGE} > 0.75", "1m"))
    file = str(tmp_path / "rules.yaml")
    assert exit_code(["backtest", file, str(run.path), "--json"]) == 0
    (past,) = json.loads(capsys.readouterr().out)["pasts"]
    assert past["kind"] == "run"
    assert {one["kind"] for one in past["happenings"]} >= {"leak", "end"}
    assert exit_code(["mutate", file, str(run.path)]) == 0
    assert "no drill expects it" in capsys.readouterr().out
    run.history.write_text(run.history.read_text().replace('"t":1', '"t":2', 1))
    for command in ("backtest", "mutate"):
        assert exit_code([command, file, str(run.path)]) == 3
        assert "history.jsonl:" in capsys.readouterr().err
