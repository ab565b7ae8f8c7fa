"""What a control group counts beside memory, CPU and kills: faults, its peak, the limit's hits, and pressure.

Read about once a second, by name each time, for a service that is restarted may get another group. Sources: the
kernel's cgroup-v1/memory.rst, cgroup-v1/cpuacct.rst, cgroup-v2.rst and psi.rst.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from leakdrill.meters.cgroup import pairs
from leakdrill.meters.kernel_file import read_once
from leakdrill.meters.pods import summed
from leakdrill.meters.pressure import parse_pressure
from leakdrill.record.events import CgroupDetails

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from leakdrill.machine.cgroup import Cgroup

_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_US: Final = 1e-6
_STAT_V1: Final = {
    b"total_swap": "swap_bytes",
    b"total_mapped_file": "mapped_bytes",
    b"total_pgfault": "page_faults",
    b"total_pgmajfault": "major_page_faults",
}
_STAT_V2: Final = {b"file_mapped": "mapped_bytes", b"pgfault": "page_faults", b"pgmajfault": "major_page_faults"}
_CPU_V1: Final = {b"user": ("user_seconds", 1 / _TICKS_PER_S), b"system": ("system_seconds", 1 / _TICKS_PER_S)}
_CPU_V2: Final = {b"user_usec": ("user_seconds", _US), b"system_usec": ("system_seconds", _US)}
_NUMBERS_V1: Final = {"peak_bytes": "memory.max_usage_in_bytes", "limit_hits": "memory.failcnt"}
_NUMBERS_V2: Final = {"peak_bytes": "memory.peak", "swap_bytes": "memory.swap.current"}


class CgroupDetailsMeter:
    """Reads the groups that `cgroups` gives; what this kernel or a group lacks is left out."""

    event = CgroupDetails
    every = 10

    def __init__(self, cgroups: Callable[[], Iterable[Cgroup]]) -> None:
        self._cgroups = cgroups

    def read(self) -> dict[str, float] | None:
        """Sums over the groups; None while there is none."""
        return summed([values for cgroup in self._cgroups() if (values := read_details(cgroup))])


def read_details(cgroup: Cgroup) -> dict[str, float]:
    """The details of one group; empty when it is gone."""
    fields: dict[str, float] = {}
    first = cgroup.version == 1
    if cgroup.memory:
        stat = pairs(_text(f"{cgroup.memory}/memory.stat"))
        fields |= {name: stat[key] for key, name in (_STAT_V1 if first else _STAT_V2).items() if key in stat}
        for name, file in (_NUMBERS_V1 if first else _NUMBERS_V2).items():
            if text := _text(f"{cgroup.memory}/{file}"):
                fields[name] = int(text)
        events = pairs(_text(f"{cgroup.memory}/memory.events")) if not first else {}
        fields |= {"limit_hits": events[b"max"]} if b"max" in events else {}
    if cgroup.cpuacct:
        cpu = pairs(_text(f"{cgroup.cpuacct}/{'cpuacct.stat' if first else 'cpu.stat'}"))
        known = _CPU_V1 if first else _CPU_V2
        fields |= {name: cpu[key] * unit for key, (name, unit) in known.items() if key in cpu}
        fields |= {} if first else _pressure(cgroup.cpuacct)
    return fields


def _pressure(group: Path) -> dict[str, float]:
    return parse_pressure({what: _text(f"{group}/{what}.pressure") for what in ("cpu", "memory", "io")})


def _text(path: str) -> bytes:
    try:
        return read_once(path)
    except OSError:
        return b""
