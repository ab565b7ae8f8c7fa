"""What outlives a request by a plain reference: kept states, a running loss, the last errors.

None of it is garbage, so no collector and no emptied cache gives it back. Letting go of the references does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn

    from leaky_apps.tensor.network import Network


class References:
    """The places where a service keeps tensors without meaning to.

    Attributes:
        with_graph: whether passes are added to the running loss as tensors, and with them all that they came from.
        keep_errors: whether errors are kept whole, with the frames that they passed through.
        running_loss: over all passes without a graph.
    """

    def __init__(self) -> None:
        self.with_graph = False
        self.keep_errors = False
        self.running_loss = 0.0
        self._loss_with_graph: Tensor | None = None
        self._states: list[Tensor] = []
        self._errors: list[BaseException] = []
        self._hooks: list[object] = []

    @property
    def hooked(self) -> bool:
        """Whether every pass leaves its states here."""
        return bool(self._hooks)

    def hook(self, network: Network) -> None:
        """Keep the states of every pass of `network`: a hook from a debugging session that nobody removed."""

        def keep(_layer: nn.Module, _inputs: object, states: Tensor) -> None:
            self._states.append(states)

        self._hooks = [layer.register_forward_hook(keep) for layer in (network.first, network.second)]

    def unhook(self) -> None:
        """Keep no more states; those that are kept stay."""
        for hook in self._hooks:
            hook.remove()  # type: ignore[attr-defined]
        self._hooks = []

    def add_loss(self, scores: Tensor) -> None:
        """Add one pass to the running loss."""
        loss = scores.float().square().mean()
        if not self.with_graph:
            self.running_loss += loss.item()
        else:
            self._loss_with_graph = loss if self._loss_with_graph is None else self._loss_with_graph + loss

    def note_error(self, error: BaseException) -> None:
        """Keep an error, where errors are kept."""
        if self.keep_errors:
            self._errors.append(error)

    def drop(self) -> dict[str, int]:
        """Let go of everything, and say how many of each there were. A leak that is on stays on."""
        dropped = {
            "states": len(self._states),
            "errors": len(self._errors),
            "graphs": int(self._loss_with_graph is not None),
        }
        self._states.clear()
        self._errors.clear()
        if self._loss_with_graph is not None:
            self.running_loss += self._loss_with_graph.item()
            self._loss_with_graph = None
        return dropped
