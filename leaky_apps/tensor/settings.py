"""The service's settings, which can be changed while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leaky_apps.service.settings import Kind, Setting, Settings, above_zero, attribute, flag, one_of, whole
from leaky_apps.tensor.order import MOST_ROWS

if TYPE_CHECKING:
    from leaky_apps.tensor.device import Device
    from leaky_apps.tensor.inference import Inference
    from leaky_apps.tensor.references import References


_PRECISIONS: Final = ("float32", "half", "int8")


def tensor_settings(inference: Inference, device: Device, references: References) -> Settings:
    """The settings of a service made of these parts. The device itself is chosen at start (`TENSOR_DEVICE`)."""

    def batch_size(rows: int) -> None:
        inference.max_batch_size = rows
        inference.whole_orders = False

    def checkpointing(on: bool) -> None:
        inference.network.checkpointing = on

    return Settings(
        {
            "max_batch_size": Setting(whole(1, MOST_ROWS), lambda: inference.max_batch_size, batch_size),
            "retry_smaller": attribute(flag(), inference, "retry_smaller"),
            "precision": attribute(_precisions(device), inference, "precision"),
            "checkpointing": Setting(flag(), lambda: inference.network.checkpointing, checkpointing),
            "gradients": attribute(flag(), references, "gradients"),
            "memory_fraction": attribute(above_zero(1), device, "fraction"),
            "device": Setting(one_of((device.name,)), lambda: device.name, lambda _name: None),
        }
    )


def _precisions(device: Device) -> Kind:
    """On a card all but one: torch has its dynamic quantization for the processor only."""
    if device.name == "cpu":
        return one_of((*_PRECISIONS, "dynamic"))
    kind = one_of(_PRECISIONS)
    return Kind(f"{kind.expected} (torch quantizes dynamically on the processor only)", kind.fits)
