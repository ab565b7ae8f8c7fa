"""The runner's leaks: the request that makes each of them grow, with a number of its own each time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx


def build(client: httpx.Client, n: int) -> None:
    client.post("/builds", json={"commit": f"c{n}", "mode": "critical"}).raise_for_status()


REQUESTS: Final[dict[str, Callable[[httpx.Client, int], None]]] = {
    "pinned-mode": build,
    "unbounded-outputs": build,
    "kept-workspaces": build,
    "orphaned-helpers": build,
}
