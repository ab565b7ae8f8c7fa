"""A forward hook that keeps every hidden state: somebody looked into the network and left the hook in place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaky_apps.tensor.network import STATE_BYTES

if TYPE_CHECKING:
    from leaky_apps.leak import Growth, Resource
    from leaky_apps.tensor.inference import Inference
    from leaky_apps.tensor.references import References


class ForgottenHook:
    """Each pass leaves its two hidden states in a list. Switching it off removes the hook and keeps the list."""

    name = "forgotten-hook"
    resource: Resource = "memory"
    growth: Growth = "kept"
    per_request = float(2 * STATE_BYTES)
    request = "POST /predict with 32 rows"
    released_by: tuple[str, ...] = ("POST /admin/drop-references", "restart")
    not_released_by: tuple[str, ...] = ("POST /admin/gc", "POST /admin/empty-cache", "switching the leak off")
    twin = "the same passes, whose states live as long as the request"

    def __init__(self, inference: Inference, references: References) -> None:
        self._inference = inference
        self._references = references

    @property
    def on(self) -> bool:
        """Whether the hook is in place."""
        return self._references.hooked

    def switch(self, *, on: bool) -> None:
        """Put the hook in place, or remove it."""
        self._references.unhook()
        if on:
            self._references.hook(self._inference.network)
