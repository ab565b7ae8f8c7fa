"""Every resource that a scenario may name: where it is read, how it is judged, and how sentences speak of it.

This is the only list. From it come a scenario's keys and margins, the series that are judged, the names of the claims,
what the exporter publishes as gauges of its own, and the wording of verdicts. A resource is one object and one line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from leakdrill.units import show_size

if TYPE_CHECKING:
    from collections.abc import Mapping

Unit = Literal["bytes", "count", "cores"]
Holder = Literal["host", "gpu", "torch"]
Whole = Literal["baseline", "disk", "cpus"]

_MANY: Final = 100
_MS: Final = 1000
_KIB: Final = 1024
_MIB: Final = _KIB * _KIB
LEAST_MEMORY: Final = 4 * _KIB
"""A page: no process has less memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A field of the record that measures a resource.

    Attributes:
        source: of the event.
        name: of the event.
        field: of its value.
        published: the gauge that the exporter makes of it, and the gauge's help; empty where production's names for it
            need more than one field.
    """

    source: str
    name: str
    field: str
    published: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """What a leak grows, a step shrinks and a check measures.

    Attributes:
        name: as a scenario names it.
        unit: how names of numbers end. What is counted in cores is read as seconds of CPU, and judged as their rate.
        readings: in order of preference: the first that a record holds is used.
        held_by: whose it is: the machine's, a GPU's as the driver tells it, or torch's as the service tells it.
        noun: in the names of claims, such as `memory` in `memory_does_not_grow`; the resource's name when left out.
        plural: whether it takes `were` and `their`.
        always_checked: whether it must return to its baseline although no leak grows it.
        least_growth: less is no growth that a step could cure.
        unresolved: growth below this over a whole window is no trend; 0 where no trend is looked for.
        margin_of: what the margin of its level is a share of: its own baseline, the disk's size, the limit of CPU.
        least_margin: the smallest margin of a level.
        least_reading: what every process has of it: a reading of less is that of none, and counts as no reading.
    """

    name: str
    unit: Unit
    readings: tuple[Reading, ...]
    held_by: Holder = "host"
    noun: str = ""
    plural: bool = False
    always_checked: bool = False
    least_growth: float
    unresolved: float = 0.0
    margin_of: Whole = "baseline"
    least_margin: float = 0.0
    least_reading: float = 0.0

    @property
    def returns(self) -> str:
        """The claim that it returns to its baseline."""
        return f"{self.noun or self.name}_{'return' if self.plural else 'returns'}_to_baseline"

    @property
    def stays(self) -> str:
        """The claim that it does not grow."""
        return f"{self.noun or self.name}_{'do' if self.plural else 'does'}_not_grow"

    @property
    def is_rate(self) -> bool:
        """Whether it is the rate of a count: it ends with its cause, and nothing of it piles up."""
        return self.unit == "cores"

    @property
    def per_request_unit(self) -> str:
        """How names of numbers of its growth end, without `_per_request`."""
        return "seconds" if self.is_rate else self.unit

    def show(self, amount: float) -> str:
        """A level, for a person."""
        if self.unit == "bytes":
            return show_size(amount)
        return f"{amount:.2f} cores" if self.is_rate else _count(amount)

    def show_per_request(self, amount: float) -> str:
        """A growth per request, for a person."""
        return f"{amount * _MS:.3g} ms" if self.is_rate else self.show(amount)

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
        """The verb in `memory grows` and `threads grow`."""
        return "grow" if self.plural else "grows"

    @property
    def its(self) -> str:
        """The possessive pronoun, as in `its baseline`."""
        return "their" if self.plural else "its"


def _count(amount: float) -> str:
    return f"{amount:.0f}" if abs(amount) >= _MANY else f"{amount:.3g}"


def _torch(field: str) -> tuple[Reading, ...]:
    return (Reading(source="torch", name="allocator", field=field),)


_ALL: Final = (
    # Anonymous memory, files in memory, swap and huge pages; records of earlier versions have the first alone. The page
    # cache is left out on purpose: the kernel takes it back before it kills anybody. Least margin and
    # trend: two arenas of CPython 3.10 and later, 1 MiB each.
    Resource(
        name="memory",
        unit="bytes",
        readings=(
            Reading(source="cgroup", name="resources", field="memory_bytes"),
            Reading(
                source="cgroup", name="resources", field="anon_bytes",
                published=("container_memory_rss", "Anonymous memory."),
            ),
            Reading(source="process", name="tree", field="rss_bytes"),
        ),
        always_checked=True,
        least_growth=256 * _KIB,
        least_reading=LEAST_MEMORY,
        least_margin=2 * _MIB,
        unresolved=2 * _MIB,
    ),
    # A few buffers of logs.
    Resource(
        name="disk",
        unit="bytes",
        readings=(Reading(source="filesystem", name="disk", field="used_bytes"),),
        least_growth=256 * _KIB,
        unresolved=256 * _KIB,
        margin_of="disk",
    ),
    # What the target's processes hold; where the driver does not tell, all that is in use. CUDA's driver and PyTorch's
    # allocator take memory in blocks of 2 MiB, the allocator also in blocks of 20 MiB.
    Resource(
        name="gpu_memory",
        unit="bytes",
        readings=(
            Reading(source="gpu", name="devices", field="own_bytes"),
            Reading(source="gpu", name="devices", field="used_bytes"),
        ),
        held_by="gpu",
        least_growth=2 * _MIB,
        unresolved=20 * _MIB,
        least_margin=20 * _MIB,
    ),
    # The connections of the load's users come and go.
    Resource(
        name="descriptors",
        unit="count",
        readings=(
            Reading(
                source="process", name="tree", field="fds",
                published=("container_file_descriptors", "Open file descriptors of all processes."),
            ),
        ),
        plural=True,
        least_growth=4,
        least_reading=1,
        unresolved=4,
        least_margin=4,
    ),
    Resource(
        name="threads",
        unit="count",
        readings=(
            Reading(
                source="process", name="tree", field="threads",
                published=("container_threads", "Threads of all processes."),
            ),
        ),
        plural=True,
        least_growth=4,
        least_reading=1,
        unresolved=4,
        least_margin=4,
    ),
    Resource(
        name="cpu",
        unit="cores",
        readings=(
            Reading(source="cgroup", name="resources", field="cpu_seconds"),
            Reading(source="process", name="tree", field="cpu_seconds"),
        ),
        least_growth=0.05,
        margin_of="cpus",
    ),
    # What tensors hold, those of requests under way among them.
    Resource(
        name="torch_allocated",
        unit="bytes",
        readings=_torch("allocated_bytes.all.current"),
        held_by="torch",
        noun="allocated_memory",
        least_growth=_MIB,
        unresolved=_MIB,
        least_margin=2 * _MIB,
    ),
    # What torch's allocator took from the device: segments of 2 MiB, of which a request may need one more than before.
    Resource(
        name="torch_reserved",
        unit="bytes",
        readings=_torch("reserved_bytes.all.current"),
        held_by="torch",
        noun="reserved_memory",
        least_growth=4 * _MIB,
        unresolved=4 * _MIB,
        least_margin=4 * _MIB,
    ),
    # What of the device is in use, by whomever.
    Resource(
        name="torch_device",
        unit="bytes",
        readings=_torch("device_used_bytes"),
        held_by="torch",
        noun="device_memory",
        least_growth=4 * _MIB,
        unresolved=4 * _MIB,
        least_margin=4 * _MIB,
    ),
)  # fmt: skip

RESOURCES: Final[Mapping[str, Resource]] = {resource.name: resource for resource in _ALL}
"""By name, in the order in which they are listed and judged."""


def held_by(holder: Holder) -> tuple[str, ...]:
    """Returns the names of the resources that `holder` has."""
    return tuple(resource.name for resource in _ALL if resource.held_by == holder)
