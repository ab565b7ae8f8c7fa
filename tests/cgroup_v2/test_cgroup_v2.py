"""Control groups of version 2 as a real kernel has them: where ours can be made, what is read, what is left (nothing).

`make test-cgroup-v2` runs these as root of a small virtual machine; on a machine with version 2 alone they run as well.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from leakdrill.machine.cgroup import CgroupRefused, make_cgroup
from leakdrill.meters.cgroup import CgroupMeter
from leakdrill.meters.charged_memory import ChargedMemory
from leakdrill.record.journal import Journal
from leakdrill.record.stored_journal import read_journal
from leakdrill.runs.undo import clean
from leakdrill.wait import wait_for

TOP = Path("/sys/fs/cgroup")
MIB = 1 << 20
NOBODY = 65534
EAT = "import sys; held = b'x' * (int(sys.argv[1]) << 20); print('eaten', flush=True); sys.stdin.read()"

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not (TOP / "cgroup.controllers").exists(), reason="control groups are not of version 2 alone"),
    pytest.mark.skipif(os.geteuid() != 0, reason="making groups for others needs root"),
]


@pytest.fixture
def journal(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    yield journal
    journal.close()


@pytest.fixture
def slice_():
    """A group with controllers for its children, as systemd gives one to a user; gone with all below it afterwards."""
    (TOP / "cgroup.subtree_control").write_text("+memory +cpu")
    folder = TOP / f"test-{uuid.uuid4().hex[:8]}"
    folder.mkdir()
    (folder / "cgroup.subtree_control").write_text("+memory +cpu")
    yield folder
    (folder / "cgroup.kill").write_text("1")
    wait_for(lambda: "populated 0" in (folder / "cgroup.events").read_text(), what="an empty group", timeout_s=10)
    for inner, _, _ in os.walk(folder, topdown=False):
        Path(inner).rmdir()


def delegate(*folders):
    for folder in folders:
        for path in (folder, *(folder / f"cgroup.{name}" for name in ("procs", "subtree_control", "threads"))):
            os.chown(path, NOBODY, NOBODY)


def made_inside(folder, journal, *, user=0):
    """Where a process of `user` in the group `folder` makes its group, which is then limited; or why it gets none."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            (folder / "cgroup.procs").write_text(str(os.getpid()))
            os.setresuid(user, user, user)
            group = make_cgroup(journal.header.own_name("inside"), journal, part="target")
            group.limit_memory(64 * MIB)
            found = f"{group.memory} {(group.memory / 'memory.max').read_text()}"
        except (CgroupRefused, OSError) as e:
            found = str(e)
        finally:
            os.write(write, found.encode())
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as answer:
        found = answer.read().strip()
    os.waitpid(pid, 0)
    return found


def test_a_user_makes_one_beside_the_scope_that_systemd_gave(slice_, journal):
    scope = slice_ / "run-1.scope"
    scope.mkdir()
    delegate(slice_, scope)
    name = journal.header.own_name("inside")
    assert made_inside(scope, journal, user=NOBODY) == f"{slice_ / name} {64 * MIB}"


def test_a_group_of_ones_own_with_processes_in_it_is_refused_with_the_reason(slice_, journal):
    service = slice_ / "runner.service"
    service.mkdir()
    delegate(service)
    refusal = made_inside(service, journal, user=NOBODY)
    assert f"no cgroup in {service}: processes are in it, so the kernel gives no controllers to groups below" in refusal
    assert list(service.glob("*/")) == []


def test_in_a_threaded_group_the_next_place_above_is_taken(slice_, journal):
    domain = slice_ / "domain"
    threaded = domain / "threaded"
    threaded.mkdir(parents=True)
    (threaded / "cgroup.type").write_text("threaded")
    own = journal.header.own_name("inside")
    parent = subprocess.Popen(["sleep", "60"])
    (domain / "cgroup.procs").write_text(str(parent.pid))
    try:
        assert made_inside(domain, journal) == f"{slice_ / own} {64 * MIB}"
    finally:
        parent.kill()
        parent.wait()


@pytest.fixture
def group(journal):
    group = make_cgroup(journal.header.own_name("target"), journal, part="target")
    yield group
    clean(Path(journal.header.folder) / "journal.jsonl")


