"""The Docker Engine's statistics of a container, read as a stream: one call, then about one reading a second.

Asking anew for each reading takes the engine two seconds, because it measures CPU over one. Memory in use is the
engine's `usage`, and the working set leaves inactive file pages out, as the kubelet does.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Final

from leakdrill.record.events import CgroupResources, EngineStats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from leakdrill.record.event_class import Reading

_STALE_AFTER_S: Final = 5.0
_NS: Final = 1e-9


class DockerStatsMeter:
    """Reads the newest of the engine's statistics.

    Where the container's control group can be read directly, these readings stand beside it as `engine stats`; where it
    cannot, they take its place as `cgroup resources`.

    Args:
        stands_in: whether there is no control group to read.
        stream: begins a stream of statistics, one dictionary each.
        errors: what the stream raises when the engine or the container goes away.
    """

    every = 10

    def __init__(
        self,
        stream: Callable[[], Iterator[Mapping[str, Any]]],
        *,
        stands_in: bool = False,
        errors: tuple[type[Exception], ...] = (OSError,),
    ) -> None:
        self.event: type[Reading] = CgroupResources if stands_in else EngineStats
        self._stream = stream
        self._errors = errors
        self._newest: tuple[float, dict[str, float]] | None = None
        self._problem = "the engine has sent nothing yet"
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="engine-stats", daemon=True)
        self._thread.start()

    def read(self) -> dict[str, float] | None:
        """Bytes, seconds and counts; None while the container is down.

        Raises:
            OSError: when the engine does not answer.
        """
        newest = self._newest
        if newest is None or time.monotonic() - newest[0] > _STALE_AFTER_S:
            if self._problem:
                raise OSError(self._problem)
            return None
        return dict(newest[1])

    def close(self) -> None:
        """Stop reading; the stream ends with the container or with the next reading."""
        self._stopping.set()

    def _follow(self) -> None:
        while not self._stopping.is_set():
            try:
                for stats in self._stream():
                    self._note(stats)
                    if self._stopping.is_set():
                        return
                self._problem = ""
            except self._errors as e:
                self._problem = f"the engine's statistics: {e}"
            self._stopping.wait(0.5)

    def _note(self, stats: Mapping[str, Any]) -> None:
        values = parse_stats(stats)
        if values:
            self._newest, self._problem = (time.monotonic(), values), ""


def _memory_bytes(detail: Mapping[str, float]) -> float:
    """Anonymous memory and files in memory, and swap where version 1 tells it."""
    anon = detail.get("total_rss", detail.get("anon", 0))
    return float(anon + detail.get("total_shmem", detail.get("shmem", 0)) + detail.get("total_swap", 0))


def parse_stats(stats: Mapping[str, Any]) -> dict[str, float]:
    """The engine's statistics by our names; empty for a container that is down."""
    memory, cpu = stats.get("memory_stats") or {}, stats.get("cpu_stats") or {}
    if "usage" not in memory:
        return {}
    detail: Mapping[str, float] = memory.get("stats") or {}
    inactive = detail.get("total_inactive_file", detail.get("inactive_file", 0))
    values = {
        "usage_bytes": float(memory["usage"]),
        "working_set_bytes": float(max(memory["usage"] - inactive, 0)),
        "memory_bytes": _memory_bytes(detail),
        "anon_bytes": float(detail.get("total_rss", detail.get("anon", 0))),
        "cache_bytes": float(detail.get("total_cache", detail.get("file", 0))),
        "cpu_seconds": cpu.get("cpu_usage", {}).get("total_usage", 0) * _NS,
        "processes": float((stats.get("pids_stats") or {}).get("current", 0)),
    }
    if memory.get("limit"):
        values["limit_bytes"] = float(memory["limit"])
    return values
