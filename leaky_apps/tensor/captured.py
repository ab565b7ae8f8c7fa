"""A pass recorded once for one stream and one shape, with buffers of its own that it is played on again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

import torch

from leaky_apps.tensor.network import States

if TYPE_CHECKING:
    from torch import Tensor

    from leaky_apps.tensor.network import Network


_POOL_BYTES: Final = 2 << 20
"""What the pool of one pass takes at first."""


class Captured(Protocol):
    """One recorded pass."""

    def replay(self, x: Tensor) -> States:
        """The states of rows `x`, in buffers that the next replay writes over."""


class CudaGraph:
    """A CUDA graph. Its memory is a private pool, which `empty_cache` cannot give back while the graph lives.

    All are captured on the one `stream`: cuBLAS keeps a workspace for each stream that it was ever used on.
    """

    def __init__(self, network: Network, x: Tensor, stream: Any) -> None:
        # Out of memory is raised here, where nothing is lost by it: in the middle of a capture it spoils the stream.
        torch.empty(_POOL_BYTES, dtype=torch.uint8, device=x.device)
        self._x = x.clone()
        self._graph = torch.cuda.CUDAGraph()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream), torch.no_grad():
            network(self._x)  # a first pass loads kernels, which must not be captured
        torch.cuda.current_stream().wait_stream(stream)
        with torch.no_grad(), torch.cuda.graph(self._graph, stream=stream):
            self._states: States = network(self._x)

    def replay(self, x: Tensor) -> States:
        """Copy the rows in and launch everything at once."""
        self._x.copy_(x)
        self._graph.replay()
        return self._states


class CopiedBuffers:
    """On the processor: the same buffers for input and states, and a pass that is run as usual and copied into them.

    It stands in for a graph: what leaks is the buffers of streams that do not come again, and those are the same.
    """

    def __init__(self, network: Network, x: Tensor) -> None:
        self._network = network
        self._x = x.clone()
        self._states = States(*(part.detach().clone() for part in network(self._x)))

    def replay(self, x: Tensor) -> States:
        """Copy the rows in, run, and copy the states out."""
        self._x.copy_(x)
        for kept, part in zip(self._states, self._network(self._x), strict=True):
            kept.copy_(part.detach())
        return self._states
