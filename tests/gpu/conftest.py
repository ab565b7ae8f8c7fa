"""A real NVIDIA card; without one these tests skip with the reason."""

from __future__ import annotations

import os

import pytest

from leakdrill.meters.nvml import NvmlUnavailable, open_nvml

REQUIRED = "LEAKDRILL_REQUIRE_GPU"


@pytest.fixture(scope="session", autouse=True)
def cards():
    """How many cards the driver knows."""
    try:
        nvml = open_nvml()
    except NvmlUnavailable as e:
        if os.environ.get(REQUIRED):
            raise
        pytest.skip(str(e))
    count = nvml.nvmlDeviceGetCount()
    nvml.nvmlShutdown()
    if not count:
        pytest.skip("the driver knows no card")
    return count
