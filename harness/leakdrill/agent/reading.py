"""Readings of the agents of a target, summed over its processes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Figures of one process, or sums. None stands for one that an interpreter or C library cannot tell.

    Attributes:
        blocks: memory blocks that Python's allocator has handed out (`sys.getallocatedblocks`).
        live_bytes: all that is in use, by malloc and by Python's own allocator, to the byte.
        uordblks_bytes: in use in the C heap (`mallinfo2`, all arenas).
        hblkhd_bytes: in mappings of their own, which large allocations get.
        fordblks_bytes: free in the C heap, and kept.
        arena_bytes: the C heap's segments, used and free.
        gc_objects: objects that the collector knows.
        threads: threads of the operating system, without the agent's own.
    """

    blocks: int | None
    live_bytes: int | None
    uordblks_bytes: int | None
    hblkhd_bytes: int | None
    fordblks_bytes: int | None
    arena_bytes: int | None
    gc_objects: int | None
    threads: int | None

    def as_values(self) -> dict[str, float]:
        """Returns the figures that are known, as an event carries them."""
        pairs = ((field.name, getattr(self, field.name)) for field in fields(Figures))
        return {name: float(value) for name, value in pairs if value is not None}


@dataclass(frozen=True, kw_only=True)
class ProcessReading(Figures):
    """The reading of one process.

    Attributes:
        pid: of the process.
        collected: unreachable objects that each collection freed; empty when none was asked for.
        trimmed: whether the heap gave pages back; None when it was not or could not be asked to.
        trim_refused: why it could not be asked to; empty otherwise.
        quiet_s: seconds the process was kept busy.
    """

    pid: int
    collected: tuple[int | None, ...] = ()
    trimmed: bool | None = None
    trim_refused: str = ""
    quiet_s: float = 0.0

    @classmethod
    def from_response(cls, response: Mapping[str, Any]) -> ProcessReading:
        """Returns the reading in an agent's response."""
        return cls(
            **{field.name: response.get(field.name) for field in fields(Figures)},
            pid=response["pid"],
            collected=tuple(response.get("collected") or ()),
            trimmed=response.get("trimmed"),
            trim_refused=response.get("why") or "",
            quiet_s=response.get("seconds", 0.0),
        )


@dataclass(frozen=True, kw_only=True)
class AgentReading(Figures):
    """The sums over all processes that responded.

    A sum is None when one of the processes cannot tell its part. Two readings compare only when `pids` are the same.

    Attributes:
        processes: the parts, by pid.
        silent: why others did not respond, one sentence each.
    """

    processes: tuple[ProcessReading, ...]
    silent: tuple[str, ...] = ()

    @property
    def pids(self) -> tuple[int, ...]:
        """The pids of the processes that responded."""
        return tuple(process.pid for process in self.processes)

    @classmethod
    def of(cls, processes: Iterable[ProcessReading], silent: Iterable[str] = ()) -> AgentReading:
        """Returns the sums over `processes`."""
        parts = tuple(sorted(processes, key=lambda process: process.pid))
        sums = {field.name: _sum([getattr(part, field.name) for part in parts]) for field in fields(Figures)}
        return cls(**sums, processes=parts, silent=tuple(silent))


def _sum(numbers: Sequence[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known and len(known) == len(numbers) else None


@dataclass(frozen=True)
class TypeGrowth:
    """The growth of one type in objects, negative where there are fewer, and in bytes; None unless sizes were read."""

    name: str
    count: int
    size_bytes: int | None = None


@dataclass(frozen=True)
class TypeCounts:
    """Objects by type name, added up over the processes.

    Attributes:
        counts: objects of each type.
        total: all objects.
        sizes: bytes of each type, without what its objects refer to; empty unless asked for.
    """

    counts: Mapping[str, int]
    total: int
    sizes: Mapping[str, int]

    @classmethod
    def of(cls, responses: Iterable[Mapping[str, Any]]) -> TypeCounts:
        """Returns the sums over the agents' responses."""
        counts: Counter[str] = Counter()
        sizes: Counter[str] = Counter()
        total = 0
        for response in responses:
            counts.update(response["counts"])
            sizes.update(response["sizes"] or {})
            total += response["total"]
        return cls(counts, total, sizes)

    def since(self, earlier: TypeCounts) -> list[TypeGrowth]:
        """Returns the growth of each type since `earlier`, the largest growth in number first."""
        names = self.counts.keys() | earlier.counts.keys()
        grown = [(name, self.counts.get(name, 0) - earlier.counts.get(name, 0)) for name in names]
        return [
            TypeGrowth(name, by, self.sizes.get(name, 0) - earlier.sizes.get(name, 0) if self.sizes else None)
            for name, by in sorted(grown, key=lambda pair: (-pair[1], pair[0]))
            if by
        ]


@dataclass(frozen=True)
class AllocationSite:
    """An allocation site in the target's code, and its change.

    Attributes:
        frames: `file:line`, the innermost last.
        size_diff_bytes: how many bytes more are held than at the mark.
        count_diff: how many blocks more.
        size_bytes: what is held now.
    """

    frames: tuple[str, ...]
    size_diff_bytes: int
    count_diff: int
    size_bytes: int

    @classmethod
    def merged(cls, responses: Iterable[Iterable[Mapping[str, Any]]], top: int) -> list[AllocationSite]:
        """Returns the `top` sites over all processes, the largest growth in bytes first."""
        numbers: dict[tuple[str, ...], list[int]] = {}
        for site in (site for response in responses for site in response):
            held = numbers.setdefault(tuple(site["frames"]), [0, 0, 0])
            for at, name in enumerate(("size_diff_bytes", "count_diff", "size_bytes")):
                held[at] += site[name]
        sites = [cls(frames, *held) for frames, held in numbers.items()]
        return sorted(sites, key=lambda site: (-site.size_diff_bytes, site.frames))[:top]
