"""The pages that are served: the index of a folder of runs, and the page of each, made when it is asked for."""

from __future__ import annotations

import contextlib
import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from leakdrill.judging.analyze import stored_verdicts
from leakdrill.record.history import History, read_history
from leakdrill.record.ownership import owner_lives
from leakdrill.record.seal import Seal, check_seal
from leakdrill.record.signature import users_key
from leakdrill.record.store import RunFolder
from leakdrill.reports.index.run_row import read_row, run_folders
from leakdrill.reports.index.write import index_html, index_json
from leakdrill.reports.page.run_page import run_page

if TYPE_CHECKING:
    from pathlib import Path

    from leakdrill.record.verdict import Verdict
    from leakdrill.reports.index.run_row import RunRow

_UNDER_WAY = "the run is under way: this page is made anew every few seconds"
_Stamp = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Served:
    """One response: its text, its media type, and whether it will change because a run is under way."""

    text: str
    media_type: str = "text/html"
    is_live: bool = False


class Pages:
    """Makes the pages of the runs below `root`. Writes nothing there."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._rows: dict[Path, tuple[_Stamp, RunRow]] = {}
        self._lock = threading.Lock()
        self._making = threading.Lock()

    def index(self) -> Served:
        """The index, with a link to the page of each run."""
        rows = self._all_rows()
        html = index_html(rows, title=self._root.name, link=lambda row: f"/{quote(os.fsencode(row.place))}/")
        return Served(html, is_live=any(row.runs_still for row in rows))

    def data(self) -> Served:
        """The index as JSON."""
        return Served(index_json(self._all_rows()), media_type="application/json")

    def run(self, place: str) -> Served | None:
        """The page of the run at `place`, such as `gateway-unbounded-cache/20260101T090000Z`; None where there is none.

        Raises:
            BadInput: when a file of the run cannot be read.
        """
        path = {run.relative_to(self._root).as_posix(): run for run in run_folders(self._root)}.get(place)
        if path is None:
            return None
        with self._making:  # one at a time: the record of a long run takes much memory
            return self._made(path)

    @staticmethod
    def _made(path: Path) -> Served:
        folder, goes_on = RunFolder(path), owner_lives(path)
        history = read_history(folder.history)
        verdicts: list[Verdict] = []
        if goes_on:
            seal = Seal(head="", lines=len(history), fault=_UNDER_WAY)
            verdicts = stored_verdicts(folder, History(()))  # what will be claimed; nothing is judged yet
        else:
            seal = check_seal(folder, key=users_key())
            if not seal.fault or seal.verdicts_edited:
                verdicts = stored_verdicts(folder, history)
        return Served(run_page(folder, verdicts, seal, history, is_live=goes_on, home="/"), is_live=goes_on)

    def _all_rows(self) -> list[RunRow]:
        with self._lock:
            rows = {run: self._row(run) for run in run_folders(self._root)}
            self._rows = {run: kept for run, kept in self._rows.items() if run in rows}
            return list(rows.values())

    def _row(self, run: Path) -> RunRow:
        """The row of a run, read again only where one of its files has changed."""
        stamp = _stamp(run)
        known = self._rows.get(run)
        if known is not None and known[0] == stamp and not known[1].runs_still:
            return known[1]
        row = read_row(run, self._root, runs_still=owner_lives(run))
        self._rows[run] = (stamp, row)
        return row


def _stamp(run: Path) -> _Stamp:
    """The time and size of the files that a row is read from."""
    stamp = []
    for name in ("run.json", "history.jsonl", "verdicts.json", "report.html"):
        with contextlib.suppress(OSError):  # it is not there, or no longer
            status = (run / name).stat()
            stamp.append((status.st_mtime_ns, status.st_size))
    return tuple(stamp)
