"""Reads a recording, whichever tool wrote it: `leakdrill trace` begins here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.errors import BadInput
from leakdrill.files import read_file
from leakdrill.judging.leak.trace import MOST_BYTES, is_trace, trace_in
from leakdrill.judging.recordings.join import counted_evenly, one_series, with_requests
from leakdrill.judging.recordings.json_tools import read_json
from leakdrill.judging.recordings.process_tools import is_pidstat, is_psrecord, read_pidstat, read_psrecord
from leakdrill.judging.recordings.tables import read_table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from leakdrill.judging.leak.trace import Trace
    from leakdrill.judging.recordings.recorded import Recorded

DOCKER_STATS_S: Final = 1.0
"""`docker stats` prints a line of each container once a second."""


def read_recording(
    path: Path,
    *,
    read: Callable[..., bytes] = read_file,
    requests: Path | None = None,
    load_per_s: float | None = None,
    series: str = "",
    every_s: float = DOCKER_STATS_S,
) -> Trace:
    """The recording of memory under load in `path`.

    Args:
        path: our CSV, or what another tool wrote.
        read: returns the content of a file.
        requests: the recording that counts the requests, where `path` does not.
        load_per_s: requests a second, where they came evenly and nothing counts them.
        series: a part of the name of the process or container to judge, where there are several.
        every_s: how far apart readings without a time are, in seconds.

    Raises:
        BadInput: when a file cannot be read, or not judged; names file, line and column.
    """
    text = _text(path, read)
    if is_trace(text) and requests is None and load_per_s is None:
        return trace_in(text, str(path))
    found = _recorded(text, str(path), every_s)
    memory = one_series(found.memory, series, str(path))
    if requests is not None:
        other = _recorded(_text(requests, read), str(requests), every_s)
        return with_requests(found, memory, other, places=(str(path), str(requests)))
    if load_per_s is not None:
        return counted_evenly(found, memory, load_per_s, str(path))
    return with_requests(found, memory, found, places=(str(path), str(path)))


def _text(path: Path, read: Callable[..., bytes]) -> str:
    try:
        return read(path, most_bytes=MOST_BYTES).decode("utf-8-sig")
    except OSError as e:
        raise BadInput(f"{path}: cannot be read: {e.strerror}", hint="name a CSV file with t, requests, …") from e
    except UnicodeDecodeError as e:
        raise BadInput(
            f"{path}: is not text: {e}; expected a recording such as CSV with t, requests and *_bytes"
        ) from e


def _recorded(text: str, place: str, every_s: float) -> Recorded:
    if text.lstrip("\x1b[0123456789;?HJKhl \r\n\t").startswith(("{", "[{")):
        return read_json(text, place, every_s=every_s)
    if is_psrecord(text):
        return read_psrecord(text, place)
    if is_pidstat(text):
        return read_pidstat(text, place)
    return read_table(text, place)
