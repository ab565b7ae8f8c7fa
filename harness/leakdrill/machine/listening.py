"""Where processes listen, read from /proc in the network that each of them is in: their own, or a container's."""

from __future__ import annotations

import contextlib
import os
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

LISTENS_NOWHERE: Final = "It listens on no port."
_LISTENS: Final = "0A"
_MOST: Final = 3
_WORD: Final = 8
"""Hexadecimal digits of the four bytes that /proc/net writes together, the last byte first."""


class Listening(NamedTuple):
    """One address and port."""

    address: IPv4Address | IPv6Address
    port: int

    def __str__(self) -> str:
        host = f"[{self.address}]" if self.address.version == 6 else str(self.address)  # noqa: PLR2004 - IPv6
        return f"{host}:{self.port}"

    def reached(self, *, from_outside: bool) -> bool:
        """Whether a request to 127.0.0.1 arrives there; `from_outside`, one that comes from another network."""
        address = getattr(self.address, "ipv4_mapped", None) or self.address
        if address.is_unspecified:
            return True
        return not address.is_loopback if from_outside else address == ip_address("127.0.0.1")


def listens_elsewhere(pids: Collection[int], port: int, *, from_outside: bool = False) -> str:
    """Where `pids` listen, as a sentence, when no request to `port` reaches them; empty when one does.

    Args:
        pids: the processes of a service.
        port: on which it should listen, in the network that it is in.
        from_outside: whether requests come from outside of that network, as they do to a container.
    """
    held = listening(pids)
    if held is None:
        return ""
    at_port = [one for one in held if one.port == port]
    if any(one.reached(from_outside=from_outside) for one in at_port):
        return ""
    if at_port:
        asked = "what comes from outside of the container" if from_outside else "the probe, which asks 127.0.0.1,"
        return f"It listens on {_named(at_port)}, where {asked} does not reach it."
    return f"It listens on {_named(held)} and not on port {port}." if held else LISTENS_NOWHERE


def listening(pids: Collection[int]) -> list[Listening] | None:
    """Where `pids` listen, each once; None when this user may not know of one of them."""
    found: dict[Listening, None] = {}
    for pid in pids:
        sockets = sockets_of(pid)
        if sockets is None:
            return None
        found.update(dict.fromkeys(_listening(pid, sockets)))
    return sorted(found, key=lambda one: (one.port, str(one.address)))


def sockets_of(pid: int) -> set[str] | None:
    """The files of a process as the kernel names them; none when it has ended, None when this user may not look."""
    files: set[str] = set()
    try:
        for file in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                files.add(os.readlink(file))  # noqa: PTH115 - it is the name of a socket, not a path
    except PermissionError:
        return None
    except (FileNotFoundError, ProcessLookupError):
        return set()
    return files


def _listening(pid: int, sockets: set[str]) -> Iterator[Listening]:
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENS and f"socket:[{fields[9]}]" in sockets:
                    address, _, port = fields[1].partition(":")
                    yield Listening(_address(address), int(port, 16))


def _address(written: str) -> IPv4Address | IPv6Address:
    words = [written[at : at + _WORD] for at in range(0, len(written), _WORD)]
    return ip_address(b"".join(bytes.fromhex(word)[::-1] for word in words))


def _named(held: Collection[Listening]) -> str:
    named = [str(one) for one in held]
    more = f" and {len(named) - _MOST} more" if len(named) > _MOST else ""
    return " and ".join(named[:_MOST]) + more
