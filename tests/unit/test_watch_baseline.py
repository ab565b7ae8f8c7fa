"""The baseline file: what is compared, what is refused, and what an accepted run does to it."""

from __future__ import annotations

import json

import pytest

from leakdrill.errors import BadInput
from leakdrill.judging.watch.plan import WatchPlan
from leakdrill.judging.watch.watch_baseline import (
    KEPT_RUNS,
    BaselineRun,
    MachineClass,
    accept,
    incomparable_reason,
    read_baseline,
    write_baseline,
)
from leakdrill.runs.watch.acceptance import check_updatable

MIB = 2**20
MAKE = ("make", "build")
HERE = MachineClass(system="Linux", architecture="x86_64", cpus=4, memory_bytes=16 * 2**30)


def run(peak_mib, mode=""):
    return BaselineRun(
        started="2026-01-02T03:04:05Z",
        mode=mode,
        peak_bytes=peak_mib * MIB,
        area_byte_s=1.0,
        duration_s=2.0,
        programs={"cc1plus": peak_mib * MIB},
    )


def grown(*peaks_mib, mode=""):
    found = None
    for peak in peaks_mib:
        found, _ = accept(found, run(peak, mode), command=MAKE, machine=HERE, tolerance=0.1)
    return found


def test_accepted_runs_widen_the_range():
    baseline = grown(100, 95, 108)
    assert (baseline.low_bytes, baseline.high_bytes, len(baseline.runs)) == (95 * MIB, 108 * MIB, 3)


def test_only_the_newest_runs_are_kept():
    assert len(grown(*[100] * (KEPT_RUNS + 3)).runs) == KEPT_RUNS


def test_a_run_far_from_the_range_starts_it_afresh_because_otherwise_both_levels_would_fit():
    baseline, dropped = accept(grown(100, 101), run(160), command=MAKE, machine=HERE, tolerance=0.1)
    assert [r.peak_bytes for r in baseline.runs] == [160 * MIB]
    assert "outside of their range" in dropped


def test_modes_have_ranges_of_their_own():
    baseline, dropped = accept(grown(400, mode="big"), run(100, "small"), command=MAKE, machine=HERE, tolerance=0.1)
    assert not dropped
    assert baseline.in_mode("small").high_bytes == 100 * MIB
    assert baseline.in_mode("tiny") is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"cpus": 8}, "cpus 4, and this run has 8"),
        ({"architecture": "aarch64"}, "architecture x86_64"),
        ({"memory_bytes": 8 * 2**30}, "16.0 GiB of memory, and this run has 8.0 GiB"),
    ],
)
def test_another_class_of_machine_is_not_comparable(change, said):
    assert said in incomparable_reason(grown(100), MAKE, HERE.model_copy(update=change))


def test_a_little_less_memory_is_the_same_class_and_another_command_is_another():
    assert not incomparable_reason(grown(100), MAKE, HERE.model_copy(update={"memory_bytes": 15 * 2**30}))
    assert "another command: make build" in incomparable_reason(grown(100), ("make", "test"), HERE)


def test_no_secret_of_the_command_is_kept_and_another_one_is_the_same_command():
    with_secret = ("app", "--token", "c4nary", "--url", "https://u:c4nary@h/")
    fresh, _ = accept(None, run(100), command=with_secret, machine=HERE, tolerance=0.1)
    old = fresh.model_copy(update={"command": with_secret})
    more, dropped = accept(old, run(101), command=with_secret, machine=HERE, tolerance=0.1)
    far, _ = accept(old, run(900), command=with_secret, machine=HERE, tolerance=0.1)
    assert not dropped
    for kept in (fresh, more, far):
        assert "c4nary" not in kept.model_dump_json()
        assert not incomparable_reason(kept, with_secret, HERE)
        assert not incomparable_reason(kept, ("app", "--token", "new", "--url", "https://u:new@h/"), HERE)
        elsewhere = ("app", "--token", "c4nary", "--url", "https://u:x@g/")
        assert "another command" in incomparable_reason(kept, elsewhere, HERE)


def test_the_file_reads_back_as_written(tmp_path):
    write_baseline(tmp_path / "new" / "b.json", grown(100, 101))
    assert read_baseline(tmp_path / "new" / "b.json") == grown(100, 101)


@pytest.mark.parametrize("text", [None, "{}", "[1", '{"command": ["x"], "runs": []}'])
def test_what_is_no_baseline_file_is_bad_input(tmp_path, text):
    path = tmp_path / "b.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(BadInput, match="--baseline"):
        read_baseline(path)


def test_the_file_of_another_command_is_not_written_over(tmp_path):
    write_baseline(tmp_path / "b.json", grown(100))
    check_updatable(tmp_path / "b.json", WatchPlan(command=MAKE, machine=HERE))
    with pytest.raises(BadInput, match="holds another command's runs"):
        check_updatable(tmp_path / "b.json", WatchPlan(command=("make", "test"), machine=HERE))


@pytest.mark.parametrize(
    ("part", "field", "number", "expected"),
    [
        ("run", "peak_bytes", 10**30, r"runs\[0\].peak_bytes"),
        ("run", "peak_bytes", 0, r"runs\[0\].peak_bytes"),
        ("run", "peak_bytes", "104857600", r"runs\[0\].peak_bytes"),
        ("run", "area_byte_s", -1, r"runs\[0\].area_byte_s"),
        ("run", "duration_s", -1, r"runs\[0\].duration_s"),
        ("run", "programs", {"make": -5}, r"runs\[0\].programs.make"),
        ("run", "programs", {"make": 101 * MIB}, "programs hold 105906176 bytes of a peak of 104857600"),
        ("machine", "cpus", 0, "machine.cpus"),
        ("machine", "memory_bytes", -1, "machine.memory_bytes"),
        ("file", "schema_version", 0, "schema_version"),
    ],
)
def test_a_figure_that_no_run_can_have_measured_is_bad_input(tmp_path, part, field, number, expected):
    content = grown(100).model_dump(mode="json")
    {"run": content["runs"][0], "machine": content["machine"], "file": content}[part][field] = number
    path = tmp_path / "b.json"
    path.write_text(json.dumps(content))
    with pytest.raises(BadInput, match=expected):
        read_baseline(path)
