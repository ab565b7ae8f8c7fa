"""A line of a runbook with everything in it that a person must fill in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.as_run import strangers

if TYPE_CHECKING:
    from collections.abc import Collection

    from leakdrill.runbooks.bindings import Bindings
    from leakdrill.runbooks.fragment import Fragment

_ADDRESS: Final = re.compile(r"https?://[\w.-]+(?::\d+)?")


@dataclass(frozen=True)
class Resolved:
    """A line as it would run.

    Attributes:
        line: what it is.
        unbound: placeholders without a value.
        stranger: the first address in it that is nobody's of the drill; empty where there is none.
    """

    line: str
    unbound: tuple[str, ...] = ()
    stranger: str = ""


class Resolver:
    """Fills in lines by `bindings`; `names` are what the target is called."""

    def __init__(self, bindings: Bindings, names: Collection[str]) -> None:
        self._bindings, self._names = bindings, names

    def resolved(self, line: str, fragment: Fragment, *, inside: bool) -> Resolved:
        """`line`, which is that of `fragment`, with all replaced; `inside` a container or not."""
        unbound = []
        for placeholder in fragment.placeholders:
            if placeholder.text not in line:
                continue
            value = self._bindings.placeholders.get(placeholder.name)
            if value is None:
                unbound.append(placeholder.text)
            else:
                line = line.replace(placeholder.text, value)
        for host, meaning in sorted(self._bindings.hosts.items(), key=lambda pair: -len(pair[0])):
            if meaning is not None:
                line = _with_address(line, host, meaning)
        address = _ADDRESS.search(line)
        meanings = ["@{url}", "@{prometheus}", *(value for value in self._bindings.hosts.values() if value)]
        others = [address[0]] if address else [] if unbound else strangers(line, meanings, inside=inside)
        return Resolved(line, tuple(dict.fromkeys(unbound)), next(iter(others), ""))

    def from_outside(self, line: str, platform: str) -> str:
        """`line` with the target's names as the platform knows it."""
        if platform == "kubernetes":
            return _in_cluster(self._named(line, "@{pod}"))
        return self._named(line, "@{container}") if platform in ("docker", "compose") else line

    def _named(self, line: str, word: str) -> str:
        for name in sorted(self._names, key=len, reverse=True):
            line = re.sub(rf"(?<![\w./=\"-]){re.escape(name)}(?![\w.-])", lambda _match: word, line)
        return line


def _in_cluster(line: str) -> str:
    """`line`, whose `kubectl` looks at the drill's namespace in its context and at nothing else."""
    without = re.sub(r"\s(?:-n|--namespace|--context)[ =]\S+|\s(?:-A|--all-namespaces)\b", "", line)
    return re.sub(r"\b(kubectl|oc)\b(?=\s)", r"\1 --context @{context} -n @{namespace}", without)


def _with_address(line: str, host: str, meaning: str) -> str:
    host = host.rstrip("/")
    scheme = "" if "://" in host else r"(?:https?://)?"
    return re.sub(rf"(?<![\w.-]){scheme}{re.escape(host)}(?![\w.:-]*\w)", lambda _match: meaning, line)
