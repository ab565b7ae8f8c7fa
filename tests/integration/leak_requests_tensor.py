"""The tensor service's leaks: the request that makes each of them grow, with a number of its own each time."""

from __future__ import annotations

import importlib.util
import os
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

MISSING: Final = (
    "" if importlib.util.find_spec("torch") or os.environ.get("CI") else "torch is not installed; make test installs it"
)
"""Why the service cannot be started here. CI has no such excuse."""


def _predict(client: httpx.Client, n: int, **more: Any) -> httpx.Response:
    return client.post("/predict", json={"seed": n, "rows": 32, **more})


def predict(client: httpx.Client, n: int) -> None:
    _predict(client, n).raise_for_status()


def new_version(client: httpx.Client, n: int) -> None:
    _predict(client, n, version=f"v{n}").raise_for_status()


def new_key(client: httpx.Client, n: int) -> None:
    _predict(client, n, key=f"k{n}").raise_for_status()


def unknown_label(client: httpx.Client, n: int) -> None:
    answer = _predict(client, n, label=10_000)
    if answer.status_code != 422:
        raise AssertionError(f"an unknown label was answered {answer.status_code}; expected 422")


def from_host(client: httpx.Client, n: int) -> None:
    _predict(client, n, source="host").raise_for_status()


def from_loader(client: httpx.Client, n: int) -> None:
    _predict(client, n, source="loader").raise_for_status()


def new_stream(client: httpx.Client, n: int) -> None:
    _predict(client, n, stream=f"s{n}").raise_for_status()


def large_order(client: httpx.Client, n: int) -> None:
    _predict(client, n, rows=1024, hold_s=0.05).raise_for_status()


REQUESTS: Final[dict[str, Callable[[httpx.Client, int], None]]] = {
    "forgotten-hook": predict,
    "running-loss": predict,
    "kept-outputs": predict,
    "forgotten-no-grad": predict,
    "loaded-versions": new_version,
    "oversized-batches": large_order,
    "kept-errors": unknown_label,
    "embedding-cache": new_key,
    "unused-blocks": predict,
    "cyclic-traces": predict,
    "captured-graphs": new_stream,
    "pinned-buffers": from_host,
    "loader-workers": from_loader,
}
