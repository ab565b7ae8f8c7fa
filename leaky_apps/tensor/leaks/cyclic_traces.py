"""A trace whose spans know it: a cycle that holds a tensor, in a service whose collector is off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaky_apps.tensor.network import STATE_BYTES

if TYPE_CHECKING:
    from leaky_apps.leak import Growth, Resource
    from leaky_apps.tensor.inference import Inference


class CyclicTraces:
    """Each request leaves a cycle with its second hidden state in it. A collection finds them all."""

    name = "cyclic-traces"
    resource: Resource = "memory"
    growth: Growth = "kept"
    per_request = float(STATE_BYTES)
    request = "POST /predict with 32 rows"
    released_by: tuple[str, ...] = ("POST /admin/gc", "restart")
    not_released_by: tuple[str, ...] = (
        "POST /admin/empty-cache",
        "POST /admin/drop-references",
        "switching the leak off",
    )
    twin = "traces without a way back, which end with their request"

    def __init__(self, inference: Inference) -> None:
        self._inference = inference

    @property
    def on(self) -> bool:
        """Whether traces are cycles."""
        return self._inference.cyclic_traces

    def switch(self, *, on: bool) -> None:
        """Make cycles, or stop; those that were made stay."""
        self._inference.cyclic_traces = on
