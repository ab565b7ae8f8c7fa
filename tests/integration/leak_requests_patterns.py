"""The order processor's leaks: the request that makes each of them grow, with a number of its own each time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx


def order(client: httpx.Client, n: int) -> None:
    items = [{"sku": f"a-{n % 500}", "quantity": 1 + n % 7}]
    client.post("/orders", json={"customer": f"c-{n}", "items": items}).raise_for_status()


def quote(client: httpx.Client, n: int) -> None:
    client.get("/quotes", params={"sku": f"a-{n}"}).raise_for_status()


def export(client: httpx.Client, n: int) -> None:
    client.post("/exports", json={"first": 1 + n, "rows": 512}).raise_for_status()


def report(client: httpx.Client, n: int) -> None:
    client.post("/reports", json={"rows": 12_288 - n % 2}).raise_for_status()


REQUESTS: Final[dict[str, Callable[[httpx.Client, int], None]]] = {
    "unbounded-collection": order,
    "cache-without-eviction": quote,
    "retained-large-objects": export,
    "global-accumulation": order,
    "reference-cycles": order,
    "large-allocations": report,
}
