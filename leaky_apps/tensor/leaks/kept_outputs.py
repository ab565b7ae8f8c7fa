"""Outputs kept for an audit as they come: each brings the graph along that it was computed by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaky_apps.tensor.network import SCORES_BYTES, STATE_BYTES

if TYPE_CHECKING:
    from leaky_apps.leak import Growth, Resource
    from leaky_apps.tensor.references import References


class KeptOutputs:
    """Each pass keeps its scores, its input and four hidden tensors. Switched off, what is kept stays."""

    name = "kept-outputs"
    resource: Resource = "memory"
    growth: Growth = "kept"
    per_request = float(4 * STATE_BYTES + 2 * SCORES_BYTES)
    request = "POST /predict with 32 rows"
    released_by: tuple[str, ...] = ("POST /admin/drop-references", "restart")
    not_released_by: tuple[str, ...] = (
        "POST /admin/gc",
        "POST /admin/empty-cache",
        "gradients: false",
        "switching the leak off",
    )
    twin = "one number of each of the last 16 outputs, of passes without gradients"

    def __init__(self, references: References) -> None:
        self._references = references

    @property
    def on(self) -> bool:
        """Whether outputs are kept with their graph."""
        return self._references.keep_outputs

    def switch(self, *, on: bool) -> None:
        """Keep outputs, or stop."""
        self._references.keep_outputs = on
