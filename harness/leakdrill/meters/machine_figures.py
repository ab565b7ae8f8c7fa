"""The figures of the machine that node_exporter publishes too: CPU time by mode, load, files, faults, pressure.

Sources: proc(5), and the kernel's accounting/psi.rst.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from leakdrill.meters.cgroup import pairs
from leakdrill.meters.kernel_file import read_once
from leakdrill.meters.pressure import parse_pressure
from leakdrill.record.events import MachineFigures

_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_MODES: Final = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
_STAT: Final = {
    b"ctxt": "context_switches",
    b"btime": "booted_at_seconds",
    b"processes": "forks",
    b"procs_running": "procs_running",
    b"procs_blocked": "procs_blocked",
}
_VMSTAT: Final = {
    b"pgfault": "page_faults",
    b"pgmajfault": "major_page_faults",
    b"pswpin": "pages_swapped_in",
    b"pswpout": "pages_swapped_out",
    b"oom_kill": "oom_kills",
}
_TRACKED: Final = {"tracked_connections": "nf_conntrack_count", "max_tracked_connections": "nf_conntrack_max"}


class MachineFiguresMeter:
    """Reads the machine that this process runs on; what its kernel does not tell is left out.

    Args:
        proc: where the kernel's files are.
    """

    event = MachineFigures
    every = 10

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc

    def read(self) -> dict[str, float] | None:
        """Seconds and counts since boot, and levels."""
        vmstat = pairs(self._text("vmstat"))
        fields = parse_stat(self._text("stat"))
        fields |= {name: float(vmstat[key]) for key, name in _VMSTAT.items() if key in vmstat}
        fields |= parse_pressure({what: self._text(f"pressure/{what}") for what in ("cpu", "memory", "io")})
        if load := self._text("loadavg").split():
            fields |= dict(zip(("load1", "load5", "load15"), map(float, load), strict=False))
        if files := self._text("sys/fs/file-nr").split():
            fields |= {"open_files": float(files[0]), "max_open_files": float(files[2])}
        for name, file in _TRACKED.items():
            if count := self._text(f"sys/net/netfilter/{file}"):
                fields[name] = float(count)
        return fields or None

    def _text(self, file: str) -> bytes:
        try:
            return read_once(f"{self._proc}/{file}")
        except OSError:
            return b""


def parse_stat(text: bytes) -> dict[str, float]:
    """CPU time by mode, and counts, in the content of /proc/stat.

    Guests' time is counted as the user's, too, and not apart.
    """
    fields: dict[str, float] = {}
    cpus = 0
    for line in text.splitlines():
        key, *numbers = line.split()
        if key == b"cpu":
            fields |= {f"{mode}_seconds": int(n) / _TICKS_PER_S for mode, n in zip(_MODES, numbers, strict=False)}
        elif key.startswith(b"cpu"):
            cpus += 1
        elif key in _STAT:
            fields[_STAT[key]] = float(numbers[0])
    return fields | ({"cpus": float(cpus)} if cpus else {})
