"""Cards are published under DCGM exporter's names, labels and units, and under the documents' own pair."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from leakdrill.alerting.exporter import Exporter
from leakdrill.record.events import GpuDevice, GpuDevices
from leakdrill.record.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.integration
GIB = float(1 << 30)
READ = {
    "used_bytes": 5 * GIB, "free_bytes": 2.5 * GIB, "reserved_bytes": 0.5 * GIB, "total_bytes": 8 * GIB,
    "gpu_util_percent": 37.0, "temperature_celsius": 41.0, "power_watts": 71.5, "xid": 0.0, "ecc_corrected": 3.0,
}  # fmt: skip
LABELS = {"gpu": "0", "UUID": "GPU-1", "pci_bus_id": "00:01.0", "device": "nvidia0", "modelName": "S8", "Hostname": "h"}

CARD = GpuDevice("gpu0", "0", "GPU-1", "00:01.0", device="nvidia0", model="S8", hostname="h")


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    made = Recorder(tmp_path / "history.jsonl")
    yield made
    made.close()


def published(recorder: Recorder, fields: dict[str, float]) -> dict[str, list[tuple[float, dict[str, str]]]]:
    """What Prometheus would scrape after a reading of `fields`."""
    exporter = Exporter(recorder, labels={"container": "gpu-service"}, mountpoint="/x", stale_after_s=60)
    recorder.record(CARD)
    recorder.record(replace(CARD, device_key="gpu0/3", slice_id="3", slice_profile="1g.1gb"))
    recorder.record(GpuDevices.of(fields))
    exporter.start()
    try:
        text = httpx.get(f"http://{exporter.address}/metrics", trust_env=False).text
    finally:
        exporter.stop()
    found: dict[str, list[tuple[float, dict[str, str]]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.value, dict(sample.labels)))
    return found


def test_a_card_has_dcgms_names_units_and_labels(recorder: Recorder) -> None:
    seen = published(recorder, {f"gpu0.{name}": value for name, value in READ.items()})
    values = {name: rows[0][0] for name, rows in seen.items() if name.startswith("DCGM_")}
    assert values == {
        "DCGM_FI_DEV_FB_USED": 5120, "DCGM_FI_DEV_FB_FREE": 2560, "DCGM_FI_DEV_FB_RESERVED": 512,
        "DCGM_FI_DEV_FB_TOTAL": 8192, "DCGM_FI_DEV_GPU_UTIL": 37, "DCGM_FI_DEV_GPU_TEMP": 41,
        "DCGM_FI_DEV_POWER_USAGE": 71.5, "DCGM_FI_DEV_XID_ERRORS": 0, "DCGM_FI_DEV_ECC_SBE_VOL_TOTAL": 3,
    }  # fmt: skip
    assert seen["DCGM_FI_DEV_FB_USED"][0][1] == LABELS


def test_a_card_has_the_names_of_other_exporters_too(recorder: Recorder) -> None:
    """Each with its own unit and labels; a slice is no card to them."""
    seen = published(recorder, {f"gpu0.{n}": value for n, value in READ.items()} | {"gpu0/3.used_bytes": GIB})
    assert seen["nvidia_smi_memory_used_bytes"] == [(5 * GIB, {"uuid": "1"})]
    assert seen["nvidia_smi_utilization_gpu_ratio"] == [(0.37, {"uuid": "1"})]
    of_nvml = {"minor_number": "0", "uuid": "GPU-1", "name": "S8"}
    assert seen["nvidia_gpu_duty_cycle"] == [(37, of_nvml)]
    assert seen["nvidia_gpu_power_usage_milliwatts"] == [(71500, of_nvml)]
    assert "nvidia_smi_utilization_memory_ratio" not in seen, "it was not read"


def test_the_documents_pair_counts_what_cannot_be_allocated(recorder: Recorder) -> None:
    seen = published(recorder, {f"gpu0.{name}": value for name, value in READ.items()})
    labels = {"container": "gpu-service", "gpu": "0", "UUID": "GPU-1"}
    assert seen["gpu_memory_used_bytes"] == [(5.5 * GIB, labels)]
    assert seen["gpu_memory_total_bytes"] == [(8 * GIB, labels)]


def test_a_slice_is_a_series_of_its_own(recorder: Recorder) -> None:
    seen = published(recorder, {"gpu0.used_bytes": 2 * GIB, "gpu0/3.used_bytes": GIB})
    (_, card), (used, part) = seen["DCGM_FI_DEV_FB_USED"]
    assert used == 1024
    assert part == {**card, "GPU_I_ID": "3", "GPU_I_PROFILE": "1g.1gb"}


def test_what_was_not_read_is_not_published(recorder: Recorder) -> None:
    seen = published(recorder, {"gpu0.used_bytes": GIB})
    assert {name for name in seen if name.startswith(("DCGM", "gpu_"))} == {"DCGM_FI_DEV_FB_USED"}
