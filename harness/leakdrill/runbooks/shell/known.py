"""The programs that we know, by name; what is not here is unknown."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.shell.programs import (
    builtins,
    clouds,
    containers,
    databases,
    files,
    finding,
    kubernetes,
    machines,
    network,
    plain,
    processes,
    software,
    stores,
    text,
    wrappers,
)
from leakdrill.runbooks.shell.programs.effect import Effect, unknown

if TYPE_CHECKING:
    from leakdrill.runbooks.shell.programs.call import Call, Judge

FAMILIES: Final = (
    plain, text, files, finding, processes, machines, network, containers, kubernetes, databases, stores, clouds, software,
    wrappers, builtins,
)  # fmt: skip
PROGRAM_FOLDER: Final = re.compile(
    r"(?:/[\w.@-]+)*/s?bin/(?P<name>[^/]+)|(?:[\w./~-]*/)?(?P<script>(?:kafka|zk)[\w-]*\.sh)"
)


@cache
def programs() -> dict[str, Judge]:
    """Returns every program's judge by its name."""
    result: dict[str, Judge] = {}
    for family in FAMILIES:
        result.update(family.programs())
    return result


def judge_of(name: str) -> Judge | None:
    """Returns the judge of a program that is named as the shell finds it, or by a folder for programs."""
    if "/" in name:
        match = PROGRAM_FOLDER.fullmatch(name)
        if match is None:
            return None
        name = match["name"] or match["script"]
    return programs().get(name) or _family_of(name)


def _family_of(name: str) -> Judge | None:
    """`python3.11`, `mkfs.ext4`, `pip3.11`: a program whose name ends in a version or a kind."""
    match = re.fullmatch(r"(python|pip|mkfs|fsck|node|psql|gdb|clang|gcc)(?:[.-]?[\w.]+)", name)
    return programs().get(match[1]) if match else None


def effect(call: Call) -> Effect:
    """Says what a call does; a program that is not known may do anything."""
    first = call.words[0]
    if not first.literal:
        return unknown(f"Which program `{first.text}` is shows only when it runs.")
    judge = judge_of(first.text)
    if judge is None:
        return unknown(f"`{first.text}` is no program that we know.")
    return judge(call)


def tool(call: Call) -> str | None:
    """Returns the program's name; None for what the shell does itself and for a name that only the running shell knows."""
    first = call.words[0]
    if not first.literal or first.text in builtins.OF_THE_SHELL:
        return None
    return call.name
