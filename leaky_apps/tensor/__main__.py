"""`python -m leaky_apps.tensor --port N`: serve until told to stop."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

# Before torch is imported, which reads them then. Products this small are faster on one thread, and need no workspace:
# what cuBLAS keeps for each stream by default, 8 MiB or on newer cards 32, is more than the whole network.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":16:8")
os.environ.setdefault("CUBLASLT_WORKSPACE_SIZE", "128")

from leaky_apps.service.serve import serve
from leaky_apps.tensor.app import TensorService
from leaky_apps.tensor.device import choose
from leaky_apps.tensor.process import prepare, settle

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from leaky_apps.service.serve import Place


def _bytes(name: str) -> int | None:
    return int(os.environ.get(name, "0")) or None


def _build(place: Place) -> ASGIApp:
    prepare()
    device = choose(
        os.environ.get("TENSOR_DEVICE", "auto"),
        budget_bytes=_bytes("TENSOR_BUDGET_BYTES"),
        card_budget_bytes=_bytes("TENSOR_CARD_BUDGET_BYTES"),
        fraction=float(os.environ.get("TENSOR_MEMORY_FRACTION", "1")),
    )
    service = TensorService(device=device, disk=place.disk, token=place.token)
    leaks = {leak.name: leak for leak in service.leaks}
    for name in os.environ.get("TENSOR_LEAKS", "").split():
        leaks[name].switch(on=True)
    service.inference.retry_smaller = os.environ.get("TENSOR_RETRY_SMALLER", "1") != "0"
    app = service.app()
    settle()
    return app


if __name__ == "__main__":
    serve("tensor", _build)
