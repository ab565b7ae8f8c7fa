"""Examines which limits of a process this machine enforces, by trying."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from leakdrill.machine.finding import Finding
from leakdrill.machine.sandbox import make_sandbox
from leakdrill.machine.undo import UNDO
from leakdrill.record.journal import Journal
from leakdrill.record.journal_header import JOURNAL_FILE
from leakdrill.record.undo import undo_all
from leakdrill.scenario.target import Limits

if TYPE_CHECKING:
    from leakdrill.machine.sandbox import Sandbox

_TRIAL: Final = Limits.model_validate({"memory": "64MiB", "cpus": 1.0, "disk": "8MiB"})


def examine() -> list[Finding]:
    """Makes a small cgroup and a small filesystem, as a drill would, and removes them."""
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder) / JOURNAL_FILE)
        base = Path(tempfile.gettempdir()).resolve() / journal.header.own_name(f"doctor-{os.getpid()}")
        try:
            sandbox = make_sandbox(base, _TRIAL, journal, part="doctor")
        finally:
            leftovers = undo_all(journal, UNDO)
            journal.close()
    left = [Finding(name="undo", ok=False, detail=reason, hint="leakdrill clean") for reason in leftovers]
    return [*(_limit(sandbox, name) for name in ("memory", "cpus", "disk")), *left]


def _limit(sandbox: Sandbox, name: str) -> Finding:
    ok = name in sandbox.enforced
    reason = next((notice for notice in sandbox.notices if notice.startswith(name)), "")
    cgroup = f"cgroup v{sandbox.cgroup.version}" if sandbox.cgroup else ""
    mechanism = sandbox.disk.fstype if name == "disk" else cgroup
    return Finding(
        name=f"{name} limit",
        ok=ok,
        detail=f"enforced ({mechanism})" if ok else reason or "watched, not enforced",
        hint="" if ok else "run as root, or in a systemd scope of your own: systemd-run --user --scope leakdrill …",
    )
