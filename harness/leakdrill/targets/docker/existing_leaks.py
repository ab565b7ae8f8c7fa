"""The leaks that a drill has switched on in a container that runs on: each is in the journal until it is off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leakdrill.targets.base.leak_request import as_kept
from leakdrill.targets.docker.existing_undo import on_container, started_at, switch_off_inside

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from docker.models.containers import Container

    from leakdrill.machine.http_access import Access
    from leakdrill.record.journal import Entry, Journal
    from leakdrill.scenario.actions import HttpCall
    from leakdrill.scenario.http_access import HttpAccess


class ContainerLeaks:
    """Those of one container.

    Args:
        http: how requests to it are made, as the scenario says it.
        access: the same, filled in.
        folder: what relative files of `http` are seen from.
        journal: gets each before it is switched on.
        identity: what finds it on its engine again.
        container: it, as it is now.
    """

    def __init__(
        self,
        http: HttpAccess,
        *,
        access: Access,
        folder: Path,
        journal: Journal,
        identity: Callable[[], Mapping[str, Any]],
        container: Callable[[], Container],
    ) -> None:
        self._http = http
        self._access = access
        self._folder = folder
        self._journal = journal
        self._identity = identity
        self._container = container
        self._on: dict[str, tuple[Entry, HttpCall]] = {}

    def note_switched_on(self, leak: str, off: HttpCall) -> None:
        """Remember in the journal that `off` ends the leak that is about to be switched on."""
        self.note_switched_off(leak)
        entry = self._journal.plan(
            "container leak",
            **self._identity(),
            name=leak,
            folder=str(self._folder),
            http=self._http.model_dump(mode="json"),
            started=started_at(self._container()),
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
            reason = self._end(leak, entry, off)
            if reason:
                reasons.append(reason)
            else:
                self.note_switched_off(leak)
        return reasons

    def _end(self, leak: str, entry: Entry, off: HttpCall) -> str | None:
        return on_container(
            entry.data,
            f"the leak {leak} could not be switched off",
            lambda client, container: switch_off_inside(client, entry.data, off, self._access, container),
        )
