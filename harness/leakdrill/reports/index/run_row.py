"""The runs below a folder, a row each: their verdicts as they are stored, where the record is as the run wrote it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from leakdrill.errors import LeakdrillError
from leakdrill.files import is_file, is_folder
from leakdrill.judging.key_numbers import KeyNumber, key_numbers
from leakdrill.judging.watch.run_files import is_watch, read_watch_info
from leakdrill.record.seal import check_seal
from leakdrill.record.signature import users_key
from leakdrill.record.store import RunFolder, read_run_info
from leakdrill.record.verdict import Outcome, worst
from leakdrill.record.verdict_file import read_verdicts
from leakdrill.reports.page.headline import sentence
from leakdrill.reports.page.run_page import PAGE
from leakdrill.screenful import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from leakdrill.record.verdict import Verdict


_MOST_TEXT: Final = 320
"""Characters of the sentence of a run; its page has it whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One stored run.

    Attributes:
        scenario: its name; of a watched run the command line.
        kind: `drill`, `rehearsal`, `gate` or `watch`.
        started: when it began, UTC; None where its `run.json` cannot be read.
        place: its folder below the root, with `/`.
        outcome: the worst of its verdicts; UNKNOWN where there are none.
        text: what they come to, in a sentence, or why there are none.
        runs_still: whether it is under way.
        has_page: whether its page is in its folder.
        numbers: those by which a person knows a run; none where the record was changed.
    """

    scenario: str
    kind: str
    started: datetime | None
    place: str
    outcome: Outcome
    text: str
    runs_still: bool
    has_page: bool
    numbers: tuple[KeyNumber, ...]

    def as_dict(self) -> dict[str, Any]:
        """The same facts for machines."""
        return {**asdict(self), "started": self.started.isoformat() if self.started else None}


def run_folders(root: Path) -> Iterator[Path]:
    """Yields the run folders below `root`, `runs/SCENARIO/START`, by scenario and start; links are left out.

    A folder that goes while it is looked at is left out; one that may not be looked into comes itself, so that it is
    told about.

    Raises:
        OSError: when `root` cannot be looked into.
    """
    for scenario in _folders(root):
        try:
            runs = _folders(scenario)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            yield scenario
            continue
        yield from (run for run in runs if is_file(run / "run.json"))


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if is_folder(path) and not path.is_symlink())


def read_row(run: Path, root: Path, *, runs_still: bool) -> RunRow:
    """The row of the run in `run`, a folder below `root`; what cannot be read of it is said in the row.

    `runs_still` says whether it is under way, which its files do not tell.
    """
    folder = RunFolder(run)
    verdicts: tuple[Verdict, ...] = ()
    try:
        scenario, kind, started = _identity(folder)
    except LeakdrillError as e:
        scenario, kind, started, text = run.relative_to(root).parts[0], "run", None, e.message
    else:
        verdicts, text = _verdicts(folder, runs_still=runs_still)
    return RunRow(
        scenario=scenario,
        kind=kind,
        started=started,
        place=run.relative_to(root).as_posix(),
        outcome=worst(verdicts),
        text=shortened(text, _MOST_TEXT),
        runs_still=runs_still,
        has_page=is_file(run / PAGE),
        numbers=tuple(key_numbers(verdicts)),
    )


def _identity(folder: RunFolder) -> tuple[str, str, datetime]:
    if is_watch(folder):
        watched = read_watch_info(folder)
        return watched.watch.command_line, "watch", watched.started
    info = read_run_info(folder)
    return info.scenario.name, "rehearsal" if info.rehearsal is not None else info.kind, info.started


def _verdicts(folder: RunFolder, *, runs_still: bool) -> tuple[tuple[Verdict, ...], str]:
    """The stored verdicts and their sentence; none, and the reason, where they do not hold."""
    if runs_still:
        return (), "The run is under way."
    try:
        seal = check_seal(folder, key=users_key())
        if seal.fault:
            return (), seal.fault
        if not folder.verdicts.is_file():
            return (), "It was never judged: it broke off, or `leakdrill analyze` has not been called."
        verdicts = read_verdicts(folder.verdicts).verdicts
    except LeakdrillError as e:
        return (), e.message
    return verdicts, sentence(verdicts)
