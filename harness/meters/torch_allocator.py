"""What PyTorch's allocator says of itself, asked of the service that it runs in."""

from __future__ import annotations

from typing import Any, Final

import httpx

_TIMEOUT_S: Final = 1.0
_UNDER: Final = "torch"


class TorchMeter:
    """Reads `url`: `torch.cuda.memory_stats()` as JSON, under its own names, in bytes and counts."""

    source = "torch"
    name = "allocator"
    every = 2

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = httpx.Client(trust_env=False, timeout=_TIMEOUT_S)

    def read(self) -> dict[str, float] | None:
        """The figures; None when the service does not answer with 2xx.

        Raises:
            OSError: when what it answers is not what was expected.
        """
        try:
            answer = self._client.get(self._url)
        except httpx.HTTPError:
            return None
        if not answer.is_success:
            return None
        try:
            return parse_statistics(answer.json())
        except ValueError as e:
            raise OSError(f"GET {self._url}: {e}") from e

    def close(self) -> None:
        """Close the connection to the service."""
        self._client.close()


def parse_statistics(said: Any) -> dict[str, float]:
    """The figures in what a service answers: at its top, or under `torch`. What is no figure is left out.

    Raises:
        ValueError: when there is none.
    """
    inner = said.get(_UNDER, said) if isinstance(said, dict) else None
    if not isinstance(inner, dict):
        raise ValueError(f"found {type(said).__name__}; expected an object such as torch.cuda.memory_stats() gives")  # noqa: TRY004 - what a service says
    figures = {
        name: float(value)
        for name, value in inner.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    if "allocated_bytes.all.current" not in figures:
        raise ValueError("found no allocated_bytes.all.current; expected what torch.cuda.memory_stats() gives")
    return figures
