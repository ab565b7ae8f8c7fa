"""Commands that need somebody at a terminal, in a block that reads as a script."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.blocks import next_in_block
from leakdrill.runbooks.calls import calls, has_short, innermost, program
from leakdrill.runbooks.finding import Finding, Level
from leakdrill.runbooks.fragment import COMMANDS, FragmentKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.runbooks.calls import Words
    from leakdrill.runbooks.fragment import Fragment
    from leakdrill.runbooks.runbook import Runbook

RULE: Final = "needs-terminal"
SUMMARY: Final = "a command that needs a terminal, where a script has none"
_WITHOUT_ARGUMENTS: Final = frozenset(
    {"bash", "sh", "zsh", "ash", "ksh", "psql", "mysql", "redis-cli", "python", "python3", "mongo", "mongosh"}
)
_EDITORS: Final = frozenset({"vi", "vim", "nano", "emacs", "visudo"})


def needs_terminal(runbook: Runbook) -> Iterator[Finding]:
    """Yields a finding for each `exec -it` and each editor."""
    for fragment in runbook.fragments:
        if fragment.kind in COMMANDS or fragment.kind is FragmentKind.UNKNOWN:
            found = next((one for words in calls(fragment) for one in _of(words, fragment, runbook)), None)
            if found is not None:
                yield Finding(RULE, found[0], fragment.line, found[1], found[2])


def _of(words: Words, fragment: Fragment, runbook: Runbook) -> Iterator[tuple[Level, str, str | None]]:
    name = program(words)
    if name in _EDITORS:
        yield Level.NOTE, f"{name} opens an editor: a script cannot go on, and the change is not in the runbook", None
    if name in ("kubectl", "oc") and words[1:2] == ("edit",):
        fix = f"{name} patch, {name} set, or {name} apply -f FILE"
        yield Level.NOTE, f"{name} edit opens an editor: the change itself is not in the runbook", fix
    if not _is_exec(words) or not _asks_for_terminal(words):
        return
    inner = innermost(words)
    if inner == words:
        return
    following = next_in_block(runbook, fragment)
    if _is_session(inner):
        if following is not None:
            text = f"opens {program(inner)} for a person: a script runs line {following.line} and what follows outside"
            yield Level.WARNING, text, f"hand the commands over: `… -- {program(inner)} -c 'COMMAND'`"
        return
    level = Level.NOTE if name in ("kubectl", "oc") else Level.WARNING
    text = (
        f"-t asks for a terminal, which a script has not: {name} {'warns' if level is Level.NOTE else 'refuses'} there"
    )
    yield level, text, "leave out -t; -i is needed only where something is typed"


def _is_exec(words: Words) -> bool:
    name = program(words)
    if name in ("kubectl", "oc"):
        return "exec" in words[1:]
    return name in ("docker", "podman", "nerdctl", "docker-compose") and "exec" in words[1:3]


def _asks_for_terminal(words: Words) -> bool:
    end = words.index("--") if "--" in words else len(words)
    options = [one for one in words[1:end] if one.startswith("-")][:4]
    return "--tty" in options or has_short([one for one in options if re.fullmatch(r"-[it]{1,2}", one)], "t")


def _is_session(inner: Words) -> bool:
    return program(inner) in _WITHOUT_ARGUMENTS and all(one in ("-l", "-i", "--login") for one in inner[1:])
