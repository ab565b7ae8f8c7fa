"""Within ten seconds of a drill's death nothing of it runs any more, although nobody calls `leakdrill clean`."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from leakdrill.errors import EnvironmentProblem
from leakdrill.machine.process_tree import ProcessTree
from leakdrill.record.journal import Journal
from leakdrill.record.journal_lock import locked
from leakdrill.record.store import RunFolder
from leakdrill.record.stored_journal import read_journal
from leakdrill.runs.undo import clean_runs
from leakdrill.runs.watchdog import WAIT_FILE, Watchdog
from leakdrill.wait import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.integration, pytest.mark.long]

DRILL = Path(__file__).with_name("guarded_drill.py")
DEADLINE_S = 10.0

MANY = """
import sys, time
from pathlib import Path
from leakdrill.runs.catalogue.drill_process import DrillProcess
from leakdrill.runs.catalogue.schedule import planned
process = DrillProcess(planned(Path(sys.argv[1]), on="process"), Path(sys.argv[2]))
print("up", flush=True)
time.sleep(120)
"""


class Guarded:
    """A drill with its watchdog, and all that it started."""

    def __init__(self, runs: Path, *options: str) -> None:
        self.runs = runs
        command = [sys.executable, str(DRILL), str(runs), *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
        assert self.process.stdout
        assert self.process.stdout.readline() == "up\n"
        (path,) = runs.glob("*/2*")
        self.folder = RunFolder(path)
        self.tree = ProcessTree(run_id=self.folder.run_id)
        self.watchdog = next(child for child in children(self.process.pid) if str(WAIT_FILE) in child.cmdline())
        self.made = [Path(e.data["path"]) for e in read_journal(self.folder.journal) if "path" in e.data]
        assert len(self.tree.members()) == 1
        assert [path for path in self.made if not path.exists()] == []

    def nothing_is_left(self) -> bool:
        """Whether nothing runs and nothing lies about any more."""
        return not self.tree.members() and not any(path.exists() for path in self.made)

    def end(self) -> None:
        """End it and all of it, however the test went."""
        self.process.kill()
        self.process.wait()
        assert self.process.stdout
        self.process.stdout.close()
        clean_runs(self.runs)


def children(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


@pytest.fixture
def drill(tmp_path: Path) -> Iterator[Callable[..., Guarded]]:
    started: list[Guarded] = []

    def start(*options: str) -> Guarded:
        started.append(Guarded(tmp_path / "runs", *options))
        return started[-1]

    yield start
    for one in started:
        one.end()


def wait_until_nothing_is_left(guarded: Guarded) -> None:
    wait_for(guarded.nothing_is_left, what="the watchdog's work", timeout_s=DEADLINE_S)
    wait_for(lambda: not guarded.watchdog.is_running(), what="the watchdog's end", timeout_s=5)


@pytest.mark.parametrize("options", [(), ("fork",)], ids=["killed", "killed, but a fork of it lives"])
def test_a_killed_drill_is_undone_by_its_watchdog(drill: Callable[..., Guarded], options: tuple[str, ...]) -> None:
    guarded = drill(*options)
    guarded.process.kill()
    wait_until_nothing_is_left(guarded)
    assert read_journal(guarded.folder.journal) == []
    assert "the drill has died" in (guarded.folder.path / "watchdog.log").read_text()
    if options:
        os.killpg(guarded.process.pid, signal.SIGKILL)


def test_a_drill_that_is_dead_and_not_waited_for_is_dead(drill: Callable[..., Guarded]) -> None:
    guarded = drill()
    os.kill(guarded.process.pid, signal.SIGKILL)
    wait_until_nothing_is_left(guarded)
    assert psutil.Process(guarded.process.pid).status() == psutil.STATUS_ZOMBIE


def test_its_whole_process_group_may_be_killed(drill: Callable[..., Guarded]) -> None:
    guarded = drill()
    os.killpg(guarded.process.pid, signal.SIGKILL)
    wait_until_nothing_is_left(guarded)


def test_an_interpreter_that_crashes_is_a_drill_that_dies(drill: Callable[..., Guarded]) -> None:
    guarded = drill()
    guarded.process.send_signal(signal.SIGSEGV)
    assert guarded.process.wait() == -signal.SIGSEGV
    wait_until_nothing_is_left(guarded)


def test_the_folder_of_the_run_may_be_gone(drill: Callable[..., Guarded]) -> None:
    guarded = drill()
    shutil.rmtree(guarded.runs)
    guarded.process.kill()
    wait_until_nothing_is_left(guarded)
    assert not guarded.runs.exists()


def test_a_stopped_drill_is_not_a_dead_one(drill: Callable[..., Guarded]) -> None:
    guarded = drill("6")
    guarded.process.send_signal(signal.SIGSTOP)
    time.sleep(3)
    assert len(guarded.tree.members()) == 1
    assert clean_runs(guarded.runs) == []
    assert len(guarded.tree.members()) == 1
    guarded.process.send_signal(signal.SIGCONT)
    assert guarded.process.wait(30) == 0
    assert guarded.nothing_is_left()
    assert not (guarded.folder.path / "watchdog.log").exists()


def test_the_watchdog_of_a_drill_that_ends_well_ends_before_it(drill: Callable[..., Guarded]) -> None:
    guarded = drill("1")
    assert guarded.process.wait(30) == 0
    assert not guarded.watchdog.is_running()
    assert not (guarded.folder.path / "watchdog.log").exists()


def test_what_ends_a_terminal_does_not_end_the_watchdog(drill: Callable[..., Guarded]) -> None:
    guarded = drill()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        guarded.watchdog.send_signal(number)
    guarded.process.kill()
    wait_until_nothing_is_left(guarded)


def test_without_its_watchdog_a_drill_is_undone_by_clean(drill: Callable[..., Guarded]) -> None:
    guarded = drill("2")
    guarded.watchdog.kill()
    assert guarded.process.wait(30) == 0
    assert guarded.nothing_is_left()
    guarded = Guarded(guarded.runs.parent / "second")
    guarded.watchdog.kill()
    guarded.process.kill()
    guarded.process.wait()
    assert len(guarded.tree.members()) == 1
    undone: list[str] = []
    assert clean_runs(guarded.runs, undone.append) == []
    assert {"process", "cgroup", "mount", "folder"} >= {thing.split()[0] for thing in undone} >= {"process"}
    assert guarded.nothing_is_left()
    guarded.end()


def test_clean_and_the_watchdog_take_turns(drill: Callable[..., Guarded]) -> None:
    guarded = drill()
    guarded.process.kill()
    guarded.process.wait()
    command = [sys.executable, "-m", "leakdrill", "clean", "--runs", str(guarded.runs)]
    cleaning = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(2)]
    for process in cleaning:
        assert process.communicate(timeout=60)[0].splitlines()[-1].endswith(b" left behind")
    wait_until_nothing_is_left(guarded)
    undone = [line for line in guarded.folder.journal.read_bytes().splitlines() if b'"undone"' in line]
    assert len(undone) == len(set(undone))


def test_drills_side_by_side_end_with_the_process_that_runs_them(tmp_path: Path) -> None:
    scenario = Path(__file__).parents[1] / "platforms" / "ends.yaml"
    command = [sys.executable, "-c", MANY, str(scenario), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as many:
        try:
            assert many.stdout
            assert many.stdout.readline() == "up\n"
            wait_for(lambda: list(tmp_path.glob("*/2*/load.log")), what="the load", timeout_s=60)
            started = children(many.pid)
            many.kill()
            assert len(started) >= 4, "the drill, its watchdog, the service and Locust"
            wait_for(lambda: not any(map(runs_still, started)), what="the end of all", timeout_s=DEADLINE_S)
            (journal,) = tmp_path.glob("*/2*/journal.jsonl")
            wait_for(lambda: not read_journal(journal), what="the undo", timeout_s=DEADLINE_S)
        finally:
            many.kill()
            clean_runs(tmp_path)


def test_a_watched_command_ends_with_its_watch_and_so_does_what_left_its_session(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "leakdrill", "watch", "--limit", "1GiB", "--runs", str(tmp_path), "--"]
    command += ["sh", "-c", "setsid sleep 71 & echo up; sleep 72"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as watch:
        try:
            assert watch.stdout
            assert watch.stdout.readline() == "up\n"
            (path,) = tmp_path.glob("*/2*")
            tree = ProcessTree(run_id=RunFolder(path).run_id)
            wait_for(lambda: len(tree.members()) >= 3, what="the shell and both of its children", timeout_s=DEADLINE_S)
            watch.kill()
            wait_for(lambda: not tree.members(), what="the end of the command", timeout_s=DEADLINE_S)
        finally:
            watch.kill()
            clean_runs(tmp_path)


def runs_still(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_watchdog_is_light_inherits_nothing_and_is_no_part_of_the_run(tmp_path: Path) -> None:
    with (tmp_path / "open").open("w"):
        began = time.monotonic()
        watchdog = Watchdog()
        took_s = time.monotonic() - began
    try:
        process = psutil.Process(watchdog.pid)
        wait_for(lambda: str(WAIT_FILE) in process.cmdline(), what="its start", timeout_s=5)
        time.sleep(0.3)
        assert took_s < 0.2
        assert process.memory_full_info().pss < 12 << 20
        assert process.memory_info().rss < 16 << 20
        assert process.num_fds() == 3, "standard input is the pipe; the others are nothing"
        assert os.getsid(watchdog.pid) == os.getpgid(watchdog.pid) == watchdog.pid
    finally:
        watchdog.end()
    assert not process.is_running()


def test_a_stopped_watchdog_does_not_hold_the_end_up() -> None:
    watchdog = Watchdog()
    os.kill(watchdog.pid, signal.SIGSTOP)
    began = time.monotonic()
    watchdog.end()
    assert time.monotonic() - began < 8


def test_a_journal_that_another_process_undoes_is_waited_for_and_then_named(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    Journal(journal).close()
    with journal.open("r+b") as ours, journal.open("r+b") as theirs, locked(ours.fileno(), journal):
        began = time.monotonic()
        with (
            pytest.raises(EnvironmentProblem, match="another process has been undoing it"),
            locked(theirs.fileno(), journal, timeout_s=0.5),
        ):
            pass
        assert time.monotonic() - began >= 0.5
    with journal.open("r+b") as theirs, locked(theirs.fileno(), journal, timeout_s=0):
        pass
