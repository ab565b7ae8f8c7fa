"""Errors kept for a report, with their tracebacks: each frame holds its tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaky_apps.tensor.network import SCORES_BYTES, STATE_BYTES

if TYPE_CHECKING:
    from leaky_apps.leak import Growth, Resource
    from leaky_apps.tensor.references import References


class KeptErrors:
    """Each refused order keeps the states of its pass through the frames of its error."""

    name = "kept-errors"
    resource: Resource = "memory"
    growth: Growth = "kept"
    per_request = float(2 * STATE_BYTES + 2 * SCORES_BYTES)
    request = "POST /predict with 32 rows and an unknown label"
    released_by: tuple[str, ...] = ("POST /admin/drop-references", "restart")
    not_released_by: tuple[str, ...] = ("POST /admin/gc", "POST /admin/empty-cache", "switching the leak off")
    twin = "the same refusals, of which only the message is used"

    def __init__(self, references: References) -> None:
        self._references = references

    @property
    def on(self) -> bool:
        """Whether errors are kept."""
        return self._references.keep_errors

    def switch(self, *, on: bool) -> None:
        """Keep errors, or stop; those that are kept stay."""
        self._references.keep_errors = on
