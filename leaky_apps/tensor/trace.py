"""The trace of one request, for its log line: spans that may hold the tensor they produced."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


class Trace:
    """The spans of one request.

    Args:
        cyclic: whether each span knows its trace, which makes both garbage that only a collector finds.
    """

    def __init__(self, *, cyclic: bool) -> None:
        self._cyclic = cyclic
        self.spans: list[Span] = []

    def note(self, name: str, tensor: Tensor) -> None:
        """Add a span."""
        self.spans.append(Span(name, tensor, self if self._cyclic else None))

    def line(self) -> str:
        """The spans in a line, with the shape that each produced."""
        return " ".join(f"{span.name}={tuple(span.tensor.shape)}" for span in self.spans)


class Span:
    """One part of a request, and what it produced."""

    def __init__(self, name: str, tensor: Tensor, trace: Trace | None) -> None:
        self.name = name
        self.tensor = tensor
        self.trace = trace
