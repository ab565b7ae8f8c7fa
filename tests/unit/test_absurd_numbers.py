"""A number that no run can have is refused where its file is read, whichever command reads it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pytest
import test_watch_checks
from histories import plan
from pydantic import AfterValidator, ValidationError
from stored_runs import judged_run, store_run

from leakdrill.cli.main import exit_code
from leakdrill.errors import BadInput
from leakdrill.judging.leak.gate_baseline import BaselineFile
from leakdrill.judging.leak.leak_verdict import LeakOutcome, judge_trace
from leakdrill.judging.leak.looks import most_slots
from leakdrill.judging.leak.trace import Trace
from leakdrill.judging.watch.run_files import WatchInfo, read_watch_info, write_watch_info
from leakdrill.record.event import LONGEST_S
from leakdrill.record.history import read_history
from leakdrill.record.recorder import Recorder
from leakdrill.record.reseal import reseal
from leakdrill.record.run_identity import _of_a_clock
from leakdrill.record.store import RunFolder, RunInfo, read_run_info
from leakdrill.reports.page.chart import Chart, Curve
from leakdrill.reports.page.payload import packed
from leakdrill.reports.page.timeline import Timeline
from leakdrill.reports.picture.scale import ticks
from leakdrill.scenario.gate import Gate
from leakdrill.units import parse_duration, parse_rate, parse_share, parse_size

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TIMES = [
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "1969-12-31T23:59:59Z",
    "1970-01-01T00:00:00+01:00",
    "9999-12-31T23:59:59Z",
    "2200-01-01T00:00:00Z",
    "2026-01-01T00:00:00",
    "2026-01-01",
    0,
    1e300,
    None,
]
IDS = ["", ".", "..", "a/b", "/etc", "a\nb", "x" * 256, 5, None]


def _edit(run: RunFolder, **changes: Any) -> None:
    """Changes keys of `run.json` as it was written at first."""
    first = run.path / "run.json.first"
    if not first.exists():
        first.write_bytes(run.run_json.read_bytes())
    run.run_json.write_text(json.dumps(json.loads(first.read_text()) | changes))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return store_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = RunFolder(tmp_path_factory.mktemp("watched") / "watch-make" / "20260101T000000Z")
    folder.path.mkdir(parents=True)
    write_watch_info(folder, test_watch_checks.plan())
    return folder


@pytest.mark.parametrize("started", TIMES)
def test_a_start_that_no_clock_shows_is_refused_with_file_and_field(
    started: object, run: RunFolder, watched: RunFolder
) -> None:
    for folder, read in ((run, read_run_info), (watched, read_watch_info)):
        _edit(folder, started=started)
        with pytest.raises(BadInput) as refused:
            read(folder)
        assert refused.value.message.startswith(f"{folder.run_json}: started: ")
        assert refused.value.exit_code == 3


@pytest.mark.parametrize("run_id", IDS)
def test_an_id_that_is_no_folder_s_name_is_refused_with_file_and_field(
    run_id: object, run: RunFolder, watched: RunFolder
) -> None:
    for folder, read in ((run, read_run_info), (watched, read_watch_info)):
        _edit(folder, run_id=run_id)
        with pytest.raises(BadInput) as refused:
            read(folder)
        assert refused.value.message.startswith(f"{folder.run_json}: run_id: ")


def test_a_start_is_kept_in_utc(run: RunFolder) -> None:
    _edit(run, started="2026-01-01T01:00:00+01:00")
    assert read_run_info(run).started.isoformat() == "2026-01-01T00:00:00+00:00"


def test_every_wall_clock_time_of_a_model_is_bounded() -> None:
    for model, name in ((RunInfo, "started"), (WatchInfo, "started"), (BaselineFile, "measured")):
        assert AfterValidator(_of_a_clock) in model.model_fields[name].metadata


@pytest.mark.parametrize("started", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_each_command_refuses_such_a_run_in_one_sentence(
    started: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = judged_run(tmp_path / "runs")
    _edit(run, started=started)
    reseal(run)
    for words in (["analyze"], ["report"], ["runbook", "documents"], ["compare", run.path]):
        assert exit_code([*map(str, words), str(run.path)]) == 3
        said = capsys.readouterr()
        assert f"{run.run_json}: started: " in said.err
        assert "Traceback" not in said.err
    assert exit_code(["runs", str(tmp_path / "runs")]) == 0
    assert "started: " in capsys.readouterr().out


@pytest.mark.parametrize("number", [2**53 + 1, 2**64, 10**400])
def test_a_whole_number_that_counts_nothing_is_refused_in_a_plan(number: int) -> None:
    with pytest.raises(ValidationError, match="counts something"):
        plan(expect={"oom_kills": number})
    with pytest.raises(ValidationError, match="greater than or equal to 0"):
        plan(expect={"oom_kills": -1})


@pytest.mark.parametrize(
    ("parse", "text"),
    [(parse_duration, "99999w"), (parse_duration, f"{'9' * 300}s"), (parse_rate, "9999999999999999/s"),
     (parse_share, "999999999999%"), (parse_size, "99999999TiB")],
)  # fmt: skip
def test_a_quantity_that_is_a_slip_is_refused(parse: Callable[[object], float], text: str) -> None:
    with pytest.raises(ValueError, match="is larger than any"):
        parse(text)


def test_a_slot_of_the_gate_takes_time() -> None:
    with pytest.raises(ValidationError, match="slot"):
        Gate.model_validate({"slot": "0s"})
    assert most_slots(Gate.model_validate({"slot": "1ms", "at_most": "1w"})) < 10**9


@pytest.mark.parametrize("number", [1e300, 2.0**64, float("nan"), float("inf")])
def test_a_slot_of_the_gate_that_no_process_has_is_named_and_nothing_is_drawn_of_it(number: float) -> None:
    requests = np.arange(24) * 1000.0
    columns = {"anon": np.full(24, 1e7), "rss": np.full(24, 2e7)}
    columns["rss"][5] = number
    trace = Trace(name="candidate", t=requests, requests=requests, columns=columns, quiet=True)
    verdict = judge_trace(trace)
    assert verdict.outcome is LeakOutcome.UNKNOWN
    assert verdict.message == f"rss is {number:g} in sample 6, which cannot be"
    assert judge_trace(replace(trace, columns=columns | {"rss": np.full(24, 2e7)})).outcome is LeakOutcome.CLEAN


def test_a_curve_of_any_size_is_packed() -> None:
    values = np.array([1.0, 1e300, -1e300, np.nan, 2.0**63, 1e-320])
    timeline = Timeline(
        axis="time", end=5.0,
        charts=(Chart(key="a", title="a", unit="bytes", curves=(Curve(name="a", x=np.arange(6.0), values=values),)),),
    )  # fmt: skip
    assert packed(timeline)


@pytest.mark.parametrize(("low", "high"), [(0.0, 5e-324), (0.0, 1e300), (1e300, np.nextafter(1e300, 2e300))])
def test_an_axis_has_few_ticks_whatever_its_length(low: float, high: float) -> None:
    for unit in (None, "bytes"):
        assert len(ticks(low, high, most=5, unit=unit)) < 20


@pytest.mark.parametrize("key", ["t", "at"])
@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e300", "-1e300", str(LONGEST_S * 1.01), "true"])
def test_a_time_that_no_event_has_is_refused_with_its_line(key: str, value: str, tmp_path: Path) -> None:
    line = orjson.dumps(_event() | {key: "HERE"}).replace(b'"HERE"', value.encode())
    (tmp_path / "history.jsonl").write_bytes(orjson.dumps(_event()) + b"\n" + line + b"\n")
    with pytest.raises(BadInput, match=rf"history.jsonl:2: {key}: "):
        read_history(tmp_path / "history.jsonl")


def test_an_alert_may_be_older_than_the_run_and_a_line_may_not(tmp_path: Path) -> None:
    (tmp_path / "history.jsonl").write_bytes(orjson.dumps(_event() | {"at": -86_400.0 * 30}) + b"\n")
    assert len(read_history(tmp_path / "history.jsonl")) == 1
    (tmp_path / "history.jsonl").write_bytes(orjson.dumps(_event() | {"t": -0.1}) + b"\n")
    with pytest.raises(BadInput, match=r":1: t: "):
        read_history(tmp_path / "history.jsonl")


@pytest.mark.parametrize("index", [-1, 2**53, 2**63, 2**64, 1.5])
def test_an_index_that_no_line_has_is_refused(index: float, tmp_path: Path) -> None:
    (tmp_path / "history.jsonl").write_text(json.dumps(_event() | {"index": index}) + "\n")
    with pytest.raises(BadInput, match=r":1: index: "):
        read_history(tmp_path / "history.jsonl")


def test_a_server_s_time_of_the_year_1_is_recorded_so_that_it_can_be_read(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "history.jsonl")
    assert recorder.at_s(-62_135_596_800.0) == -LONGEST_S
    assert recorder.at_s(1e300) == LONGEST_S
    assert abs(recorder.at_s(time.time())) < 5
    recorder.close()


def test_a_record_a_million_times_as_long_is_judged_in_bounded_time_and_memory(tmp_path: Path) -> None:
    run = store_run(tmp_path, scenario=plan())
    reseal(run, [_longer(orjson.loads(line), 1e6) for line in run.history.read_bytes().splitlines()])
    for words, code in ((["analyze"], 2), (["report", "--svg"], 2)):
        command = [sys.executable, "-m", "leakdrill", *words, str(run.path)]
        limited = f"ulimit -v 500000; ulimit -t 20; exec {' '.join(command)}"
        done = subprocess.run(
            ["sh", "-c", limited],
            capture_output=True, text=True, check=False, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (code, "")
    assert (run.path / "report.html").stat().st_size > 10_000


def _longer(event: dict[str, Any], times: float) -> bytes:
    moved = {key: event[key] * times for key in ("t", "at") if event.get(key) is not None}
    return orjson.dumps(event | moved)


def _event() -> dict[str, Any]:
    return {"index": 0, "t": 1.0, "phase": "load", "source": "drill", "kind": "sample", "name": "notice", "value": "a"}
