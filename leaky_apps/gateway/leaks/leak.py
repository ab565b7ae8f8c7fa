"""What every leak says of itself."""

from __future__ import annotations

from typing import Literal, Protocol


class Leak(Protocol):
    """Something that grows on purpose, with its cause on a switch.

    Attributes:
        name: what `POST /admin/leaks` calls it.
        resource: what grows, `memory` or `disk`.
        per_request_bytes: declared growth of that resource for each answered `POST /predict` with a new key.
        released_by: what gives back all that has grown.
        not_released_by: what a hasty runbook would try, and which must not help.
        twin: how the same service behaves with the leak switched off.
    """

    name: str
    resource: Literal["memory", "disk"]
    per_request_bytes: int
    released_by: tuple[str, ...]
    not_released_by: tuple[str, ...]
    twin: str

    @property
    def on(self) -> bool:
        """Whether the cause is active now."""

    def switch(self, *, on: bool) -> None:
        """Start or end the cause. Ending it gives nothing back."""


def describe(leak: Leak) -> dict[str, object]:
    """`leak` as `GET /admin/leaks` shows it."""
    return {
        "name": leak.name,
        "on": leak.on,
        "resource": leak.resource,
        "per_request_bytes": leak.per_request_bytes,
        "released_by": list(leak.released_by),
        "not_released_by": list(leak.not_released_by),
        "twin": leak.twin,
    }
