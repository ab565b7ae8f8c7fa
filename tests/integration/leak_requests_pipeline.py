"""The pipeline's leaks: the request that makes each of them grow, with an episode of its own each time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx


def episode(client: httpx.Client, n: int) -> None:
    client.post("/episodes", json={"seed": n}).raise_for_status()


REQUESTS: Final[dict[str, Callable[[httpx.Client, int], None]]] = {
    # These two first: what other leaks leave behind in the heap would show in how they settle.
    "late-collection": episode,
    "unpruned-graph": episode,
    "redis-without-ttl": episode,
    "unbounded-process-cache": episode,
    "kept-segments": episode,
    "large-batches": episode,
}
