"""The GPU meter through the real pynvml: what the driver tells is read, and what it does not tell is absent."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

import standin
from meter_process import Reader, make_stand_in
from standin import GIB, MIB

if TYPE_CHECKING:
    from pathlib import Path

    from standin import StandIn

pytestmark = [pytest.mark.integration, pytest.mark.long]
MINE = os.getpid()
SLOW = 5
"""Readings after which those that are read seldom come again."""


@pytest.fixture
def gpu(tmp_path: Path) -> StandIn:
    return make_stand_in(tmp_path, devices=2)


def test_memory_load_temperature_power_and_errors_of_a_card_are_read(gpu: StandIn) -> None:
    gpu.device(0).ecc_corrected = 3
    with Reader(gpu.environment, [0], []) as meter:
        seen = meter.read()
    total = {"gpu0.total_bytes": 8 * GIB, "gpu0.reserved_bytes": 256 * MIB, "gpu0.used_bytes": 64 * MIB}
    rest = {"gpu0.gpu_util_percent": 37, "gpu0.temperature_celsius": 41, "gpu0.power_watts": 71.5}
    assert seen.items() >= (total | rest | {"gpu0.ecc_corrected": 3, "gpu0.ecc_uncorrected": 0, "gpu0.xid": 0}).items()
    assert seen["gpu0.free_bytes"] == 8 * GIB - 256 * MIB - 64 * MIB
    assert "gpu1.used_bytes" not in seen


def test_memory_is_divided_into_the_targets_another_processs_and_nobodys(gpu: StandIn) -> None:
    gpu.device(0).take(MINE, 3 * GIB)
    gpu.device(0).take(os.getppid(), GIB)
    with Reader(gpu.environment, [0], [MINE]) as meter:
        seen = meter.read()
        shares = {"own_bytes": 3 * GIB, "others_bytes": GIB, "elsewhere_bytes": 64 * MIB, f"pid{MINE}_bytes": 3 * GIB}
        assert seen.items() >= {f"gpu0.{name}": value for name, value in shares.items()}.items()
        (other,) = meter.labels("process")
    assert other["pid"] == str(os.getppid())
    assert other["program"] not in {"", "?"}


def test_the_sum_is_over_the_cards_that_were_named(gpu: StandIn) -> None:
    gpu.device(0).take(MINE, GIB)
    gpu.device(1).take(MINE, 2 * GIB)
    with Reader(gpu.environment, [0, 1], [MINE]) as both, Reader(gpu.environment, [1], [MINE]) as one:
        assert both.read()["own_bytes"] == 3 * GIB
        assert one.read()["own_bytes"] == 2 * GIB


def test_a_card_is_found_by_its_uuid(gpu: StandIn) -> None:
    uuid = gpu.device(1).uuid.decode()
    with Reader(gpu.environment, [uuid], []) as meter:
        assert meter.read()["gpu1.total_bytes"] == 8 * GIB
        (device,) = meter.labels("device")
    assert (device["UUID"], device["gpu"], device["device"]) == (uuid, "1", "nvidia1")


@pytest.mark.parametrize(
    ("lacks", "absent"),
    [
        (standin.MEMORY, {"used_bytes", "free_bytes", "total_bytes", "reserved_bytes", "elsewhere_bytes"}),
        (standin.MEMORY_V2, {"reserved_bytes"}),
        (standin.PROCESSES, {"own_bytes", "others_bytes", "elsewhere_bytes"}),
        (standin.UTILISATION, {"gpu_util_percent", "memory_util_percent"}),
        (standin.TEMPERATURE, {"temperature_celsius"}),
        (standin.POWER, {"power_watts"}),
        (standin.ECC, {"ecc_corrected", "ecc_uncorrected"}),
        (standin.XID, {"xid"}),
    ],
)
def test_what_a_driver_does_not_support_is_absent_and_never_nothing(gpu: StandIn, lacks: int, absent: set[str]) -> None:
    with Reader(gpu.environment, [0], []) as whole:
        everything = set(whole.read())
    gpu.device(0).lacks = lacks
    with Reader(gpu.environment, [0], []) as meter:
        seen = set(meter.read())
    assert {name for name in everything - seen if name.startswith("gpu0.")} == {f"gpu0.{name}" for name in absent}


def test_the_first_version_of_memory_counts_what_is_reserved_as_used(gpu: StandIn) -> None:
    gpu.device(0).lacks = standin.MEMORY_V2
    with Reader(gpu.environment, [0], []) as meter:
        assert meter.read()["gpu0.used_bytes"] == (64 + 256) * MIB


def test_a_process_of_which_the_driver_does_not_tell_leaves_the_shares_open(gpu: StandIn) -> None:
    gpu.device(0).take(MINE, standin.NOT_TOLD)
    with Reader(gpu.environment, [0], [MINE]) as meter:
        seen = meter.read()
    assert seen["gpu0.others_bytes"] == 0
    assert not {"own_bytes", "gpu0.own_bytes", "gpu0.elsewhere_bytes"} & set(seen)


def test_a_card_that_falls_off_is_named_and_leaves_the_sum_open(gpu: StandIn) -> None:
    with Reader(gpu.environment, [0, 1], []) as meter:
        assert "used_bytes" in meter.read()
        gpu.device(1).lose()
        seen = meter.read()
        assert "gpu0.used_bytes" in seen
        assert not {"gpu1.used_bytes", "used_bytes", "own_bytes"} & set(seen)
        (lost,) = [event for event in meter.events if event.name == "silent"]
        assert (lost.value, lost.labels["device_key"]) == ("lost", "gpu1")
        assert "lost" in lost.labels["error"].lower()
        gpu.device(1).error = 0
        assert "gpu1.used_bytes" in meter.read()
        assert meter.labels("answers") == [{"device_key": "gpu1"}]


def test_an_xid_error_is_told_once_and_stays_the_last(gpu: StandIn) -> None:
    with Reader(gpu.environment, [0], []) as meter:
        assert meter.read()["gpu0.xid"] == 0
        gpu.device(0).strike(79)
        assert meter.read(SLOW)["gpu0.xid"] == 79
        assert meter.read(SLOW)["gpu0.xid"] == 79
        assert [event.value for event in meter.events if event.name == "xid"] == [79]


def test_mig_slices_are_read_beside_their_card(gpu: StandIn) -> None:
    gpu.device(0).split(GIB, 2 * GIB)
    gpu.device(0).slices[1].used = GIB // 2
    with Reader(gpu.environment, [0], []) as meter:
        seen = meter.read()
        slices = [labels for labels in meter.labels("device") if "GPU_I_ID" in labels]
    assert (seen["gpu0/1.total_bytes"], seen["gpu0/2.used_bytes"]) == (GIB, GIB // 2)
    assert [(labels["GPU_I_ID"], labels["GPU_I_PROFILE"]) for labels in slices] == [("1", "1g.1gb"), ("2", "1g.2gb")]
    assert seen["total_bytes"] == 8 * GIB


def test_a_mig_slice_can_be_the_device(gpu: StandIn) -> None:
    gpu.device(0).split(GIB, 2 * GIB)
    with Reader(gpu.environment, [gpu.device(0).slices[1].uuid.decode()], []) as meter:
        assert meter.read()["total_bytes"] == 2 * GIB


@pytest.mark.parametrize(
    ("code", "words"), [(standin.VERSION_MISMATCH, "mismatched"), (standin.DRIVER_NOT_LOADED, "is not loaded")]
)
def test_a_driver_that_does_not_start_is_said_in_words(gpu: StandIn, code: int, words: str) -> None:
    gpu.state.init_error = code
    with Reader(gpu.environment, [0], []) as meter, pytest.raises(OSError, match=words):
        meter.read()


def test_a_driver_that_is_not_there_is_said_in_words(gpu: StandIn) -> None:
    (gpu.folder / "libnvidia-ml.so.1").write_bytes(b"no library")
    with Reader(gpu.environment, [0], []) as meter, pytest.raises(OSError, match="there is no NVIDIA driver"):
        meter.read()


def test_a_card_that_is_not_there_is_said_in_words(gpu: StandIn) -> None:
    with Reader(gpu.environment, [7], []) as meter, pytest.raises(OSError, match="no GPU 7: the driver knows 2 cards"):
        meter.read()
    with Reader(gpu.environment, ["GPU-nobody"], []) as meter, pytest.raises(OSError, match="GPU-nobody"):
        meter.read()
