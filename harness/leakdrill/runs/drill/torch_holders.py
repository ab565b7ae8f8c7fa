"""The holders of a device's memory, from a snapshot in the shape of `torch.cuda.memory._snapshot()`.

A snapshot says of each block where it was made, not who refers to it. So a holder is a place in the service's own
code, with the place that called it.
"""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

UNNAMED: Final = "made where nobody recorded it"
_HELD: Final = "active_allocated"
_TORCH: Final = "/torch/"
_FRAMES: Final = 2
_PATH_PARTS: Final = 2


def holders(snapshot: Any) -> dict[str, float]:
    """Bytes of the blocks that tensors hold, by the place where they were made, most first.

    Raises:
        ValueError: when it is no snapshot.
    """
    held: Counter[str] = Counter()
    for block in _blocks(snapshot):
        if block.get("state") == _HELD:
            held[_place(block.get("frames"))] += int(block.get("requested_size") or block.get("size") or 0)
    return {place: float(held_bytes) for place, held_bytes in held.most_common()}


def _blocks(snapshot: Any) -> Iterator[dict[str, Any]]:
    segments = snapshot.get("segments") if isinstance(snapshot, dict) else None
    if not isinstance(segments, list):
        raise ValueError('found no "segments"; expected what torch.cuda.memory._snapshot() gives, as JSON')  # noqa: TRY004 - what a service says
    for segment in segments:
        blocks = segment.get("blocks") if isinstance(segment, dict) else None
        yield from (block for block in blocks or () if isinstance(block, dict))


def _place(frames: Any) -> str:
    """The innermost frames that are not torch's own: `network.py:71 in forward, from inference.py:140 in _states`."""
    own = [frame for frame in frames or () if isinstance(frame, dict) and _is_own(frame)]
    return ", from ".join(_rendered(frame) for frame in own[:_FRAMES]) or UNNAMED


def _is_own(frame: dict[str, Any]) -> bool:
    filename = str(frame.get("filename", ""))
    return filename.endswith(".py") and _TORCH not in filename


def _rendered(frame: dict[str, Any]) -> str:
    short = "/".join(PurePosixPath(str(frame["filename"])).parts[-_PATH_PARTS:])
    return f"{short}:{frame.get('line', 0)} in {frame.get('name', '?')}"
