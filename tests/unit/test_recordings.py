"""Recordings of other tools: what is understood, what is said of it, and what is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tool_recordings import (
    EVENLY,
    READINGS,
    WHOLE,
    docker_stats,
    jmeter,
    k6,
    level,
    locust,
    psrecord,
    range_query,
)

from leakdrill.cli.main import exit_code
from leakdrill.errors import BadInput
from leakdrill.judging.recordings.read import read_recording

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from leakdrill.judging.leak.trace import Trace


def saved(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def read(folder: Path, text: str, **options: Any) -> Trace:
    return read_recording(saved(folder, "run.txt", text), **options)


@pytest.mark.parametrize("tool", WHOLE)
def test_what_tools_wrote_is_read_in_bytes_seconds_and_requests(tmp_path: Path, tool: str) -> None:
    text, options, column = WHOLE[tool]
    trace = read(tmp_path, text, **options)
    assert list(trace.columns) == [column]
    assert trace.understood
    np.testing.assert_allclose(trace.t, np.arange(READINGS), atol=1e-6)
    np.testing.assert_allclose(trace.requests, np.arange(READINGS) * 50.0, atol=1e-6)
    np.testing.assert_allclose(trace.resident, [level(at) for at in range(READINGS)], rtol=1e-3)


@pytest.mark.parametrize("load", [k6, locust, jmeter, lambda: range_query("http_requests_total", lambda at: at * 50)])
def test_requests_may_stand_in_a_recording_of_their_own(tmp_path: Path, load: Callable[[], str]) -> None:
    memory = saved(tmp_path, "memory.json", range_query("process_resident_memory_bytes", level))
    trace = read_recording(memory, requests=saved(tmp_path, "load.csv", load()))
    assert trace.requests[0] == 0
    assert np.diff(trace.requests).mean() == pytest.approx(50, rel=0.02)
    assert "requests from" in trace.understood


def test_only_what_both_cover_is_judged_and_it_is_said(tmp_path: Path) -> None:
    memory = saved(tmp_path, "memory.json", range_query("container_memory_rss", level))
    trace = read_recording(memory, requests=saved(tmp_path, "load.csv", k6(60)))
    assert len(trace) == 60
    assert "60 readings outside of the requests are left out" in trace.understood


def test_one_of_several_is_chosen_by_a_part_of_its_name(tmp_path: Path) -> None:
    both = docker_stats("shop-web-1") + docker_stats("shop-db-1")
    with pytest.raises(BadInput, match="holds 2 series of memory: container shop-web-1; container shop-db-1"):
        read(tmp_path, both, **EVENLY)
    assert "container shop-db-1" in read(tmp_path, both, series="db", **EVENLY).understood
    with pytest.raises(BadInput, match='no series is named "cache"; found container shop-web-1'):
        read(tmp_path, both, series="cache", **EVENLY)


def test_readings_without_a_time_are_as_far_apart_as_is_said(tmp_path: Path) -> None:
    trace = read(tmp_path, docker_stats(), every_s=2.5, **EVENLY)
    assert trace.t[-1] == pytest.approx(2.5 * (READINGS - 1))
    assert "one line of each container every 2.5 s" in trace.understood


def test_counters_of_several_paths_are_added(tmp_path: Path) -> None:
    answer = json.loads(range_query("http_requests_total", lambda at: at * 20, path="/a"))
    other = json.loads(range_query("http_requests_total", lambda at: 7 + at * 30, path="/b"))
    answer["data"]["result"] += other["data"]["result"]
    memory = saved(tmp_path, "memory.json", range_query("container_memory_rss", level))
    trace = read_recording(memory, requests=saved(tmp_path, "load.json", json.dumps(answer)))
    np.testing.assert_allclose(trace.requests, np.arange(READINGS) * 50.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "run.txt: is empty"),
        ("a,b\n1,2\n", "run.txt:1: no column of time; found a, b"),
        ("t,note\n1,2\n", "run.txt:1: no column of memory; found t, note"),
        ("time,rss\n0,1e7\n1\n", "run.txt:3: 1 cell; expected 2"),
        ("time,rss,requests\n0,much,1\n", 'run.txt:2: rss: "much" is not a finite number'),
        ("time,rss,requests\nyesterday,1e7,1\n", 'run.txt:2: time: "yesterday" is no time'),
        ("time,rss\n0,1e7\n1,1e7\n", "run.txt: counts no requests; it is a table, time as the time"),
        ("{}", "run.txt: no tool that is known writes this JSON"),
        ("{", "run.txt:1: is no JSON"),
        ('{"MemUsage":"1MiB / 2GiB","Name":"a"}\n[]\n', "run.txt:2: []; expected a JSON object"),
        ('{"MemUsage":7,"Name":"a"}', "run.txt:1: MemUsage: 7; expected memory and its limit"),
        ('{"status":"error","error":"bad query"}', 'run.txt: is an error of Prometheus: "bad query"'),
        ('{"status":"success","data":{"resultType":"vector","result":[]}}', 'resultType: "vector"; expected matrix'),
        ('{"status":"success","data":{"resultType":"matrix","result":[]}}', "run.txt: holds no memory"),
        ('{"status":"success","data":null}', "resultType: none; expected matrix"),
        (range_query("up", lambda _: 1), "neither memory nor a count of requests"),
        (range_query("container_memory_rss", lambda _: float("nan")), "reading 1: value"),
        ('{"metric":{"__name__":"rss"},"values":[[1]]}', "reading 1: [1]; expected a time and a value"),
        ('{"metric":7}', "metric: 7; expected the labels"),
        ("# Elapsed time CPU Real\n 0.1 2.0\n", "run.txt:2: 2 cells; expected elapsed time"),
        ("time,rss,requests\n0,1e7,5\n1,1e7,3\n", "run.txt:3: requests: requests: 3 after 5"),
        ("time,rss,requests\n5,1e7,3\n1,1e7,5\n", "1 after 5; expected it never to fall"),
        ("metric_name,timestamp,metric_value\nvus,1,2\n", "run.txt: not one request is counted in it"),
        (k6(), "run.txt: holds no memory"),
        ("time,rss,requests\n0,0,5\n1,0,6\n", "expected a reading of a running process"),
        ('a,"b\x00', "run.txt"),
    ],
)
def test_what_cannot_be_judged_is_one_message_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadInput) as refused:
        read(tmp_path, text)
    assert message in str(refused.value)


def test_what_has_no_dates_cannot_be_laid_beside_another(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="has no dates"):
        read(tmp_path, psrecord(), requests=saved(tmp_path, "load.csv", k6()))


@pytest.mark.parametrize(("leaks", "code"), [(True, 1), (False, 0)])
def test_the_command_judges_it_and_says_what_it_understood(
    tmp_path: Path, leaks: bool, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    noise = np.random.default_rng(1).normal(0, 20_000, READINGS)
    memory = range_query(
        "container_memory_working_set_bytes", lambda at: round(level(at, leaks=leaks) + noise[at]), pod="a"
    )
    paths = saved(tmp_path, "memory.json", memory), saved(tmp_path, "load.csv", k6())
    assert exit_code(["trace", str(paths[0]), "--requests", str(paths[1]), "--budget", "1KiB"]) == code
    told = capsys.readouterr().out
    assert "read as     a range query of Prometheus: 120 readings" in told
    assert exit_code(["trace", str(paths[0]), "--load", "50/s", "--budget", "1KiB", "--json"]) == code
    facts = json.loads(capsys.readouterr().out)
    assert "50 requests a second, as declared" in facts["read_as"]
    assert "a request" not in facts["message"]


def test_where_nobody_counted_requests_growth_is_told_at_the_declared_rate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = saved(
        tmp_path, "memory.json", range_query("container_memory_working_set_bytes", lambda at: 10**8 + at * 999)
    )
    page = tmp_path / "trace.html"
    exit_code(["trace", str(path), "--load", "1/s", "--page", str(page)])
    for told in (capsys.readouterr().out, page.read_text(encoding="utf-8")):
        assert "per request at the declared 1/s" in told
        assert "B a request" not in told
        assert "bytes a request" not in told
