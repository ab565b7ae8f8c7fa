"""`python -m leaky_apps.gateway --port N`: serve until told to stop."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

# Before the imports below, because numpy reads them when it is imported. One thread is faster for products this small,
# and a pool of BLAS threads would hide how little the service uses.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import uvicorn

from leaky_apps.gateway.app import Gateway


def main() -> None:
    """Read the arguments and the environment (`LEAKDRILL_TOKEN`, `LEAKDRILL_DISK`), then serve."""
    parser = argparse.ArgumentParser(prog="python -m leaky_apps.gateway", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1", help="loopback unless told otherwise")
    args = parser.parse_args()
    gateway = Gateway(disk=_disk(args.port), token=os.environ.get("LEAKDRILL_TOKEN", ""))
    uvicorn.run(
        gateway.app(), host=args.host, port=args.port, access_log=False, lifespan="off", timeout_graceful_shutdown=3
    )


def _disk(port: int) -> Path:
    given = os.environ.get("LEAKDRILL_DISK")
    disk = Path(given) if given else Path(tempfile.gettempdir()) / f"leaky-gateway-{port}"
    disk.mkdir(parents=True, exist_ok=True)
    return disk


if __name__ == "__main__":
    main()
