"""One life of a run, the same for a drill, a gate, a watched command and many drills side by side.

    earlier runs cleaned up ─ folder, owner, record, journal ─ signals ─ the work ─ undo ─ record closed ─ verdicts

A signal never interrupts the undo. The verdicts come from the files alone, as `leakdrill analyze` would give them.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from leakdrill.errors import BadInput, EnvironmentProblem, Interrupted, LeakdrillError
from leakdrill.judging.analyze import JudgedRun, judge_run
from leakdrill.machine.signals import uninterruptible
from leakdrill.record.journal import Journal
from leakdrill.record.journal_header import JOURNAL_FILE
from leakdrill.record.ownership import note_owner
from leakdrill.record.recorder import Recorder
from leakdrill.record.seal import Seal, covered_file
from leakdrill.record.signature import SIGNATURE_FILE, sign, users_key
from leakdrill.record.store import create_run, read_run_info
from leakdrill.record.writing import DISK_IS_LOST, unwritable, writing
from leakdrill.runs.undo import clean_runs, undo_all
from leakdrill.runs.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from types import TracebackType

    from rich.console import Console

    from leakdrill.record.store import RunFolder
    from leakdrill.record.verdict import Verdict
    from leakdrill.scenario.scenario import Scenario

    Notify = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A run that is over.

    Attributes:
        folder: its files.
        verdicts: what it shows.
        seal: what the seal of its record says.
        error: what ended it before its time; None when nothing did.
        leftovers: why something could not be undone, for each such thing.
    """

    folder: RunFolder
    verdicts: list[Verdict]
    seal: Seal
    error: LeakdrillError | Interrupted | None
    leftovers: list[str]

    def scenario(self) -> Scenario:
        """The scenario of a drill or a gate, as it was run."""
        return read_run_info(self.folder).scenario


class Session:
    """The frame around everything that runs: use as a context manager.

    Args:
        runs: the folder of all runs; what dead ones left is undone first.
        notify: gets a sentence for a person about each thing that could not be undone.
        signals: how the signals that ask us to end are taken, from the start to the end of the undo.
    """

    def __init__(self, runs: Path, *, notify: Notify, signals: AbstractContextManager[object]) -> None:
        self.error: LeakdrillError | Interrupted | None = None
        self.leftovers: list[str] = []
        self._runs = runs
        self._notify = notify
        self._signals = signals
        self._handlers = contextlib.ExitStack()
        self._closing = contextlib.ExitStack()
        self._is_undone = False

    def __enter__(self) -> Self:
        for problem in clean_runs(self._runs):
            self._notify(f"left by an earlier run: {problem}")
        with contextlib.ExitStack() as opening:
            self._open(opening)
            self._closing = opening.pop_all()
        self._closing.callback(self.undo)
        self._handlers.enter_context(self._signals)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        with self._handlers, self._keeping_interruption(), uninterruptible():
            self._closing.close()
        for problem in self.leftovers:
            self._notify(f"could not be undone: {problem}; `leakdrill clean` tries again")

    def at_end(self, stop: Callable[[], object]) -> None:
        """Call `stop` before the undo, however the run ends; the latest first."""
        self._closing.callback(stop)

    def undo(self) -> None:
        """Undo what was changed; does nothing the second time."""
        if not self._is_undone:
            self.leftovers = self._undo()
            self._is_undone = True

    @contextlib.contextmanager
    def keeping_error(self) -> Iterator[None]:
        """Let an error or an interruption end the block, and keep the first as what ended the run.

        A disk that is full or gone is an error of the environment, whichever file of the run meets it first.
        """
        try:
            yield
        except (LeakdrillError, Interrupted) as e:
            self.error = self.error or e
        except OSError as e:
            if e.errno not in DISK_IS_LOST:
                raise
            self.error = self.error or unwritable(Path(e.filename or self._runs), e)

    @contextlib.contextmanager
    def _keeping_interruption(self) -> Iterator[None]:
        try:
            yield
        except Interrupted as e:
            self.error = self.error or e

    def _open(self, closing: contextlib.ExitStack) -> None:
        """Open what the run writes to, and leave with `closing` how it is closed."""

    def _undo(self) -> list[str]:
        """Undo what the runs that were started here have left; returns why, for each thing that would not go."""
        return [str(problem) for problem in clean_runs(self._runs)]


class RunSession(Session):
    """The session of one run, which has a folder with a record and a journal.

    Args:
        runs: the folder of all runs.
        name: the scenario's, or the folder's where there is no scenario.
        notify: gets a sentence for a person about each thing that could not be undone.
        signals: how the signals that ask us to end are taken.
    """

    folder: RunFolder
    recorder: Recorder
    journal: Journal

    def __init__(self, runs: Path, name: str, *, notify: Notify, signals: AbstractContextManager[object]) -> None:
        super().__init__(runs, notify=notify, signals=signals)
        self._name = name
        self._key = users_key()
        self._journals: list[Journal] = []
        self._watchdog: Watchdog | None = None

    def finish(self) -> FinishedRun:
        """Judge the run, which has ended and is closed; a signal does not leave half of a file.

        Raises:
            Interrupted: when one came.
        """
        judged = JudgedRun([], Seal(head="", lines=0))
        with uninterruptible(), self.keeping_error():
            try:
                judged = judge_run(self.folder, key=self._key)
            except BadInput as e:  # the record of a run that has just ended is no input of the user's
                raise EnvironmentProblem(e.message, hint=e.hint) from e
        return FinishedRun(self.folder, judged.verdicts, judged.seal, self.error, self.leftovers)

    def cover(self, *names: str) -> None:
        """Put digests of these files of the run folder into the record, which from then on cannot change unseen."""
        for name in names:
            self.recorder.record(covered_file(self.folder, name))

    def open_journal(self, folder: Path) -> Journal:
        """Open a journal in `folder`, for what is stopped by undoing all that its journal holds."""
        folder.mkdir(parents=True, exist_ok=True)
        note_owner(folder)
        self._journals.append(Journal(folder / JOURNAL_FILE))
        if self._watchdog is not None:
            self._watchdog.guard(folder / JOURNAL_FILE)
        return self._journals[-1]

    def _open(self, closing: contextlib.ExitStack) -> None:
        self.folder = create_run(self._runs, self._name)
        self._start_watchdog(closing)
        with writing(self.folder.path):
            self.recorder, self.journal = Recorder(self.folder.history), self.open_journal(self.folder.path)
        closing.callback(self._close)

    def _start_watchdog(self, closing: contextlib.ExitStack) -> None:
        try:
            self._watchdog = Watchdog()
            closing.callback(self._watchdog.end)
        except OSError as e:
            reason = f"its watchdog could not be started: {e.strerror}"
            self._notify(f"{reason}; should this process be killed, `leakdrill clean` ends what it started")

    def _undo(self) -> list[str]:
        return [reason for journal in reversed(self._journals) for reason in undo_all(journal)]

    def _close(self) -> None:
        self.recorder.close()
        self.error = self.error or self.recorder.lost
        with self.keeping_error():
            self._sign()
        for journal in self._journals:
            journal.close()

    def _sign(self) -> None:
        if self._key is not None:
            with writing(self.folder.path / SIGNATURE_FILE):
                sign(self.folder, self._key, self.recorder.head)


def print_to(console: Console) -> Notify:
    """Returns a function that prints a sentence on `console` as it is."""
    return lambda sentence: console.print(sentence, markup=False)
