"""Which columns and metrics of other tools hold the time, resident memory, and the requests completed so far."""

from __future__ import annotations

import re
from typing import Final

_MEMORY: Final = (
    ("anon", r"anon(ymous)?|inactive_anon|total_rss_anon"),
    ("uss", r"uss"),
    ("working_set", r".*working_?set(_bytes)?"),
    ("pss", r"(total_)?pss(_bytes)?|smaps_rollup[._]pss"),
    ("rss", r"(.*[_. ])?(rss|res|vm_?rss|real)(_bytes)?|(.*_)?resident(_memory|_set)?(_size)?(_bytes)?"),
    ("usage", r"(.*[_. ])?(mem(ory)?_?(usage|used|current)|usage)(_bytes)?|mem(ory)?"),
    ("heap", r"(.*[_. ])?heap_?(used|alloc|inuse|in_use|size|usage)(_bytes)?"),
)
"""Best first: what a process holds alone, then what it shares, then what its container is charged for."""
_TIME: Final = re.compile(
    r"t|ts|time_?stamp|time|date|date_?time|elapsed(_time)?|epoch|seconds|unix(_time)?|when|start"
)
_REQUESTS: Final = re.compile(
    r"requests|reqs|num_?requests|request_?count|requests_?(total|completed|sent|done|handled|served)|"
    r"(total|completed)_?requests?(_count)?|.*requests?(_duration)?(_seconds)?_(total|count)|http_reqs"
)


def memory_kind(name: str) -> str | None:
    """The kind of memory that a column or metric of this name holds; None when it holds something else."""
    plain = _plain(name)
    return next((kind for kind, pattern in _MEMORY if re.fullmatch(pattern, plain)), None)


def memory_rank(kind: str) -> int:
    """Where a kind of memory stands: 0 is the best one to judge."""
    return [one for one, _ in _MEMORY].index(kind)


def is_time(name: str) -> bool:
    """Whether a column of this name holds the time."""
    return _TIME.fullmatch(_plain(name)) is not None


def is_requests(name: str) -> bool:
    """Whether a column or metric of this name counts the requests completed so far."""
    return _REQUESTS.fullmatch(_plain(name)) is not None


def _plain(name: str) -> str:
    return re.sub(r"[\s\-/]+", "_", name.strip().lstrip("#").strip().lower())
