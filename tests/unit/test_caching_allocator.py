"""The model of torch's allocator: what it takes from the device, what it keeps, and what it cannot give back."""

from __future__ import annotations

import os

import pytest

if not os.environ.get("CI"):
    pytest.importorskip("torch", reason="torch is not installed; make test installs it")

from leaky_apps.tensor.caching import CachingAllocator, NoRoomError

KIB, MIB = 1 << 10, 1 << 20


def allocator(limit_mib: float = 64) -> CachingAllocator:
    return CachingAllocator(lambda: limit_mib * MIB)


@pytest.mark.parametrize(
    ("asked", "allocated", "reserved"),
    [(1, 512, 2 * MIB), (64 * KIB, 64 * KIB, 2 * MIB), (MIB, MIB, 2 * MIB), (MIB + 1, MIB + 512, 20 * MIB),
     (11 * MIB, 12 * MIB, 12 * MIB)],
)  # fmt: skip
def test_a_block_is_rounded_and_its_segment_is_of_the_size_for_it(asked: int, allocated: int, reserved: int) -> None:
    """As torch does it: 512 bytes, segments of 2 MiB for up to 1 MiB, of 20 for up to 10, else of their own size.

    A rest of up to 1 MiB is not cut off a large block.
    """
    memory = allocator()
    memory.take(asked)
    assert (memory.asked, memory.allocated, memory.reserved) == (asked, allocated, reserved)


def test_what_is_freed_stays_reserved_until_the_cache_is_emptied() -> None:
    memory = allocator()
    memory.give_back(memory.take(5 * MIB))
    assert (memory.allocated, memory.reserved, memory.most_allocated) == (0, 20 * MIB, 5 * MIB)
    assert memory.empty() == 20 * MIB
    assert (memory.reserved, list(memory.segments())) == (0, [])


def test_what_is_referenced_is_not_given_back_and_what_is_free_beside_it_is_split() -> None:
    memory = allocator()
    blocks = [memory.take(512 * KIB) for _ in range(4)]
    for block in blocks[1:]:
        memory.give_back(block)
    assert memory.empty() == 0
    assert (memory.reserved, memory.split) == (2 * MIB, 3 * 512 * KIB)


def test_free_neighbours_become_one_block_in_whichever_order_they_end() -> None:
    for order in ((0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2)):
        memory = allocator()
        blocks = [memory.take(512 * KIB) for _ in range(4)]
        for index in order:
            memory.give_back(blocks[index])
        (segment,) = memory.segments()
        assert segment.free
        memory.take(MIB)
        assert memory.reserved == 2 * MIB


def test_the_smallest_free_block_that_fits_is_taken() -> None:
    memory = allocator()
    kept = [memory.take(size * KIB) for size in (256, 64, 128, 64, 512, 64)]
    for index in (0, 2, 4):
        memory.give_back(kept[index])
    assert memory.take(100 * KIB) is kept[2]


def test_where_no_segment_fits_free_ones_go_back_first_and_only_then_memory_is_out() -> None:
    memory = allocator(limit_mib=40)
    memory.give_back(memory.take(15 * MIB))
    held = memory.take(30 * MIB)
    assert (memory.retries, memory.ooms, memory.reserved) == (1, 0, 30 * MIB)
    with pytest.raises(NoRoomError) as caught:
        memory.take(30 * MIB)
    assert (caught.value.segment_bytes, memory.retries, memory.ooms) == (30 * MIB, 2, 1)
    memory.give_back(held)
    assert memory.allocated == 0


def test_a_block_that_ends_while_another_is_placed_waits_its_turn() -> None:
    """A collection may end tensors at any moment, also in the middle of an allocation."""
    ended: list[object] = []

    def limit() -> float:
        while ended:
            memory.give_back(ended.pop())  # type: ignore[arg-type]
        return 64.0 * MIB

    memory = CachingAllocator(limit)
    ended.append(memory.take(5 * MIB))
    memory.take(30 * MIB)
    assert memory.allocated == 30 * MIB
