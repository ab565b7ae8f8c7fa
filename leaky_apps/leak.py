"""The declaration that every leak of a sample service makes."""

from __future__ import annotations

from typing import Final, Literal, Protocol

Resource = Literal["memory", "disk", "descriptors", "threads", "cpu"]

Growth = Literal["kept", "peak"]
"""`kept` stays after the answer; `peak` is held only while a request is answered."""

UNITS: Final[dict[Resource, str]] = {
    "memory": "bytes",
    "disk": "bytes",
    "descriptors": "open file descriptors",
    "threads": "threads",
    "cpu": "seconds of processor time",
}
"""In what `per_request` counts, by resource."""


class Leak(Protocol):
    """Something that grows on purpose, with its cause on a switch.

    Attributes:
        name: what `POST /admin/leaks` calls it.
        resource: what grows.
        per_request: declared growth of that resource for each answered request of `request`, in the unit of `UNITS`.
            For `cpu` it is no growth: what each request costs more than without the cause.
            Where `growth` is `peak`: what one request holds at its highest.
        growth: whether what has grown stays after the answer.
        request: the requests that make it grow, such as `POST /predict with a new key`.
        released_by: what gives back all that has grown.
        not_released_by: what a hasty runbook would try, and which must not help.
        twin: how the same service behaves with the leak switched off.
    """

    name: str
    resource: Resource
    growth: Growth
    per_request: float
    request: str
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
        "growth": leak.growth,
        "per_request": leak.per_request,
        "unit": UNITS[leak.resource],
        "request": leak.request,
        "released_by": list(leak.released_by),
        "not_released_by": list(leak.not_released_by),
        "twin": leak.twin,
    }
