"""The network as the target's processes see it: bytes, packets, errors and drops of each interface, and TCP's counts.

Processes in one network namespace see the same interfaces, so each namespace is read once. Of a service that shares the
machine's, the figures are the machine's. Speed, state and MTU are only shown to those who are in the namespace. Source:
the kernel's networking/statistics.rst, proc(5).
"""

from __future__ import annotations

import contextlib
import os
import time
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from leakdrill.meters.kernel_file import read_once
from leakdrill.record.events import NetworkInterfaces
from leakdrill.remember import remember

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

_COLUMNS: Final = {
    0: "receive_bytes", 1: "receive_packets", 2: "receive_errs", 3: "receive_drop",
    8: "transmit_bytes", 9: "transmit_packets", 10: "transmit_errs", 11: "transmit_drop",
}  # fmt: skip
_COUNTED: Final = {
    "Tcp": ("ActiveOpens", "PassiveOpens", "CurrEstab", "InSegs", "OutSegs", "RetransSegs", "InErrs"),
    "TcpExt": ("ListenOverflows", "ListenDrops", "TCPSynRetrans"),
    "Udp": ("InDatagrams", "OutDatagrams", "InErrors", "RcvbufErrors", "SndbufErrors", "NoPorts"),
    "TCP": ("inuse", "orphan", "tw", "alloc", "mem"),
    "UDP": ("inuse",),
    "sockets": ("used",),
}
"""What rules ask for of /proc/net/snmp and netstat, and, in capitals, of sockstat."""
PROTOCOL_COUNTS: Final = tuple(f"{protocol}_{name}" for protocol, names in _COUNTED.items() for name in names)
INTERFACE_COUNTS: Final = (*_COLUMNS.values(), "speed_bytes", "mtu_bytes", "carrier", "carrier_changes", "up")
_KNOWN: Final = frozenset(PROTOCOL_COUNTS)
_MOST_INTERFACES: Final = 16
"""A machine with many containers has an interface for each; those with the most traffic are read."""
_BITS_PER_S: Final = 1_000_000 / 8
_FIXED: Final = {"speed": ("speed_bytes", _BITS_PER_S), "mtu": ("mtu_bytes", 1.0)}
_CHANGING: Final = {"carrier": ("carrier", 1.0), "carrier_changes": ("carrier_changes", 1.0)}
_FIXED_S: Final = 10.0
"""How long what hardly changes is not read again: some drivers ask the card for its speed."""
_SHARED_S: Final = 0.5


