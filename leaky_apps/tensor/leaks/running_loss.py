"""A running loss that stays a tensor: its graph holds what every pass saved for a gradient that nobody asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaky_apps.tensor.network import SCORES_BYTES, STATE_BYTES

if TYPE_CHECKING:
    from leaky_apps.leak import Growth, Resource
    from leaky_apps.tensor.references import References


class RunningLoss:
    """Each pass keeps its input, its scores and four hidden tensors. Switched off, the sum keeps its graph."""

    name = "running-loss"
    resource: Resource = "memory"
    growth: Growth = "kept"
    per_request = float(4 * STATE_BYTES + 2 * SCORES_BYTES)
    request = "POST /predict with 32 rows"
    released_by: tuple[str, ...] = ("POST /admin/drop-references", "restart")
    not_released_by: tuple[str, ...] = ("POST /admin/gc", "POST /admin/empty-cache", "switching the leak off")
    twin = "a running loss that is a plain number, of passes without gradients"

    def __init__(self, references: References) -> None:
        self._references = references

    @property
    def on(self) -> bool:
        """Whether passes record gradients for the running loss."""
        return self._references.with_graph

    def switch(self, *, on: bool) -> None:
        """Record gradients, or stop."""
        self._references.with_graph = on
