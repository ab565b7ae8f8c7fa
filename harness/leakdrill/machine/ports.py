"""Ports of this machine: a free one, who holds one that is taken, and which address leads somewhere."""

from __future__ import annotations

import contextlib
import os
import platform
import secrets
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from leakdrill.machine.listening import sockets_of

if TYPE_CHECKING:
    from collections.abc import Collection

LOOPBACK: Final = "127.0.0.1"
_OUTGOING: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
_USUAL_FIRST_OUTGOING: Final = 32768
_LISTENS: Final = "0A"
_REACHED_BY_LOOPBACK: Final = frozenset(
    {
        "0100007F",
        "00000000",
        "0" * 32,
        "0000000000000000FFFF00000100007F",
        "0000000000000000FFFF000000000000",
    }
)
"""Addresses in /proc/net: 127.0.0.1 and every address, as IPv4 and as IPv6 that takes IPv4 too."""

_LOWEST: Final = 20000
_TRIES: Final = 20
_MOST_RESERVED: Final = 64
_reserved: dict[int, int] = {}
"""Ports that this process was given last, oldest first, each with the descriptor of what keeps others from it."""


def free_port(host: str = LOOPBACK) -> int:
    """A TCP port of `host`, an address of this machine, that nobody listens on at this moment.

    It lies below the range from which the kernel takes ports for outgoing connections: from there, the load of another
    drill could take it in the moment before the service listens. Nor is it given to two who ask at the same time, here
    or in another drill on this machine.

    Raises:
        OSError: when this machine has no such address.
    """
    for _ in range(_TRIES):
        port = secrets.choice(range(_LOWEST, max(_first_outgoing_port(), _LOWEST + 1)))
        if is_free(port, host) and _reserve(port):
            return port
    with socket.socket() as probe:
        probe.bind((host, 0))
        taken: int = probe.getsockname()[1]
        return taken


def _reserve(port: int) -> bool:
    """Whether `port` was not given to anybody yet, by this process or another one; it is ours from now on.

    The reservation is the name of a socket without a file: the kernel gives it to one process, and takes it back when
    that ends. The oldest ones are given up, because by then their services listen.
    """
    if port in _reserved:
        return False
    holder = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    if platform.system() == "Linux":
        try:
            holder.bind(f"\0leakdrill-port-{port}")
        except OSError:
            holder.close()
            return False
    _reserved[port] = holder.detach()
    while len(_reserved) > _MOST_RESERVED:
        os.close(_reserved.pop(next(iter(_reserved))))
    return True


def _first_outgoing_port() -> int:
    try:
        return int(_OUTGOING.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return _USUAL_FIRST_OUTGOING


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a service could listen on `port` of `host` now."""
    with socket.socket() as probe:
        # Without it a port whose last connections are still in TIME_WAIT would count as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def address_towards(host: str) -> str:
    """The address of this machine from which packets to `host` leave: what `host` can answer to.

    Raises:
        OSError: when no route leads there.
    """
    if not host:
        raise OSError("there is no address to route to")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((host, 9))  # a datagram socket sends nothing by that
        address: str = probe.getsockname()[0]
        return address


def holder(port: int) -> str:
    """Who listens on `port`, as `pid 4121 (python serve.py)`; empty when this user may not know."""
    pids = listeners_on(port)
    return _described(pids[0]) if pids else ""


def listeners_on(port: int) -> list[int]:
    """The processes that listen on `port` at any address; those of other users are seen by root only.

    All that have the socket, as a server's first process and its workers do: psutil names one of them.
    """
    listening = _listening_on(port, anywhere=True)
    return [pid for pid in psutil.pids() if listening & (sockets_of(pid) or set())] if listening else []


def stranger_on(port: int, pids: Collection[int]) -> str:
    """Who listens on `port` of loopback, when it is none of `pids`; empty when it is, or nobody may know.

    The listening socket is looked for among the files of `pids`, so that one which they inherited counts as theirs.
    """
    listening = _listening_on(port)
    held: set[str] = set()
    for pid in pids:
        files = sockets_of(pid)
        if files is None:
            return ""
        held |= files
    strange = listening - held
    return (holder(port) or "another process of this machine") if strange else ""


def _listening_on(port: int, *, anywhere: bool = False) -> set[str]:
    """The inodes of the sockets that listen on `port`, at loopback or at every address; or, `anywhere`, at any one."""
    inodes: set[str] = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                address, _, number = fields[1].partition(":")
                if fields[3] == _LISTENS and int(number, 16) == port and (anywhere or address in _REACHED_BY_LOOPBACK):
                    inodes.add(f"socket:[{fields[9]}]")
    return inodes


def _described(pid: int) -> str:
    with contextlib.suppress(psutil.Error):
        command = " ".join(psutil.Process(pid).cmdline())
        return f"pid {pid} ({command})" if command else f"pid {pid}"
    return f"pid {pid}"
