"""What a drill tells of the numbers of its plan, and which files `leakdrill calibrate` refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from histories import drill, flat, plan
from test_plan_check import SCENARIO
from test_plan_check import plan as files

from leakdrill.cli.main import exit_code
from leakdrill.judging.calibrated import Calibrated, to_measure
from leakdrill.judging.drill import judge_claims
from leakdrill.runs.catalogue.catalogue import catalogue_root

if TYPE_CHECKING:
    from pathlib import Path

    from histories import Record

LEAK = "leaks: [{name: cache}]\n"


def measured(record: Record, **changes: object) -> Calibrated:
    scenario = plan(**changes)
    history = record.history()
    found = Calibrated(scenario, judge_claims(history, to_measure(scenario, longest_s=600)))
    found.measure(history)
    return found


def test_a_drill_that_went_well_gives_every_number() -> None:
    found = measured(drill())
    written = {edit.loc: edit.value for edit in found.edits}
    assert written["leaks", 0, "per_request"] == "64KiB"
    assert written["alerts", "expect", 0, "fires_within"] == "32s"
    assert written["phases", "recover"] == "30s"
    assert not found.unknown


def test_a_leak_that_does_not_show_gives_no_amount() -> None:
    found = measured(drill(flat).drop("prometheus", "alert"))
    assert not [edit for edit in found.edits if edit.loc[0] in ("leaks", "alerts", "expect")]
    assert any("leak_grows_as_declared cache" in sentence for sentence in found.unknown)


def test_a_step_that_cures_nothing_widens_no_margin() -> None:
    found = measured(drill(lambda t: flat(t) + 64 * 1024 * 100 * max(0, min(t, 56) - 15)))
    assert not [edit for edit in found.edits if edit.loc[0] == "expect"]
    assert any(sentence.startswith("FAIL memory_returns_to_baseline") for sentence in found.unknown)


def test_leaks_of_one_resource_are_not_told_apart() -> None:
    found = measured(drill(), leaks=[{"name": "cache"}, {"name": "other"}])
    assert not [edit for edit in found.edits if edit.loc[0] == "leaks"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (SCENARIO, ":1: the file: there are no leaks, and so nothing to calibrate"),
        (SCENARIO.replace("on: MemoryHigh", "on: Disk") + LEAK, ':12: steps[0].on: no rule has the name "Disk"'),
        ("name: test/twin\ntwin_of: original.yaml\n", "is a twin, which has its numbers from here"),
    ],
)
def test_a_plan_that_cannot_be_calibrated_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, says: str
) -> None:
    (tmp_path / "original.yaml").write_text(SCENARIO + LEAK)
    path = files(tmp_path, text)
    assert exit_code(["calibrate", str(path), "--runs", str(tmp_path / "runs")]) == 3
    assert says in capsys.readouterr().err
    assert path.read_text() == text
    assert not (tmp_path / "runs").exists()


def test_the_catalogue_stands(capsys: pytest.CaptureFixture[str]) -> None:
    before = (catalogue_root() / "gateway" / "unbounded-cache.yaml").read_bytes()
    assert exit_code(["calibrate", "gateway/unbounded-cache"]) == 3
    assert "belongs to the catalogue" in capsys.readouterr().err
    assert (catalogue_root() / "gateway" / "unbounded-cache.yaml").read_bytes() == before
