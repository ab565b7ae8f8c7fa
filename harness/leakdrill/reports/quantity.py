"""A number with its unit, for a person, whatever the unit is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.units import show_duration, show_share, show_size

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_SHOW: Final[Mapping[str, Callable[[float], str]]] = {
    "seconds": show_duration,
    "milliseconds": "{:.3g} ms".format,
    "bytes": show_size,
    "share": show_share,
    "per_second": "{:.3g} a second".format,
    "cores": "{:.2f} cores".format,
}


def show_quantity(amount: float, unit: str) -> str:
    """`amount` in `unit`, such as `seconds`, `bytes_per_request` or `share`: `27 s`, `62.6 KiB a request`, `3 %`."""
    if unit.endswith("_per_request"):
        return f"{show_quantity(amount, unit.removesuffix('_per_request'))} a request"
    return _SHOW.get(unit, "{:.4g}".format)(amount)
