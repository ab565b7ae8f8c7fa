"""A model of torch's caching allocator: it takes segments, cuts them into blocks, and keeps what is freed.

A model of it for the processor, so that the three figures which people mix up differ there as they do on a card: what
tensors hold (allocated), what was taken from the device (reserved), and what lies between them. The sizes are those of
`c10/cuda/CUDACachingAllocator`; streams and private pools are left out, because the processor has none.
"""

from __future__ import annotations

import bisect
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from leaky_apps.tensor.site import Frame

ROUND_BYTES: Final = 512
SMALL_BYTES: Final = 1 << 20
SMALL_SEGMENT_BYTES: Final = 2 << 20
LARGE_SEGMENT_BYTES: Final = 20 << 20
_OWN_SEGMENT_BYTES: Final = 10 << 20
_ROUND_LARGE_BYTES: Final = 2 << 20


class NoRoomError(MemoryError):
    """The device has no segment left for what was asked for; says how much that was."""

    def __init__(self, segment_bytes: int) -> None:
        super().__init__(segment_bytes)
        self.segment_bytes = segment_bytes


@dataclass(slots=True, eq=False)
class Segment:
    """Memory taken from the device in one piece."""

    number: int
    size: int
    small: bool
    blocks: list[Block]

    @property
    def free(self) -> bool:
        """Whether no tensor lies in it, so that it could go back."""
        return len(self.blocks) == 1 and not self.blocks[0].used


@dataclass(slots=True, eq=False)
class Block:
    """A part of a segment: a tensor's, or free."""

    segment: Segment
    size: int
    asked: int = 0
    used: bool = False
    frames: tuple[Frame, ...] = ()


class CachingAllocator:
    """Segments and blocks under a limit.

    Args:
        limit: bytes that the segments may have together, read before each is taken.

    Attributes:
        allocated: bytes of the blocks that tensors hold; `asked` without their rounding.
        reserved: bytes of all segments.
        most_allocated: the highest that `allocated` was.
        retries: how often free segments were given back to make room for another.
        ooms: how often there was no room even so.
    """

    def __init__(self, limit: Callable[[], float]) -> None:
        self._limit = limit
        self._numbers = itertools.count(1)
        self._free: dict[bool, list[tuple[int, int, Block]]] = {True: [], False: []}
        self._segments: dict[int, Segment] = {}
        self.allocated = self.asked = self.reserved = self.most_allocated = 0
        self.retries = self.ooms = 0
        self._busy = False
        self._late: list[Block] = []

    @property
    def split(self) -> int:
        """Free bytes in segments that are in use: they cannot go back."""
        return sum(b.size for free in self._free.values() for _, _, b in free if not b.segment.free)

    def segments(self) -> Iterator[Segment]:
        """Every segment, oldest first."""
        yield from self._segments.values()

    def take(self, asked: int, frames: tuple[Frame, ...] = ()) -> Block:
        """A block of at least `asked` bytes.

        Raises:
            NoRoomError: when there is no room for a segment, not even after the free ones have gone back.
        """
        self._busy = True
        try:
            block = self._place(asked)
        finally:
            self._busy = False
            while self._late:
                self.give_back(self._late.pop())
        block.frames = frames
        return block

    def give_back(self, block: Block) -> None:
        """Mark `block` as free, and join it with free neighbours. Its segment stays reserved.

        A collection in the middle of `take` may end tensors; their blocks wait until it is done.
        """
        if self._busy:
            self._late.append(block)
            return
        self.allocated -= block.size
        self.asked -= block.asked
        block.used, block.asked, block.frames = False, 0, ()
        blocks = block.segment.blocks
        at = blocks.index(block)
        for neighbour in (at + 1, at - 1):
            if 0 <= neighbour < len(blocks) and not blocks[neighbour].used:
                other = blocks.pop(neighbour)
                self._forget(other)
                block.size += other.size
        self._offer(block)

    def empty(self) -> int:
        """Give every free segment back to the device; how many bytes that were."""
        given = 0
        for segment in [segment for segment in self._segments.values() if segment.free]:
            self._forget(segment.blocks[0])
            del self._segments[segment.number]
            given += segment.size
        self.reserved -= given
        return given

    def _place(self, asked: int) -> Block:
        size = max(_rounded(asked, ROUND_BYTES), ROUND_BYTES)
        block = self._fitting(size) or self._new_segment(size)
        self._cut(block, size)
        block.used, block.asked = True, asked
        self.allocated += block.size
        self.asked += asked
        self.most_allocated = max(self.most_allocated, self.allocated)
        return block

    def _fitting(self, size: int) -> Block | None:
        """The smallest free block that is large enough, taken out of the free ones."""
        free = self._free[size <= SMALL_BYTES]
        at = bisect.bisect_left(free, size, key=lambda entry: entry[0])
        return free.pop(at)[2] if at < len(free) else None

    def _new_segment(self, size: int) -> Block:
        wanted = _segment_bytes(size)
        if self.reserved + wanted > self._limit():
            self.retries += 1
            self.empty()
        if self.reserved + wanted > self._limit():
            self.ooms += 1
            raise NoRoomError(wanted)
        segment = Segment(next(self._numbers), wanted, size <= SMALL_BYTES, [])
        segment.blocks.append(Block(segment, wanted))
        self._segments[segment.number] = segment
        self.reserved += wanted
        return segment.blocks[0]

    def _cut(self, block: Block, size: int) -> None:
        """Leave the rest of `block` free, where it is worth a block of its own."""
        rest = block.size - size
        if rest < ROUND_BYTES if block.segment.small else rest <= SMALL_BYTES:
            return
        block.size = size
        other = Block(block.segment, rest)
        blocks = block.segment.blocks
        blocks.insert(blocks.index(block) + 1, other)
        self._offer(other)

    def _offer(self, block: Block) -> None:
        bisect.insort(self._free[block.segment.small], (block.size, id(block), block), key=lambda entry: entry[:2])

    def _forget(self, block: Block) -> None:
        free = self._free[block.segment.small]
        del free[bisect.bisect_left(free, (block.size, id(block)), key=lambda entry: entry[:2])]


def _segment_bytes(size: int) -> int:
    if size <= SMALL_BYTES:
        return SMALL_SEGMENT_BYTES
    return LARGE_SEGMENT_BYTES if size < _OWN_SEGMENT_BYTES else _rounded(size, _ROUND_LARGE_BYTES)


def _rounded(size: int, step: int) -> int:
    return -(-size // step) * step
