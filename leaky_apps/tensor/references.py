"""Objects that outlive a request by a plain reference: states and outputs, a running loss, a carried state, errors.

None of it is garbage, so no collector and no emptied cache gives it back. Letting go of the references does.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

import torch

if TYPE_CHECKING:
    from torch import Tensor, nn

    from leaky_apps.tensor.network import Network

_RECENT: Final = 16
_CARRIED: Final = 0.9


class References:
    """The places where a service keeps tensors without meaning to.

    Attributes:
        with_graph: whether passes are added to the running loss as tensors, and with them all that they came from.
        keep_outputs: whether scores are kept as they are, with the graph that they came from.
        keep_errors: whether errors are kept whole, with the frames that they passed through.
        running_loss: over all passes without a graph.
        recent: the first score of each of the last passes.
    """

    def __init__(self) -> None:
        self.with_graph = False
        self.keep_outputs = False
        self._carry_graph = False
        self.keep_errors = False
        self.running_loss = 0.0
        self.recent: deque[float] = deque(maxlen=_RECENT)
        self._loss_with_graph: Tensor | None = None
        self._carried: Tensor | None = None
        self._former: Tensor | None = None
        self._outputs: list[Tensor] = []
        self._states: list[Tensor] = []
        self._errors: list[BaseException] = []
        self._hooks: list[object] = []

    @property
    def gradients(self) -> bool:
        """Whether passes record gradients, which nobody here asks for."""
        return self.with_graph or self.keep_outputs or self.carry_graph

    @gradients.setter
    def gradients(self, on: bool) -> None:
        self.with_graph = on
        if not on:
            self.keep_outputs = self.carry_graph = False

    @property
    def carry_graph(self) -> bool:
        """Whether the state that goes from pass to pass still knows how it was computed."""
        return self._carry_graph

    @carry_graph.setter
    def carry_graph(self, on: bool) -> None:
        if self._carry_graph and not on and self._carried is not None:
            self._former, self._carried = self._carried, self._carried.detach()  # kept, to go back to
        self._carry_graph = on

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

    def add_output(self, scores: Tensor) -> None:
        """Keep one pass for those who audit it: a number of it, or all of it."""
        self.recent.append(float(scores.detach()[0, 0]))
        if self.keep_outputs:
            self._outputs.append(scores)

    def carry(self, state: Tensor) -> None:
        """Mix one pass into the state that goes from pass to pass."""
        new = (state if self._carry_graph else state.detach()).float().mean(dim=0)
        old = new if self._carried is None else self._carried
        self._carried = torch.tanh(_CARRIED * old + (1 - _CARRIED) * new)

    def note_error(self, error: BaseException) -> None:
        """Keep an error, where errors are kept."""
        if self.keep_errors:
            self._errors.append(error)

    def drop(self) -> dict[str, int]:
        """Let go of everything, and say how many of each there were. A leak that is on stays on."""
        histories = [state for state in (self._carried, self._former) if state is not None and state.requires_grad]
        dropped = {
            "states": len(self._states),
            "outputs": len(self._outputs),
            "errors": len(self._errors),
            "graphs": int(self._loss_with_graph is not None) + len(histories),
        }
        for kept in (self._states, self._outputs, self._errors):
            kept.clear()
        self._former = None
        if self._carried is not None:
            self._carried = self._carried.detach()
        if self._loss_with_graph is not None:
            self.running_loss += self._loss_with_graph.item()
            self._loss_with_graph = None
        return dropped
