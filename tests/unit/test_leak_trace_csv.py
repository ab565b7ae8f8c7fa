"""Reading a recording from CSV: what is understood, and what is refused with file, line and column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from leakdrill.errors import BadInput
from leakdrill.judging.leak.leak_verdict import judge_trace
from leakdrill.judging.leak.trace import Trace, read_trace

if TYPE_CHECKING:
    from pathlib import Path


def read(folder: Path, text: str) -> Trace:
    path = folder / "run.csv"
    path.write_text(text)
    return read_trace(path)


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(BadInput) as caught:
        read(folder, text)
    return str(caught.value).removeprefix(f"{folder}/")


def test_a_plain_series_needs_only_three_columns(tmp_path: Path) -> None:
    trace = read(tmp_path, "t,requests,heap_bytes\n0,0,10000\n1,10,11000\n")
    assert (len(trace), trace.resident_name, trace.quiet) == (2, "heap", False)
    np.testing.assert_array_equal(trace.resident, [10000, 11000])


def test_columns_after_a_slot_make_quiet_points(tmp_path: Path) -> None:
    trace = read(tmp_path, "round,t,requests,rss_before,rss_after,anon_after,blocks\n0,1,10,9e7,8e7,7e7,6\n")
    assert trace.quiet
    assert {name: values[0] for name, values in trace.columns.items()} == {
        "round": 0,
        "rss_before": 9e7,
        "rss": 8e7,
        "anon": 7e7,
        "blocks": 6,
    }


def test_anonymous_memory_is_preferred(tmp_path: Path) -> None:
    assert read(tmp_path, "t,requests,rss_bytes,pss_bytes,anon_bytes\n0,0,1e7,2e7,3e7\n").resident_name == "anon"


def test_an_allocators_count_is_not_judged_as_resident(tmp_path: Path) -> None:
    trace = read(tmp_path, "t,requests,live_bytes,working_set_bytes\n0,0,1,20000\n")
    assert trace.resident_name == "working_set"


def test_columns_that_are_not_known_may_hold_anything(tmp_path: Path) -> None:
    assert len(read(tmp_path, "t,requests,rss,note\n0,0,1e7,warm\n\n1,1,1e7,-\n")) == 2


def test_dates_are_counted_from_the_first_sample(tmp_path: Path) -> None:
    trace = read(tmp_path, "t,requests,rss\n1760000000,0,1e7\n1760000005,9,1e7\n")
    np.testing.assert_array_equal(trace.t, [0, 5])


def test_seconds_before_the_first_sample_count(tmp_path: Path) -> None:
    assert read(tmp_path, "t,requests,rss\n21.5,0,1e7\n").t[0] == 21.5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "run.csv:1: t: is missing; found an empty file"),
        ("t,rss\n", "run.csv:1: requests: is missing; found t, rss"),
        ("t,requests,rss,rss\n", "run.csv:1: rss: is given twice; expected every reading once"),
        ("t,requests,live_bytes\n", "run.csv:1: no column of memory; found t, requests, live_bytes"),
        ("t,requests,rss\n0,0,1\n1,2\n", "run.csv:3: 2 cells; expected 3, as in the header"),
        ("t,requests,rss\n0,0,1\n1,2,1e\n", 'run.csv:3: rss: "1e" is not a number'),
        ("t,requests,rss\n0,0,nan\n", 'run.csv:2: rss: "nan" is not a finite number'),
        ("t,requests,rss\n0,5,1\n1,3,1\n", "run.csv:3: requests: 3 after 5; expected it never to fall"),
        ("t,requests,rss\n2,5,1\n1,6,1\n", "run.csv:3: t: 1 after 2; expected it never to fall"),
        ("t,requests,rss\n0,0,9\n\n1,2,0\n", "run.csv:4: rss: 0; expected a reading of a running process"),
        ("t,requests,rss\n0,0,9\n1,2,-9\n", "run.csv:3: rss: -9; expected a reading of a running process"),
        (
            "t,requests,heap_bytes\n0,0,0\n1,2,-1\n",
            "run.csv:3: heap_bytes: -1; expected a reading of a running process",
        ),
        ("t,requests,rss,fds\n0,0,9,-1\n", "run.csv:2: fds: -1; expected a reading of a running process"),
        ("t,requests,rss\n0,-5,9\n", "run.csv:2: requests: -5; expected a reading of a running process"),
        ("t,requests,rss\n0,0,1e300\n", "run.csv:2: rss: 1e+300; expected a reading of a running process"),
        ("t,requests,rss\n7,0,9\n7,1,9\n", "run.csv:3: t: 7 after 7; expected seconds, which go on"),
        ("t,requests,rss\n0,0,9\n1e30,1,9\n", "run.csv:3: t: 1e+30 after 0; expected seconds, which go on"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    assert refusal(tmp_path, text).splitlines()[0] == message


def test_the_line_of_a_fall_counts_blank_lines(tmp_path: Path) -> None:
    assert refusal(tmp_path, "t,requests,rss\n0,5,1\n\n1,3,1\n").startswith("run.csv:4: requests:")


def test_a_missing_file_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        read_trace(tmp_path / "none.csv")


def test_bytes_that_are_no_text_are_bad_input(tmp_path: Path) -> None:
    (tmp_path / "run.csv").write_bytes(b"t,requests,rss\n\xff\xfe")
    with pytest.raises(BadInput, match="is not CSV text"):
        read_trace(tmp_path / "run.csv")


@pytest.mark.parametrize("column", ["rss_bytes", "rss_after", "rss_after_bytes"])
def test_two_names_of_one_reading_are_refused(tmp_path: Path, column: str) -> None:
    assert "is given twice" in refusal(tmp_path, f"t,requests,rss,{column}\n0,0,1,1\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("t,requests,rss\n0,0,1e7\n1,1,0\n", "run.csv:3: rss: 0; expected a reading of a running process"),
        ("t,requests,rss,anon\n0,0,1e7,1e7\n1,1,1e7,-1\n", "run.csv:3: anon: -1; expected a reading of a running"),
        ("t,requests,heap_bytes\n0,0,-4\n", "run.csv:2: heap_bytes: -4; expected a reading"),
        ("t,requests,rss\n0,0,1e300\n", "run.csv:2: rss: 1e+300; expected a reading"),
        ("t,requests,rss\n0,-5,1e7\n", "run.csv:2: requests: -5; expected a reading"),
        ("t,requests,rss\n0,1e300,1e7\n", "run.csv:2: requests: 1e+300; expected a reading"),
        ("t,requests,rss\n1,1,1e7\n1e200,2,1e7\n", "run.csv:3: t: 1e+200 after 1; expected seconds"),
        ("t,requests,rss\n0,0,102400\n1,1,102450\n", "run.csv:3: rss: no process that serves requests is 100 KiB"),
        ("t,requests,heap_bytes\n0,0,200.5\n", "run.csv:2: heap_bytes: no memory of a service is 200 B large"),
        ("t,requests,rss\n0,0,2097152\n1,1,2097156\n", "run.csv:3: rss: looks like KiB, in whole pages"),
    ],
)
def test_readings_that_no_process_can_have_are_refused(tmp_path: Path, text: str, message: str) -> None:
    assert refusal(tmp_path, text).startswith(message)


def test_what_is_swapped_out_and_shared_counts_with_the_column_that_leaves_it_out(tmp_path: Path) -> None:
    trace = read(tmp_path, "t,requests,rss_bytes,anon_bytes,swap_bytes,shmem_bytes\n0,0,9e7,5e7,2e6,1e6\n")
    assert trace.resident[0] == 5e7 + 2e6 + 1e6
    assert read(tmp_path, "t,requests,rss_bytes,swap_bytes\n0,0,9e7,2e6\n").resident[0] == 9e7 + 2e6


def test_shared_memory_that_grows_is_not_clean_because_anonymous_memory_does_not(tmp_path: Path) -> None:
    rows = [f"{20 + i},{1000 * i},{200_000_000 + 1_000_000 * i},{100_000_000}" for i in range(30)]
    verdict = judge_trace(read(tmp_path, "\n".join(["t,requests,rss_after,anon_after", *rows])))
    assert (verdict.outcome, "rss says that memory grows by 1000.0 B" in verdict.message) == ("UNKNOWN", True)
