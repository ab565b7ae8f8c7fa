"""Where the machine allows neither control groups nor mounts, the target runs all the same and the drill says so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

READ_ONLY = (
    "for d in /sys/fs/cgroup /sys/fs/cgroup/*; do "
    "if mountpoint -q $d; then mount -o remount,bind,ro $d || exit 77; fi; done; "
    'exec setpriv --bounding-set=-sys_admin "$@"'
)

DRIVER = """
import json, sys
from pathlib import Path
from leakdrill.record.journal import Journal
from leakdrill.record.recorder import Recorder
from leakdrill.scenario.scenario import ProcessTarget
from leakdrill.targets.process.target import LocalProcess

folder = Path(sys.argv[1])
spec = {
    "name": "tiny",
    "command": ["{python}", "-m", "http.server", "{port}", "--bind", "127.0.0.1"],
    "ready": {"path": "/"},
    "limits": {"memory": "128MiB", "cpus": 0.5, "disk": "16MiB"},
}
recorder, journal = Recorder(folder / "history.jsonl"), Journal(folder / "journal.jsonl")
target = LocalProcess(
    ProcessTarget.model_validate(spec), scenario_dir=folder, run_dir=folder, run_id=sys.argv[2],
    recorder=recorder, journal=journal, token="t",
)
target.start()
target.file("a").write_bytes(b"x" * 4096)
readings = {f"{m.event.source} {m.event.event_name}": m.read() for m in target.meters()}
changed = target.set_limits(memory_bytes=64 << 20, cpus=None)
after = {"changed": [*changed, target.spec.limits.memory]}
seen = {"notices": list(target.notices()), "enforced": sorted(target.limits_enforced), "readings": readings}
target.stop()
print(json.dumps({**seen, **after, "left": len(journal.pending()), "folder": str(target.disk.path)}))
"""


def test_limits_are_watched_and_the_sentences_say_why(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("taking rights away in a mount namespace of its own needs root")
    command = [sys.executable, "-c", DRIVER, str(tmp_path), f"bare-{tmp_path.name}"]
    ended = subprocess.run(
        ["unshare", "--mount", "sh", "-c", READ_ONLY, "sh", *command], capture_output=True, text=True, check=False
    )
    if ended.returncode == 77 or "unshare failed" in ended.stderr:
        pytest.skip(f"no mount namespace here: {ended.stderr.strip()}")
    assert ended.returncode == 0, ended.stderr
    seen = json.loads(ended.stdout)
    assert seen["enforced"] == []
    disk, memory, cpu, cgroup = seen["notices"]
    assert disk.startswith("disk limit 16 MiB is watched, not enforced: mount: ")
    assert memory.startswith("memory limit 128 MiB is watched, not enforced: no cgroup in ")
    assert memory.endswith("Read-only file system")
    assert cpu.startswith("cpu limit 0.5 cores is watched, not enforced: ")
    assert cgroup == "the target has no cgroup of its own, so its memory is that of its processes"
    assert seen["readings"].keys() == {
        "process tree", "process smaps", "process details", "network interfaces", "machine figures", "filesystem disk",
    }  # fmt: skip
    assert seen["readings"]["process tree"]["processes"] == 1
    assert seen["readings"]["filesystem disk"]["size_bytes"] == 16 << 20
    assert seen["readings"]["filesystem disk"]["used_bytes"] == 4096
    sentence, limit = seen["changed"]
    assert sentence == "memory limit 64 MiB is watched, not enforced: the target has no cgroup of its own"
    assert limit == 64 << 20
    assert seen["left"] == 0
    assert not Path(seen["folder"]).exists()
