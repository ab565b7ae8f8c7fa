"""The watchdog undoes every kind of entry that `leakdrill clean` undoes."""

from __future__ import annotations

from leakdrill.runs.undo import UNDO
from leakdrill.runs.watchdog_undo import table


def test_the_watchdog_knows_every_kind_of_entry() -> None:
    assert set(table()) == set(UNDO)


def test_it_undoes_them_with_the_same_functions() -> None:
    for kind, undo in table().items():
        if kind in {"cgroup", "mount", "folder"}:
            assert undo is UNDO[kind]
