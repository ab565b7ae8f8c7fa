"""Options that a program never had, by tables of those that it has or had."""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.calls import after_options, calls, program
from leakdrill.runbooks.finding import Finding, Level
from leakdrill.runbooks.fragment import COMMANDS, FragmentKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.runbooks.calls import Words
    from leakdrill.runbooks.runbook import Runbook

RULE: Final = "unknown-flag"
SUMMARY: Final = "an option that the program never had"
_TABLE: Final = Path(__file__).with_name("known_flags.txt")
_STOPS: Final = frozenset({"docker exec", "docker run", "docker-compose exec", "docker-compose run", "watch"})
"""Commands whose first word that is no option begins somebody else's command."""
_OF_PARTS: Final = frozenset({"kubectl", "docker", "docker-compose"})
"""Programs of which only those subcommands are looked at that the tables have."""
_OF_ALL: Final = frozenset({"-n", "--namespace", "--context", "--kubeconfig", "--as", "-s", "-H", "-f", "-p", "--file"})
"""Their options with a value that may stand before a subcommand."""
_ALIASES: Final = {
    "podman": "docker",
    "k": "kubectl",
    "docker container": "docker",
    "kubectl top pods": "kubectl top pod",
    "kubectl top po": "kubectl top pod",
    "kubectl top nodes": "kubectl top node",
    "kubectl top no": "kubectl top node",
    "kubectl log": "kubectl logs",
}


def unknown_flags(runbook: Runbook) -> Iterator[Finding]:
    """Yields a finding for each option that is in no version of its program, as far as the tables know the program."""
    for fragment in runbook.fragments:
        if fragment.kind not in COMMANDS and fragment.kind is not FragmentKind.UNKNOWN:
            continue
        named = {placeholder.text for placeholder in fragment.placeholders}
        for words in calls(fragment):
            for command, flag, known in _unknown(words):
                if not any(text in flag for text in named):
                    near = get_close_matches(flag, [one for one in known if one.startswith("--")], 1, 0.8)
                    text = f"{command} never had the option {flag}"
                    yield Finding(RULE, Level.ERROR, fragment.line, text, f"did you mean {near[0]}?" if near else None)


def _unknown(words: Words) -> Iterator[tuple[str, str, frozenset[str]]]:
    command, rest = _command(words)
    known = _known_flags().get(command)
    if known is None:
        return
    for word in rest:
        if word == "--" or (command in _STOPS and not word.startswith("-")):
            return
        flag = word.split("=", 1)[0]
        if re.fullmatch(r"--[a-zA-Z][\w.-]*", flag) and flag not in known:
            yield command, flag, known


def _command(words: Words) -> tuple[str, Words]:
    """The longest name that the tables have: `kubectl top pod`, and the words after its program."""
    name = program(words)
    name = _ALIASES.get(name, name)
    rest = after_options(words[1:], _OF_ALL) if name in _OF_PARTS else words[1:]
    subcommands = [word for word in rest if not word.startswith("-")][:2]
    if name == "docker" and subcommands[:1] == ["compose"]:
        name, subcommands = "docker-compose", subcommands[1:]
    counts = (2, 1) if name in _OF_PARTS and subcommands else (2, 1, 0)
    names = [" ".join([name, *subcommands[:count]]) for count in counts]
    found = next((one for one in (_ALIASES.get(one, one) for one in names) if one in _known_flags()), "")
    skipped = len(found.split()) - 1 + (words[1:2] == ("compose",))
    if not found or (any(word.startswith("-") for word in words[1 : 1 + skipped]) and found in _STOPS):
        return "", ()
    return found, words[1 + skipped :] if found in _STOPS else words[1:]


@cache
def _known_flags() -> dict[str, frozenset[str]]:
    """Each command with its options; those that a program has everywhere are added to each of its own."""
    own = {
        name: frozenset(flags.split())
        for name, _, flags in (line.partition(": ") for line in _TABLE.read_text(encoding="utf-8").splitlines())
        if not name.startswith("#")
    }
    return {
        name: flags | own.get(name.split()[0], frozenset()) | {"--help", "--version"} for name, flags in own.items()
    }
