"""An engine on another machine: which one, and what a container there has instead of shared folders."""

from __future__ import annotations

import io
import os
import tarfile
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from leakdrill.errors import BadInput
from leakdrill.machine.ports import LOOPBACK

if TYPE_CHECKING:
    from pathlib import Path

    from docker import DockerClient
    from docker.models.containers import Container

    from leakdrill.scenario.target import ContainerForm

_MOST_BYTES: Final = 16 << 20
_EVERYWHERE: Final = "0.0.0.0"  # noqa: S104 - compared with, and never bound to by us


def engine_host(client: DockerClient) -> str | None:
    """The machine that the engine runs on; None when it is reached over a socket of this machine.

    A port of loopback counts as elsewhere too: behind it may be a tunnel, and nothing tells it from an engine here.
    """
    base = str(client.api.base_url)
    if base.startswith("http+docker://ssh"):
        try:
            named = urlsplit(os.environ.get("DOCKER_HOST", "")).hostname
        except ValueError:
            named = None
        return named or "the host of DOCKER_HOST"
    return None if base.startswith("http+") else urlsplit(base).hostname


def reachable(form: ContainerForm, host: str | None) -> str:
    """The address at which a port published as `form` says is reached from here.

    Raises:
        BadInput: when the engine runs on another machine and publishes on that machine's own loopback.
    """
    if form.publish == _EVERYWHERE:
        return host or LOOPBACK
    if host in (None, "localhost", "::1", LOOPBACK) or form.publish != LOOPBACK:
        return form.publish
    raise BadInput(
        f"target.container.publish: {form.publish} is the loopback of {host}, where the engine of DOCKER_HOST runs; "
        "expected an address of it that is reached from here",
        hint=f"an address opens the service to anyone who can reach it; the other way is to run leakdrill on {host}",
    )


def volume(form: ContainerForm, size_bytes: int | None, label: dict[str, str]) -> Any:
    """The disk of a container elsewhere: a volume that goes with it, of `size_bytes` where that is given."""
    from docker.types import DriverConfig, Mount

    options = {"type": "tmpfs", "device": "tmpfs", "o": f"size={size_bytes},mode=1777"}
    driver = DriverConfig("local", options) if size_bytes is not None else None
    return Mount(form.disk, source=None, type="volume", driver_config=driver, labels=label)


def send(container: Container, folder: Path, inside: str) -> None:
    """Copy `folder` to `inside` of a container that has not started yet.

    Raises:
        BadInput: when it holds more than belongs to a scenario.
    """
    held = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    if held > _MOST_BYTES:
        raise BadInput(
            f"{folder}: holds {held >> 20} MiB, which the engine would get; expected at most {_MOST_BYTES >> 20}",
            hint="give the scenario a folder of its own",
        )
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.add(folder, arcname=inside.strip("/"))
    container.put_archive("/", packed.getvalue())