def eater(folder, mib):
    """A process in the group `folder` that holds `mib` MiB until its input ends."""
    script = 'echo $$ > "$0/cgroup.procs"; exec "$@"'
    return subprocess.Popen(
        ["/bin/sh", "-c", script, str(folder), sys.executable, "-c", EAT, str(mib)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_the_kernels_own_files_are_read_and_no_limit_is_none(group):
    charged, meter = ChargedMemory(group), CgroupMeter(group)
    with eater(group.memory, 40) as process:
        assert process.stdout.readline() == "eaten\n"
        charge, since = charged.read()
        resources = meter.read()
        process.communicate()
    assert 40 * MIB < charge.memory_bytes < 80 * MIB
    assert charge.kernel_bytes > 0
    assert since.low_bytes >= charge.memory_bytes
    assert "limit_bytes" not in resources
    assert resources["oom_kills"] == 0
    assert resources["anon_bytes"] > 40 * MIB
    assert charged.has_peak is (group.memory / "memory.peak").exists()
    charged.close()
    meter.close()


def test_a_peak_between_two_readings_is_known_where_the_kernel_keeps_one(group):
    charged = ChargedMemory(group)
    if not charged.has_peak:
        pytest.skip("this kernel keeps no highest charge")
    with eater(group.memory, 60) as process:
        process.communicate()
    charge, since = charged.read()
    assert charge.memory_bytes < 30 * MIB
    assert since.high_bytes >= since.low_bytes > 55 * MIB
    charged.close()


@pytest.mark.parametrize("inner", ["", "container"])
def test_a_kill_at_the_limit_is_counted_wherever_below_it_happens(group, inner):
    group.limit_memory(48 * MIB)
    folder = group.memory / inner
    folder.mkdir(exist_ok=True)
    meter = CgroupMeter(group)
    with eater(folder, 100) as process:
        assert process.wait(60) == -signal.SIGKILL
    assert group.oom_kills() == 1
    assert meter.read()["oom_kills"] == 1
    assert meter.read()["limit_bytes"] == 48 * MIB
    meter.close()


def test_clean_ends_what_lives_in_groups_below_and_removes_them(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    driver = (
        "import sys, time; from pathlib import Path; from leakdrill.record.journal import Journal; "
        "from leakdrill.machine.cgroup import make_cgroup; j = Journal(Path(sys.argv[1])); "
        "print(make_cgroup(j.header.own_name('target'), j, part='target').memory, flush=True); time.sleep(600)"
    )
    journal = run / "journal.jsonl"
    drill = subprocess.Popen([sys.executable, "-c", driver, str(journal)], stdout=subprocess.PIPE, text=True)
    folder = Path(drill.stdout.readline().strip())
    inner = folder / "a" / "b"
    inner.mkdir(parents=True)
    with eater(inner, 1) as process:
        assert process.stdout.readline() == "eaten\n"
        drill.kill()
        drill.communicate()
        assert clean(journal) == []
        assert process.wait(10) < 0
    assert not folder.exists()
    assert read_journal(journal) == []


def watch(tmp_path, *arguments):
    command = [sys.executable, "-m", "leakdrill", "watch", "--runs", str(tmp_path / "runs"), *arguments]
    hold = "import time; held = b'x' * (100 << 20); time.sleep(4)"
    return subprocess.run(
        [*command, "--", sys.executable, "-c", hold], capture_output=True, text=True, check=False, cwd=tmp_path
    )


def groups():
    return list(TOP.rglob("leakdrill-*"))


def test_a_watched_command_below_its_limit_passes_by_the_kernels_count(tmp_path):
    ended = watch(tmp_path, "--limit", "400MiB", "--enforce")
    assert ended.returncode == 0, ended.stderr
    assert "watched, not enforced" not in ended.stderr
    assert '"followed":"cgroup"' in next(tmp_path.glob("runs/*/2*/history.jsonl")).read_text()
    assert groups() == []


def test_a_watched_command_above_its_enforced_limit_is_killed_and_fails(tmp_path):
    ended = watch(tmp_path, "--limit", "60MiB", "--enforce")
    assert ended.returncode == 1, ended.stderr
    assert "the kernel killed for memory at the limit 60 MiB" in ended.stderr
    assert groups() == []
