"""A process ID that nobody fills in: it is another one each time, so no binding can know it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.finding import Finding, Level
from leakdrill.runbooks.fragment import COMMANDS, FragmentKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from leakdrill.runbooks.fragment import Fragment
    from leakdrill.runbooks.runbook import Runbook

RULE: Final = "pid-unresolved"
SUMMARY: Final = "a command needs a process ID, and nothing puts one there"
_PID: Final = re.compile(r"(?:[\w-]*[-_. ])?(?:p?pids?|tid|process[-_ ]?(?:id|number))(?:[-_ ]\w+)?", re.IGNORECASE)
_LISTS: Final = frozenset(
    {"ps", "top", "htop", "pgrep", "pidof", "lsof", "ss", "netstat", "fuser", "jps", "nvidia-smi", "pidstat", "iotop"}
)
_UNITS: Final = frozenset({"systemctl", "service", "supervisorctl"})
"""Programs whose `status` names the process of a unit."""
_AROUND: Final = frozenset({"sudo", "docker", "kubectl", "oc", "docker-compose", "time", "watch", "ssh"})
_ENDS: Final = frozenset({"kill", "pkill", "taskkill"})


def unresolved_pids(runbook: Runbook) -> Iterator[Finding]:
    """Yields a finding for each PID that is a placeholder of a command and assigned nowhere before it."""
    before: list[Fragment] = []
    for fragment in runbook.fragments:
        if fragment.kind in COMMANDS or fragment.kind is FragmentKind.UNKNOWN:
            for placeholder in fragment.placeholders:
                if _PID.fullmatch(placeholder.name) and not _assigned(placeholder.name, [*before, fragment]):
                    yield from _finding(fragment, placeholder.text, before)
            before.append(fragment)


def _assigned(name: str, fragments: Sequence[Fragment]) -> bool:
    sets = re.compile(
        rf"\b{re.escape(name)}=|\bread\s+(?:-\w+\s+)*{re.escape(name)}\b|\bfor\s+{re.escape(name)}\s+in\b"
    )
    return any(sets.search(fragment.text) for fragment in fragments)


def _prints_pids(fragment: Fragment) -> bool:
    tools = {*fragment.tools}
    return bool(_LISTS & tools or (_UNITS & tools and fragment.kind is FragmentKind.LOOK))


def _finding(fragment: Fragment, text: str, before: Sequence[Fragment]) -> Iterator[Finding]:
    listing = next((one for one in reversed(before) if one.section == fragment.section and _prints_pids(one)), None)
    ends = bool(_ENDS & {*fragment.tools})
    if listing is not None and not ends:
        return
    tools = [one for one in fragment.tools if one not in _AROUND]
    if not tools:
        return
    tool = next((one for one in tools if one in _ENDS), tools[-1])
    source = f"line {listing.line} prints some and nothing chooses one" if listing else "nothing before it prints one"
    fix = f"take it from a command, as in `{tool} $(pgrep -o -f NAME)`" if ends else "say which command prints it"
    yield Finding(RULE, Level.WARNING, fragment.line, f"{tool} needs a process ID for {text}: {source}", fix)
