"""GPUs for a container, and what the engine says when it has none to give."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from leakdrill.errors import EnvironmentProblem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.scenario.gpu import Gpu

_NO_RUNTIME: Final = ("device driver", "[[gpu]]", "CDI", "nvidia-container")
"""Words of Docker, of its successor's device interface, and of NVIDIA's own program, when a GPU cannot be given."""


def device_requests(gpu: Gpu | None) -> dict[str, Any]:
    """Options of the engine's `create`; none where there are no GPUs, or where the service must also run without."""
    if gpu is None or not gpu.required:
        return {}
    from docker.types import DeviceRequest

    return {"device_requests": [DeviceRequest(device_ids=[str(d) for d in gpu.devices], capabilities=[["gpu"]])]}


@contextlib.contextmanager
def gpus_given(gpu: Gpu | None, target: str) -> Iterator[None]:
    """Start the container in here: an engine that cannot give it its GPUs is said as such.

    Raises:
        EnvironmentProblem: naming the GPUs, with the engine's own words and what is missing.
    """
    try:
        yield
    except EnvironmentProblem as e:
        if not device_requests(gpu) or gpu is None or not any(words in e.message for words in _NO_RUNTIME):
            raise
        named = ", ".join(map(str, gpu.devices))
        raise EnvironmentProblem(
            f"target '{target}': the engine cannot give its container the cards of target.gpu ({named}). {e.message}",
            hint="install NVIDIA's container toolkit where the engine runs, or set target.gpu: {required: false}",
        ) from e
