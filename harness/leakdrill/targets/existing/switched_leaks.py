"""The leaks that a drill has switched on in a service that goes on after it: each is in the journal until it is off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.targets.base.leak_request import as_kept, switch_off
from leakdrill.targets.existing.undo import still_runs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import psutil

    from leakdrill.machine.http_access import Access
    from leakdrill.record.journal import Entry, Journal
    from leakdrill.scenario.actions import HttpCall
    from leakdrill.scenario.target import ProcessTarget


class SwitchedLeaks:
    """Those of one service.

    Args:
        spec: where it answers.
        access: how requests to it are made.
        folder: what relative files of `spec.http` are seen from.
        journal: gets each before it is switched on.
        part: tells its entries from those of other targets.
        process: the one that serves now.
    """

    def __init__(
        self,
        spec: ProcessTarget,
        *,
        access: Access,
        folder: Path,
        journal: Journal,
        part: str,
        process: Callable[[], psutil.Process],
    ) -> None:
        self._spec = spec
        self._access = access
        self._folder = folder
        self._journal = journal
        self._part = part
        self._process = process
        self._on: dict[str, tuple[Entry, HttpCall]] = {}

    def note_switched_on(self, leak: str, off: HttpCall) -> None:
        """Remember in the journal that `off` ends the leak that is about to be switched on."""
        self.note_switched_off(leak)
        process = self._process()
        entry = self._journal.plan(
            "service leak",
            part=self._part,
            name=leak,
            url=self._spec.url,
            folder=str(self._folder),
            http=self._spec.http.model_dump(mode="json"),
            pid=process.pid,
            create_time=process.create_time(),
            **as_kept(off),
        )
        self._on[leak] = (entry, off)

    def note_switched_off(self, leak: str) -> None:
        """Forget it: the leak is off."""
        if leak in self._on:
            self._journal.undone(self._on.pop(leak)[0])

    def end(self) -> list[str]:
        """Switch off what is still on, with the secrets that the journal does not hold; says what would not go."""
        reasons = []
        for leak, (entry, off) in list(self._on.items()):
            there = still_runs(int(entry.data["pid"]), float(entry.data["create_time"]))
            reason = switch_off(off, str(self._spec.url), self._access) if there else None
            if reason:
                reasons.append(f"the leak {leak} could not be switched off: {reason}")
            else:
                self.note_switched_off(leak)
        return reasons
