"""Seals a record anew, as whoever forges one would.

The tests need it: what an edit that is sealed again says is for the checks to find, not for the seal.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import orjson

from leakdrill.record.chain import CHAIN_START, chained, unchained
from leakdrill.record.event import event_line
from leakdrill.record.events import RecordCovers, RecordEnd
from leakdrill.record.seal import COVERABLE, covered_file, seal_event

if TYPE_CHECKING:
    from collections.abc import Iterable

    from leakdrill.record.store import RunFolder

_INDEX: Final = re.compile(rb'("index": ?)(\d+)')


def reseal(folder: RunFolder, lines: Iterable[bytes] | None = None) -> str:
    """Give the history of `folder` a new chain; returns its head.

    The files that a record covers are covered as they are now, and the last line is its end. All other lines keep
    their bytes, but for the chain, and for their index where a covered file comes before them that was not there.
    `verdicts.json` is removed.

    Args:
        folder: the run.
        lines: those of the history, each a JSON object, with or without their chain; None for those that it has.
    """
    given = folder.history.read_bytes().splitlines() if lines is None else lines
    bodies = [unchained(line.rstrip(b"\n"))[0] for line in given]
    seals = [event for event in map(seal_event, bodies) if event is not None]
    covers = [covered_file(folder, name) for name in COVERABLE if (folder.path / name).exists()]
    by = len(covers) - sum(RecordCovers.matches(event) for event in seals)
    others = [_moved(body, by) for body in bodies if seal_event(body) is None]
    first = [event_line(replace(event, index=n, run_phase="setup").to_event()) for n, event in enumerate(covers)]
    whole = [*first, *others]
    return _write(folder, [*whole, _end(whole)])


def _moved(body: bytes, by: int) -> bytes:
    return _INDEX.sub(lambda found: b"%s%d" % (found[1], int(found[2]) + by), body, count=1) if by else body


def _end(bodies: list[bytes]) -> bytes:
    last: dict[str, Any] = orjson.loads(bodies[-1]) if bodies else {}
    end = RecordEnd(
        index=last.get("index", -1) + 1,
        t=last.get("t", 0.0),
        run_phase=last.get("phase", "setup"),
    )
    return event_line(end.to_event())


def _write(folder: RunFolder, bodies: Iterable[bytes]) -> str:
    head, text = CHAIN_START, b""
    for body in bodies:
        line, head = chained(body, head)
        text += line
    folder.history.write_bytes(text)
    folder.verdicts.unlink(missing_ok=True)
    return head
