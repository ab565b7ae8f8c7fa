"""The addresses to which a worker's users send their requests: those at which the target answers now.

A worker inside of a cluster reaches pods, not a Service, and pods come and go. Each user keeps to one address, users
are dealt out in turn over all workers, and when the addresses change they move, between two requests.
"""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

AVOID_S: Final = 1.0
"""How long an address that took no connection is avoided: its pod is leaving, and the new list comes a bit later."""


class TargetAddresses:
    """The target's addresses as one worker knows them.

    Args:
        first: the addresses when the load begins, such as `http://172.17.0.3:8000`.
        worker_index: which of the workers this one is, from 0 on.
        worker_count: how many workers there are.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        first: Sequence[str],
        *,
        worker_index: int = 0,
        worker_count: int = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now = list(first)
        self._known = set(first)
        self._numbers = itertools.count(worker_index, worker_count)
        self._clock = clock
        self._avoided: dict[str, float] = {}

    @property
    def known(self) -> frozenset[str]:
        """Every address at which the target has answered so far."""
        return frozenset(self._known)

    def change(self, addresses: Sequence[str]) -> None:
        """Send to `addresses` from now on; an empty list changes nothing."""
        if addresses:
            self._now = list(addresses)
            self._known.update(addresses)

    def of(self, number: int) -> str:
        """Returns the address for the next request of the user with `number`."""
        own = self._now[number % len(self._now)]
        if not self._is_avoided(own):
            return own
        others = [address for address in self._now if not self._is_avoided(address)]
        return others[number % len(others)] if others else own

    def on_request(self, *, exception: object = None, response: Any = None, url: str = "", **_others: Any) -> None:
        """Handle Locust's `request` event: an address that did not answer at all is avoided for a moment."""
        if exception is not None and not getattr(response, "status_code", None):
            try:
                parts = urlsplit(url or "")
            except ValueError:  # the locustfile's address is none
                return
            address = f"{parts.scheme}://{parts.netloc}"
            if address in self._known:
                self._avoided[address] = self._clock() + AVOID_S

    def redirect(self, sessions: Iterable[type]) -> None:
        """Make every client of these classes send requests for the target to where it answers now.

        Clients of other hosts are left alone: only a `base_url` that is one of the target's addresses is changed.
        """
        for session in sessions:
            setattr(session, "request", self._around(session.request))  # type: ignore[attr-defined]  # noqa: B010 - mypy knows no such attribute of a type

    def _around(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def request(client: Any, *args: Any, **kwargs: Any) -> Any:
            if client.base_url in self._known:
                client.base_url = self.of(self._number(client))
            return original(client, *args, **kwargs)

        return request

    def _number(self, client: Any) -> int:
        number: int | None = getattr(client, "leakdrill_number", None)
        if number is None:
            number = client.leakdrill_number = next(self._numbers)
        return number

    def _is_avoided(self, address: str) -> bool:
        return self._avoided.get(address, 0.0) > self._clock()
