"""Prometheus' own rule engine with simulated time: `promtool test rules`, a process for a part of the sheets."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from leakdrill.envelope.sheet import answers
from leakdrill.errors import EnvironmentProblem
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from leakdrill.envelope.sheet import Firing, Sheet

_LONGEST_S: Final = 900.0
_MOST_EVALUATIONS: Final = 20_000
"""How many evaluations one process is given, unless a single sheet has more."""
_MOST_BYTES: Final = 64 * 2**20
_ERROR: Final = re.compile(r"err(?:or)?: (.+)")
_NOISE: Final = ("exp:", "got:", "expr:", "FAILED", "Unit Testing", "SUCCESS", "name:")


class Playable(Protocol):
    """A rules file and the test file that asks about it."""

    @property
    def evaluations(self) -> float:
        """How often rules are evaluated in it."""

    def text(self, rules_file: str) -> str:
        """Returns the test file; the rules are in `rules_file`."""

    def rules_text(self) -> str:
        """Returns the rules file."""


@dataclass(slots=True)
class Played:
    """What was found out.

    Attributes:
        firings: by name of the play and the rule's label.
        problems: by index of the sheet, what promtool said of one that it could not play to its end.
    """

    firings: dict[tuple[str, str], Firing] = field(default_factory=dict)
    problems: dict[int, str] = field(default_factory=dict)


def promtool_version() -> str:
    """Returns the version of the promtool on PATH.

    Raises:
        EnvironmentProblem: when there is none.
    """
    done = subprocess.run([_found(), "--version"], capture_output=True, text=True, timeout=30, check=False)
    version = re.search(r"version (\d[^\s,]*)", done.stdout + done.stderr)
    return version[1] if version else "of unknown version"


def play(sheets: Sequence[Sheet]) -> Played:
    """Plays every sheet and returns what the alerts did.

    Raises:
        EnvironmentProblem: when there is no promtool, or it does not come to an end.
    """
    played = Played()
    for part, output in outputs(sheets):
        _take(sheets, part, output, played)
    return played


def outputs(sheets: Sequence[Playable]) -> Iterator[tuple[list[int], str]]:
    """Plays every sheet; yields the indices of those that one process played, with what it printed.

    Raises:
        EnvironmentProblem: when there is no promtool, or it does not come to an end.
    """
    promtool, parts = _found(), list(_parts(sheets))
    with (
        tempfile.TemporaryDirectory(prefix="leakdrill-envelope-") as folder,
        ThreadPoolExecutor(max_workers=len(os.sched_getaffinity(0))) as pool,
    ):
        run = pool.map(lambda part: _run(promtool, Path(folder), sheets, part), parts)
        yield from zip(parts, run, strict=True)


def what_it_said(output: str) -> str:
    """Returns the first line that is no answer; empty where there is none."""
    for line in output.splitlines():
        text = line.strip()
        if text and not text.startswith(_NOISE) and "leakdrill_question" not in text:
            found = _ERROR.search(text)
            return (found[1] if found else text)[:300]
    return ""


def _found() -> str:
    promtool = shutil.which("promtool")
    if promtool is None:
        raise EnvironmentProblem(
            "promtool is not on PATH; the rules are evaluated by nothing else",
            hint="apt-get install prometheus, or put the promtool of a newer release on PATH",
        )
    return promtool


def _parts(sheets: Sequence[Playable]) -> Iterator[list[int]]:
    part: list[int] = []
    size = 0.0
    for index, sheet in enumerate(sheets):
        if part and size + sheet.evaluations > _MOST_EVALUATIONS:
            yield part
            part, size = [], 0.0
        part.append(index)
        size += sheet.evaluations
    if part:
        yield part


def _run(promtool: str, folder: Path, sheets: Sequence[Playable], part: Iterable[int]) -> str:
    files = []
    for index in part:
        rules = folder / f"{index}-rules.yaml"
        rules.write_text(sheets[index].rules_text(), encoding="utf-8")
        files.append(folder / f"{index}.yaml")
        files[-1].write_text(sheets[index].text(rules.name), encoding="utf-8")
    environment = {**os.environ, "TMPDIR": str(folder)}  # what a killed promtool leaves behind goes with the folder
    try:
        done = subprocess.run(
            [promtool, "test", "rules", *map(str, files)],
            capture_output=True, timeout=_LONGEST_S, check=False, env=environment,
        )  # fmt: skip
    except subprocess.TimeoutExpired as e:
        raise EnvironmentProblem(f"promtool did not come to an end within {show_duration(_LONGEST_S)}") from e
    return (done.stdout + done.stderr)[:_MOST_BYTES].decode("utf-8", "replace")


def _take(sheets: Sequence[Sheet], part: Sequence[int], output: str, played: Played) -> None:
    firings, ran = answers(output)
    played.firings.update(firings)
    said = what_it_said(output)
    for index in part:
        if not all(play.name in ran for play in sheets[index].plays):
            played.problems[index] = said or "promtool did not say why"
