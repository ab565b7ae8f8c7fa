"""The kill matrix has a cell for everything, and its table does not hide what was left."""

from __future__ import annotations

from pathlib import Path

import pytest
from kill_cell import Result
from kill_plan import ACTIONS_TAKEN, PHASES, SIGNALS, TARGETS, cells, steps_of
from kill_table import page, table

from leakdrill.scenario.reader import read_scenario
from leakdrill.scenario.steps import ACTIONS


def test_every_step_is_killed_in_every_phase_by_every_signal_wherever_it_can_be_done() -> None:
    assert set(ACTIONS_TAKEN) == set(ACTIONS)
    assert set().union(*map(steps_of, TARGETS)) == set(ACTIONS)
    named = [cell.name for cell in cells()]
    assert len(named) == len(set(named))
    assert len(named) == sum(len(steps_of(target)) + 1 for target in TARGETS) * len(PHASES) * len(SIGNALS)


def test_every_drill_of_it_can_be_read(tmp_path: Path) -> None:
    drills = {(cell.target, cell.step): cell for cell in cells()}
    for cell in drills.values():
        assert read_scenario(Path(cell.scenario(tmp_path))).name == f"kill/{cell.target}"


@pytest.mark.parametrize(
    ("left", "wrong", "row"),
    [
        ([], "", "| process | SIGTERM | 1 | 0 | 0 | 0 | 0.5 s, 0.5 s |"),
        (["process 7 locust"], "", "| process | SIGTERM | 1 | 1 | 0 | 1 | 0.5 s, 0.5 s |"),
        ([], "it ended with -15; expected 130", "| process | SIGTERM | 1 | 0 | 1 | 0 | 0.5 s, 0.5 s |"),
    ],
)
def test_the_table_counts_what_was_left_and_what_ended_wrongly(left: list[str], wrong: str, row: str) -> None:
    name = "process / exec / load / SIGTERM"
    result = Result(name=name, came=True, code=130, gone_after_s=0.5, left=left, wrong=wrong)
    assert Result.from_line(result.as_line()) == result
    assert row in table([result])
    assert row in page([result])
    assert (f"- {name}: {wrong}" in page([result])) is result.fault
