"""The control group of a process that runs already: read only where nobody else is in it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from leakdrill.machine import joined_cgroup
from leakdrill.machine.cgroup import Cgroup, Hierarchies, Place
from leakdrill.machine.joined_cgroup import group_of, sole_group, unit_members

if TYPE_CHECKING:
    from collections.abc import Callable

ME = os.getpid()
OTHER = 4194303


def own_path(name: str = "") -> str:
    """Where this process stands in a hierarchy."""
    lines = [line.split(":", 2)[1:] for line in Path("/proc/self/cgroup").read_text().splitlines()]
    return next((path for names, path in lines if name in names.split(",")), "/").lstrip("/")


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Hierarchies of files in a folder; `tree(0, [1, 2])` is version 2 with two processes in the group of this one."""

    def make(version: int, members: list[int], *, cpu: list[int] | None = None) -> Path:
        place = Place(own=tmp_path, top=tmp_path)
        v1 = {"memory": Place(tmp_path / "m", tmp_path / "m"), "cpu": Place(tmp_path / "c", tmp_path / "c")}
        hierarchies = Hierarchies(v1, None) if version == 1 else Hierarchies({}, place)
        monkeypatch.setattr(joined_cgroup, "this_machine", lambda: hierarchies)
        folders = {tmp_path / "m" / own_path("memory"): members, tmp_path / "c" / own_path("cpu"): cpu or members}
        for folder, pids in folders.items() if version == 1 else [(tmp_path / own_path(), members)]:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "cgroup.procs").write_text("".join(f"{pid}\n" for pid in pids))
        return tmp_path

    return make


def test_a_group_that_is_the_services_alone_is_its_own(tree: Callable[..., Path]) -> None:
    folder = tree(2, [ME]) / own_path()
    assert sole_group(ME, [ME]) == Cgroup(version=2, memory=folder, cpu=folder, cpuacct=folder)
    assert sole_group(ME, [ME, OTHER]) is not None


def test_a_group_with_somebody_else_in_it_is_not(tree: Callable[..., Path]) -> None:
    tree(2, [ME, OTHER])
    assert group_of(ME) is not None
    assert sole_group(ME, [ME]) is None


def test_a_group_in_which_nobody_is_seen_is_not(tree: Callable[..., Path]) -> None:
    tree(2, [])
    assert sole_group(ME, [ME]) is None


def test_of_version_1_a_controller_that_is_shared_is_left_out(tree: Callable[..., Path]) -> None:
    folder = tree(1, [ME], cpu=[ME, OTHER])
    assert sole_group(ME, [ME]) == Cgroup(version=1, memory=folder / "m" / own_path("memory"))
    tree(1, [ME, OTHER], cpu=[ME])
    assert sole_group(ME, [ME]) is None


def test_of_a_process_that_has_ended_there_is_none(tree: Callable[..., Path]) -> None:
    tree(2, [ME])
    assert group_of(OTHER) is None
    assert sole_group(OTHER, [OTHER]) is None
    assert group_of(ME, wanted=lambda _paths: False) is None


def test_the_processes_of_a_unit_are_those_of_its_group(tree: Callable[..., Path]) -> None:
    unit = tree(2, [ME]) / "system.slice" / "shop.service"
    (unit / "below").mkdir(parents=True)
    (unit / "cgroup.procs").write_text(f"{ME}\n")
    (unit / "below" / "cgroup.procs").write_text(f"{OTHER}\n")
    assert unit_members("/system.slice/shop.service", ME) == sorted([ME, OTHER])
    assert unit_members("/system.slice/shop.service", 1) == []
    assert unit_members("/system.slice/other.service", ME) == []
