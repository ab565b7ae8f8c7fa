"""How a container is given its cards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.scenario_gpu import Gpu


def device_requests(gpu: Gpu | None) -> dict[str, Any]:
    """What the engine's `create` is told; nothing where there are no cards, or where it must also run without."""
    if gpu is None or not gpu.required:
        return {}
    from docker.types import DeviceRequest

    return {"device_requests": [DeviceRequest(device_ids=[str(d) for d in gpu.devices], capabilities=[["gpu"]])]}
