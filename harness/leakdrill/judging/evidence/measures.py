"""The resources that are measured: in which unit each is told, and what growth is too small to mean anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from leakdrill.units import show_size

if TYPE_CHECKING:
    from collections.abc import Mapping

_MANY: Final = 100
_MS: Final = 1000
_KIB: Final = 1024
_MIB: Final = _KIB * _KIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """How sentences and numbers speak of one resource.

    Attributes:
        name: as a scenario names it.
        unit: how names of numbers end: `bytes`, `count` or `cores`.
        per_request_unit: likewise for growth, without `_per_request`; CPU grows by seconds.
        plural: whether it takes `were` and `their`.
        least_growth: less is no growth that a step could cure.
        unresolved: growth below this over a whole window is no trend; 0 where no trend is looked for.
        least_margin: the smallest margin of a level.
    """

    name: str
    unit: str
    per_request_unit: str
    plural: bool = False
    least_growth: float
    unresolved: float = 0.0
    least_margin: float = 0.0

    def show(self, amount: float) -> str:
        """A level, for a person."""
        if self.unit == "bytes":
            return show_size(amount)
        return f"{amount:.2f} cores" if self.unit == "cores" else _count(amount)

    def show_per_request(self, amount: float) -> str:
        """A growth per request, for a person."""
        return f"{amount * _MS:.3g} ms" if self.unit == "cores" else self.show(amount)

    @property
    def was(self) -> str:
        """The past of its verb."""
        return "were" if self.plural else "was"

    @property
    def present(self) -> str:
        """The present of its verb."""
        return "are" if self.plural else "is"

    @property
    def grows(self) -> str:
        """As in `memory grows` and `threads grow`."""
        return "grow" if self.plural else "grows"

    @property
    def its(self) -> str:
        """Whose baseline it is."""
        return "their" if self.plural else "its"


def _count(amount: float) -> str:
    return f"{amount:.0f}" if abs(amount) >= _MANY else f"{amount:.3g}"


MEASURES: Final[Mapping[str, Measure]] = {
    measure.name: measure
    for measure in (
        # Two arenas of CPython 3.10 and later (1 MiB each); a few log buffers; the connections of the load's users.
        Measure(
            name="memory", unit="bytes", per_request_unit="bytes", least_growth=256 * _KIB, unresolved=2 * _KIB * _KIB
        ),
        Measure(
            name="disk", unit="bytes", per_request_unit="bytes", least_growth=256 * _KIB, unresolved=256 * _KIB
        ),
        # CUDA's driver and PyTorch's allocator take memory in blocks of 2 MiB, the allocator also in blocks of 20 MiB.
        Measure(
            name="gpu_memory", unit="bytes", per_request_unit="bytes",
            least_growth=2 * _KIB * _KIB, unresolved=20 * _KIB * _KIB, least_margin=20 * _KIB * _KIB,
        ),
        Measure(
            name="descriptors", unit="count", per_request_unit="count", plural=True,
            least_growth=4, unresolved=4, least_margin=4,
        ),
        Measure(
            name="threads", unit="count", per_request_unit="count", plural=True,
            least_growth=4, unresolved=4, least_margin=4,
        ),
        Measure(name="cpu", unit="cores", per_request_unit="seconds", least_growth=0.05),
        # Tensors of requests under way; segments of 2 MiB, of which a request may need one more than before.
        Measure(
            name="torch_allocated", unit="bytes", per_request_unit="bytes", least_growth=_MIB,
            unresolved=_MIB, least_margin=2 * _MIB,
        ),
        Measure(
            name="torch_reserved", unit="bytes", per_request_unit="bytes", least_growth=4 * _MIB,
            unresolved=4 * _MIB, least_margin=4 * _MIB,
        ),
        Measure(
            name="torch_device", unit="bytes", per_request_unit="bytes", least_growth=4 * _MIB,
            unresolved=4 * _MIB, least_margin=4 * _MIB,
        ),
    )
}  # fmt: skip
