"""Inference without `no_grad`, and a state that goes from request to request: its history reaches back to the first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leaky_apps.tensor.network import HIDDEN, SCORES_BYTES, STATE_BYTES

if TYPE_CHECKING:
    from leaky_apps.leak import Growth, Resource
    from leaky_apps.tensor.references import References

_CARRIED_BYTES: Final = HIDDEN * 4


class ForgottenNoGrad:
    """Each request adds one link: its input, three hidden tensors, and the state as it was."""

    name = "forgotten-no-grad"
    resource: Resource = "memory"
    growth: Growth = "kept"
    per_request = float(3 * STATE_BYTES + SCORES_BYTES + _CARRIED_BYTES)
    request = "POST /predict with 32 rows"
    released_by: tuple[str, ...] = ("POST /admin/drop-references", "restart")
    not_released_by: tuple[str, ...] = (
        "POST /admin/gc",
        "POST /admin/empty-cache",
        "gradients: false",
        "switching the leak off",
    )
    twin = "the same state, carried without gradients"

    def __init__(self, references: References) -> None:
        self._references = references

    @property
    def on(self) -> bool:
        """Whether the carried state has a history."""
        return self._references.carry_graph

    def switch(self, *, on: bool) -> None:
        """Record how the state is computed, or stop. The last state with a history is kept, to go back to."""
        self._references.carry_graph = on
