"""Serves a sample service until told to stop: its arguments, its folder, its token."""

from __future__ import annotations

import argparse
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp


@dataclass(frozen=True, slots=True)
class Place:
    """The port, the folder and the token of a service.

    Attributes:
        name: of the service.
        disk: its folder, which exists (`LEAKDRILL_DISK`, else one in the temporary folder).
        token: what its admin endpoints ask for (`LEAKDRILL_TOKEN`); empty turns them off.
    """

    name: str
    disk: Path
    token: str


def serve(name: str, build: Callable[[Place], ASGIApp]) -> None:
    """Read the arguments and the environment, build the application and serve it."""
    parser = argparse.ArgumentParser(prog=f"python -m leaky_apps.{name}")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1", help="loopback unless told otherwise")
    args = parser.parse_args()
    place = Place(name, _disk(name, args.port), os.environ.get("LEAKDRILL_TOKEN", ""))
    uvicorn.run(
        build(place), host=args.host, port=args.port, access_log=False, lifespan="off", timeout_graceful_shutdown=3
    )


def _disk(name: str, port: int) -> Path:
    given = os.environ.get("LEAKDRILL_DISK")
    disk = Path(given) if given else Path(tempfile.gettempdir()) / f"leaky-{name}-{port}"
    disk.mkdir(parents=True, exist_ok=True)
    return disk
