"""No step reaches what the scenario does not name: decoys beside the target stay as they were through the catalogue."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from leakdrill.machine.cgroup import CgroupRefused, make_cgroup
from leakdrill.machine.process_tree import PART_VARIABLE, RUN_ID_VARIABLE
from leakdrill.record.journal import Journal
from leakdrill.runs.undo import clean, undo_all
from leakdrill.steps.step import StepFailed
from leakdrill.targets.process.target import LocalProcess
from target_bench import TargetBench

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.integration, pytest.mark.long]

RUN_ID = "blast-radius"
SERVICE = """
import http.server, os, subprocess, sys
if sys.argv[1] == "worker":
    import time
    time.sleep(300)
subprocess.Popen([sys.executable, "-S", __file__, "worker"])
for name in ("app.log", "old.log", "core.tmp"):
    open(os.path.join(sys.argv[2], name), "w").write("x" * 5000)
class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")
    do_GET = do_POST = answer
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""

STEPS: tuple[dict[str, Any], ...] = (
    {"http": {"path": "/admin/flush"}},
    {"gc": {}},
    {"exec": {"command": ["sh", "-c", "sleep 60 & true"]}},
    {"copy_out": {"path": "app.log"}},
    {"rotate_log": {"path": "app.log", "keep": 2}},
    {"truncate_log": {"path": "app.log"}},
    {"compress_files": {"path": "*.log"}},
    {"delete_files": {"path": "*.tmp"}},
    {"kill": {"match": "worker", "which": "all"}},
    {"kill": {"match": ".*", "which": "heaviest", "signal": "TERM"}},
    {"set_limits": {"memory": "200MiB"}},
    {"set_env": {"A": "1"}},
    {"scale": {"replicas": 2}},
    {"prune": {}},
    {"restart": {}},
)


class Decoys:
    """What lies and runs beside the target, as like to it as it can be without being of the run."""

    def __init__(self, folder: Path, service: Path) -> None:
        self.files = [folder / "app.log", folder / "core.tmp", folder / "old.log"]
        for file in self.files:
            file.write_text("somebody else's")
        environment = {**os.environ, RUN_ID_VARIABLE: "another-run", PART_VARIABLE: "target"}
        same_id = {**environment, RUN_ID_VARIABLE: RUN_ID}
        command = [sys.executable, "-S", str(service), "worker"]
        self.processes = [psutil.Popen(command, env=env, cwd=folder) for env in (environment, same_id, None)]
        self.journal = Journal(folder / "journal.jsonl")
        self.base = Path(tempfile.gettempdir()) / f"leakdrill-{RUN_ID}-decoy"
        self.base.mkdir()
        (self.base / "file").write_text("somebody else's")
        try:
            cgroup = make_cgroup(f"leakdrill-{RUN_ID}-decoy", self.journal, part="target")
            (cgroup.folders[0] / "cgroup.procs").write_text(str(self.processes[0].pid))
            self.cgroups = list(cgroup.folders)
        except CgroupRefused:
            self.cgroups = []

    def state(self) -> list[object]:
        """All that a step could have changed."""
        files = [*self.files, self.base / "file"]
        return [
            [(process.pid, process.status() != psutil.STATUS_ZOMBIE, process.poll()) for process in self.processes],
            [(file.read_text(), file.stat().st_mtime_ns, file.stat().st_ino) for file in files],
            [(folder.stat().st_ino, (folder / "cgroup.procs").read_text()) for folder in self.cgroups],
        ]

    def remove(self) -> None:
        for process in self.processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
            process.wait()
        for folder in reversed(self.cgroups):
            folder.rmdir()
        self.journal.close()
        (self.base / "file").unlink()
        self.base.rmdir()


@pytest.fixture
def service(tmp_path: Path) -> Path:
    file = tmp_path / "service.py"
    file.write_text(SERVICE)
    return file


@pytest.fixture
def decoys(tmp_path: Path, service: Path) -> Iterator[Decoys]:
    (folder := tmp_path / "decoys").mkdir()
    made = Decoys(folder, service)
    yield made
    made.remove()


def bench(folder: Path, service: Path) -> TargetBench:
    command = ["{python}", "-S", str(service), "{port}", "{disk}"]
    limits = {"memory": "256MiB", "disk": "16MiB"}
    fields = {"command": command, "ready": {"path": "/"}, "limits": limits, "stop_timeout": "1s", "metrics": None}
    folder.mkdir()
    return TargetBench(folder, LocalProcess, run_id=RUN_ID, **fields)


@pytest.mark.timeout(180)
def test_decoys_stay_as_they_are_through_every_step_and_the_undo(tmp_path: Path, service: Path, decoys: Decoys) -> None:
    before = decoys.state()
    this = bench(tmp_path / "run", service)
    done = set[str]()
    this.target.start()
    try:
        for action in STEPS:
            (key,) = action
            try:
                this.step(**action)
                done.add(key)
            except StepFailed:
                pass  # a process has no replicas, and this service no agent; it must harm nobody all the same
            assert decoys.state() == before, action
    finally:
        assert undo_all(this.journal) == []
        this.close()
    assert done >= {"http", "exec", "rotate_log", "compress_files", "delete_files", "kill", "set_env", "restart"}
    assert clean(this.folder / "journal.jsonl") == []
    assert decoys.state() == before
