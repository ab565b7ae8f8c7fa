"""A line as it would run, read again: whom it talks to, and what it does, once everything in it has its value.

The line of the runbook was judged with its placeholders; a value may be a command, and a line of the bindings is
another line.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.fragment import FragmentKind
from leakdrill.runbooks.shell.places import URL
from leakdrill.runbooks.shell.read import read_shell

if TYPE_CHECKING:
    from collections.abc import Iterable

_OURS: Final = {"url": "http://target.drill.invalid", "prometheus": "http://prometheus.drill.invalid", "disk": "/disk"}
_WORD: Final = re.compile(r"@\{([a-z]+)\}")
_LOOPBACK: Final = re.compile(r"(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1?\])(?::\d+)?")
_CHANGES: Final = (FragmentKind.DESTRUCTIVE, FragmentKind.CHANGE)


def strangers(line: str, meanings: Iterable[str], *, inside: bool) -> list[str]:
    """The hosts that `line` talks to and that are nothing of the drill.

    Args:
        line: as it would run, with the words `@{…}` in it.
        meanings: what the bindings make of addresses: those are asked for.
        inside: whether it runs in a container, where the machine itself is the target's.
    """
    known = {host for meaning in meanings for host in _hosts_of(meaning)}
    hosts = [host for statement in read_shell(_plain(line)) for host in statement.hosts]
    return [host for host in dict.fromkeys(hosts) if host not in known and not (inside and _LOOPBACK.fullmatch(host))]


def kind_of(line: str) -> FragmentKind:
    """What `line` is: the worst that it holds."""
    kinds = [statement.kind for statement in read_shell(_plain(line))]
    worst = next((kind for kind in _CHANGES if kind in kinds), None)
    return worst or (FragmentKind.UNKNOWN if FragmentKind.UNKNOWN in kinds else FragmentKind.LOOK)


def _plain(line: str) -> str:
    return _WORD.sub(lambda match: _OURS.get(match[1], "1"), line)


def _hosts_of(meaning: str) -> list[str]:
    plain = _plain(meaning)
    hosts = [match[1] for match in URL.finditer(plain)] or [plain]
    return [name for host in hosts for name in (host, host.rpartition(":")[0] or host)]
