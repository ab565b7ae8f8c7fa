"""The inference gateway's leaks: the request that makes each of them grow, with a number of its own each time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx


def _predict(client: httpx.Client, n: int, **more: Any) -> None:
    client.post("/predict", json={"data": [[1, 2, 3]], "key": f"k-{n}", **more}).raise_for_status()


def predict(client: httpx.Client, n: int) -> None:
    _predict(client, n)


def new_version(client: httpx.Client, n: int) -> None:
    _predict(client, n, model=f"v{n}")


def prompt(client: httpx.Client, n: int) -> None:
    _predict(client, n, text="a" * 1000 + "!")


def large_body(client: httpx.Client, n: int) -> None:
    _predict(client, n, metadata=["x" * 1021] * 64)


def rerank(client: httpx.Client, n: int) -> None:
    _predict(client, n, rerank=True)


def job(client: httpx.Client, n: int) -> None:
    _predict(client, n, job=True)


REQUESTS: Final[dict[str, Callable[[httpx.Client, int], None]]] = {
    "unbounded-cache": predict,
    "unreleased-weights": new_version,
    "retained-requests": predict,
    "uncollected-requests": predict,
    "stuck-requests": predict,
    "bloated-worker": job,
    "large-arrays": rerank,
    "leaked-connections": predict,
    "leaked-files": predict,
    "leaked-threads": predict,
    "log-flood": predict,
    "temp-files": predict,
    "checkpoints": predict,
    "stale-model-files": new_version,
    "hot-loop": predict,
    "catastrophic-regex": prompt,
    "huge-json": large_body,
    "large-inputs": predict,
}