class NetworkNamespaces:
    """Reads the network namespaces of this machine; what was read less than half a second ago is not read again.

    Many targets may share one namespace, and each asks for it.

    Args:
        proc: where the kernel shows processes.
        interfaces: where it shows our own namespace's interfaces.
        clock: seconds, never stepping back.
    """

    def __init__(
        self,
        proc: Path = Path("/proc"),
        interfaces: Path = Path("/sys/class/net"),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._proc, self._interfaces, self._clock = proc, interfaces, clock
        self._counts: dict[int, tuple[float, dict[str, float]]] = {}
        self._states: tuple[float, dict[str, float]] = (float("-inf"), {})
        self._fixed: tuple[float, dict[str, float]] = (float("-inf"), {})

    def of_process(self, process: int | str) -> int:
        """The number of the namespace that a process is in.

        Raises:
            OSError: when it has ended.
        """
        return os.stat(f"{self._proc}/{process}/ns/net").st_ino  # noqa: PTH116 - asked of each process

    def counts(self, namespace: int, pid: int) -> Mapping[str, float]:
        """The interfaces' and the protocols' counts in `namespace`, which process `pid` is in.

        Raises:
            OSError: when that has ended.
        """
        now = self._clock()
        read_at, counts = self._counts.get(namespace, (float("-inf"), {}))
        if now - read_at >= _SHARED_S:
            counts = self._of(pid)
            remember(self._counts, namespace, (now, counts))
        return counts

    def states(self) -> Mapping[str, float]:
        """Speed, state and MTU of our namespace's interfaces, where they have one."""
        now = self._clock()
        if now - self._states[0] < _SHARED_S:
            return self._states[1]
        with contextlib.suppress(OSError):
            folders = os.listdir(self._interfaces)  # noqa: PTH208 - names only
            if now - self._fixed[0] >= _FIXED_S:
                self._fixed = (now, dict(self._numbers(folders, _FIXED)))
            fixed = {key: value for key, value in self._fixed[1].items() if key.rpartition(".")[0] in folders}
            self._states = (now, fixed | dict(self._numbers(folders, _CHANGING)) | dict(self._up(folders)))
        return self._states[1]

    def _of(self, pid: int) -> dict[str, float]:
        net = f"{self._proc}/{pid}/net"
        fields = parse_interfaces(_text(f"{net}/dev"))
        with contextlib.suppress(FileNotFoundError):
            for file in ("netstat", "snmp"):
                fields |= parse_protocols(_text(f"{net}/{file}"))
            fields |= parse_sockets(_text(f"{net}/sockstat"))
        return fields

    def _numbers(self, folders: Iterable[str], files: Mapping[str, tuple[str, float]]) -> Iterator[tuple[str, float]]:
        for folder in folders:
            for file, (name, unit) in files.items():
                with contextlib.suppress(OSError, ValueError):
                    value = int(read_once(f"{self._interfaces}/{folder}/{file}"))
                    if value >= 0:  # an interface without a speed says -1
                        yield f"{folder}.{name}", value * unit

    def _up(self, folders: Iterable[str]) -> Iterator[tuple[str, float]]:
        for folder in folders:
            with contextlib.suppress(OSError):
                yield f"{folder}.up", float(read_once(f"{self._interfaces}/{folder}/operstate").strip() == b"up")


HERE: Final = NetworkNamespaces()
"""Those of this machine."""


class NetworkMeter:
    """Reads every network namespace that the processes `pids` are in.

    Args:
        pids: the target's processes.
        namespaces: where they are read.
    """

    event = NetworkInterfaces
    every = 10

    def __init__(self, pids: Callable[[], Sequence[int]], namespaces: NetworkNamespaces = HERE) -> None:
        self._pids = pids
        self._namespaces = namespaces

    def read(self) -> dict[str, float] | None:
        """Counts since the interfaces were made, summed over the namespaces, and levels; None without a process."""
        total: dict[str, float] = {}
        own = self._namespaces.of_process("self")
        for namespace, pid in self._one_of_each().items():
            with contextlib.suppress(OSError):
                for name, value in self._namespaces.counts(namespace, pid).items():
                    total[name] = total.get(name, 0.0) + value
                total |= self._states(total) if namespace == own else {}
        return total or None

    def _one_of_each(self) -> dict[int, int]:
        """A process in each namespace."""
        found: dict[int, int] = {}
        for pid in self._pids():
            with contextlib.suppress(OSError):
                found.setdefault(self._namespaces.of_process(pid), pid)
        return found

    def _states(self, read: Mapping[str, float]) -> dict[str, float]:
        """The states of those interfaces that were read."""
        states = self._namespaces.states()
        return {key: value for key, value in states.items() if f"{key.rpartition('.')[0]}.receive_bytes" in read}


def _text(path: str) -> str:
    return read_once(path).decode()


def parse_interfaces(text: str) -> dict[str, float]:
    """Each interface's counts in the content of /proc/net/dev, as `eth0.receive_bytes`."""
    rows: dict[str, list[float]] = {}
    for line in text.splitlines()[2:]:
        name, _, numbers = line.partition(":")
        rows[name.strip()] = [float(number) for number in numbers.split()]
    busiest = sorted(rows, key=lambda name: -(rows[name][0] + rows[name][8]))[:_MOST_INTERFACES]
    return {f"{name}.{what}": rows[name][at] for name in busiest for at, what in _COLUMNS.items()}


def parse_protocols(text: str) -> dict[str, float]:
    """The counts in /proc/net/snmp or netstat that rules ask for, as `Tcp_RetransSegs`."""
    lines = text.splitlines()
    fields: dict[str, float] = {}
    for names, values in zip(lines[::2], lines[1::2], strict=False):
        if places := _places(names):
            row = values.split()
            fields |= {name: float(row[place]) for name, place in places if place < len(row)}
    return fields


@lru_cache(maxsize=64)
def _places(names: str) -> tuple[tuple[str, int], ...]:
    """What rules ask for of a line of names, which stays the same, and where its value stands in the line below."""
    protocol, *columns = names.split()
    named = ((f"{protocol.rstrip(':')}_{column}", place) for place, column in enumerate(columns, start=1))
    return tuple((name, place) for name, place in named if name in _KNOWN)


def parse_sockets(text: str) -> dict[str, float]:
    """The levels in /proc/net/sockstat that rules ask for, as `TCP_inuse`."""
    fields: dict[str, float] = {}
    for line in text.splitlines():
        protocol, _, rest = line.partition(":")
        words = rest.split()
        fields |= {f"{protocol}_{name}": float(n) for name, n in zip(words[::2], words[1::2], strict=False)}
    return {name: value for name, value in fields.items() if name in _KNOWN}
