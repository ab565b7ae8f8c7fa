"""Where a line runs: `docker exec NAME COMMAND` is COMMAND in the target; `docker stats NAME` looks from outside."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

_AT: Final = r"(?P<at>^|[|;&(]\s*|\n\s*|\b(?:do|then|else|time|sudo|xargs)\s+)"
"""Where a command may begin."""
_FLAGS: Final = r"(?:(?:-{1,2}[\w-]+(?:=\S+)?)\s+)*"
_WITH_VALUE: Final = r"(?:(?:-n|--namespace|-c|--container|-e|--env|-u|--user|-w|--workdir|--context|-f|-p)[ =]\S+\s+)"
_ANY_FLAGS: Final = rf"(?:{_WITH_VALUE}|-{{1,2}}[\w-]+(?:=\S+)?\s+)*"
_DOCKER: Final = re.compile(
    rf"{_AT}(?:docker|podman|docker-compose|docker\s+compose)\s+{_ANY_FLAGS}exec\s+{_ANY_FLAGS}(?P<name>[^\s-]\S*)\s+"
)
_KUBECTL: Final = re.compile(rf"{_AT}kubectl\s+{_ANY_FLAGS}exec\s+{_ANY_FLAGS}(?P<name>[^\s-]\S*)\s+{_ANY_FLAGS}--\s+")
_WATCH: Final = re.compile(r"^\s*watch\s+(?:(?:-n|--interval)[ =]?\s*[\d.]+\s+|-\w\s+)*(?P<line>.+)$", re.DOTALL)
_SHELL: Final = re.compile(r"^(?:/(?:usr/)?bin/)?(?:bash|sh|ash|zsh)(?:\s+-[il]+)?\s*$")
OUTSIDE: Final = {
    "docker": "docker",
    "docker-compose": "docker",
    "podman": "docker",
    "crictl": "kubernetes",
    "kubectl": "kubernetes",
    "oc": "kubernetes",
    "helm": "kubernetes",
}
"""Programs that look at a container from outside, and the platform that has something to look at."""
_SLEEP: Final = re.compile(rf"{_AT}sleep\s+(?P<count>\d+(?:\.\d+)?)(?P<unit>[smhd]?)\b")
_UNITS_S: Final = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PROGRAM: Final = re.compile(rf"{_AT}(?P<program>[\w./-]+)")


class OtherPlace(Exception):  # noqa: N818 - an answer for the plan, not a mistake
    """The line runs in something that is not the drill's target; says in what."""


def entered(line: str, names: Collection[str]) -> str:
    """`line` with every command that runs in the target as that command alone, and a `watch` as one look.

    Raises:
        OtherPlace: where a command runs in another container or pod than the target's.
    """
    watched = _WATCH.match(line)
    if watched is not None:
        line = _unquoted(watched["line"].strip())

    def enter(match: re.Match[str]) -> str:
        name = match["name"].rpartition("/")[2].strip("'\"")
        if name not in names:
            called = ", ".join(sorted(names)) or "nothing yet"
            raise OtherPlace(f"it runs in {name}, which is not the drill's target (bindings call that {called})")
        return match["at"]

    line = re.sub(r"\\[ \t]*\n\s*", " ", line)
    return _KUBECTL.sub(enter, _DOCKER.sub(enter, line)).strip()


def opens_shell(line: str) -> bool:
    """Whether `line` does no more than open a shell for a person."""
    return _SHELL.match(line) is not None


def looks_from_outside(line: str) -> str | None:
    """The first program in `line` that looks at a container from outside; None where there is none."""
    return next((match["program"] for match in _PROGRAM.finditer(line) if match["program"] in OUTSIDE), None)


def programs(line: str) -> list[str]:
    """The programs at the places where a command may begin, in order."""
    plain = re.sub(r"^(?:(?:time|sudo|nohup)\s+)+", "", line.strip())
    return [match["program"] for match in _PROGRAM.finditer(plain)]


def waits_s(line: str) -> float:
    """The seconds for which each `sleep` of `line` waits, together; one in a loop counts once."""
    return sum(float(m["count"]) * _UNITS_S[m["unit"]] for m in _SLEEP.finditer(line))


def assigned(line: str) -> str | None:
    """The variable that `line` does no more than set; None where it does something else."""
    match = re.fullmatch(r"\s*(?:export\s+)?([A-Za-z_]\w*)=(?:\$\(.*\)|\"[^\"]*\"|'[^']*'|\S*)\s*", line, re.DOTALL)
    return match[1] if match else None


def _unquoted(line: str) -> str:
    quoted = re.fullmatch(r"'([^']*)'|\"([^\"]*)\"", line)
    return line if quoted is None else quoted[1] or quoted[2] or ""
