"""The engine's statistics of several containers, added up: for an engine that runs on another machine."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, cast

from leakdrill.meters.docker_stats import DockerStatsMeter
from leakdrill.meters.pods import summed
from leakdrill.record.events import CgroupResources

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from docker.models.containers import Container


class ReplicaStatsMeter:
    """Reads `containers`, asked for anew at each reading; a stream for each.

    Args:
        containers: those that run now.
        errors: what a stream raises when the engine or a container goes away.
    """

    event = CgroupResources
    every = 10

    def __init__(
        self, containers: Callable[[], Sequence[Container]], *, errors: tuple[type[Exception], ...] = (OSError,)
    ) -> None:
        self._containers = containers
        self._errors = errors
        self._open: dict[str, DockerStatsMeter] = {}

    def read(self) -> dict[str, float] | None:
        """Sums over the containers; None while there is nothing to read."""
        running = {str(container.id): container for container in self._containers()}
        for gone in self._open.keys() - running.keys():
            self._open.pop(gone).close()
        rows = []
        for key, container in running.items():
            meter = self._open.get(key) or self._follow(key, container)
            with contextlib.suppress(OSError):
                rows.append(meter.read())
        return summed([row for row in rows if row])

    def close(self) -> None:
        """Stop reading."""
        while self._open:
            self._open.popitem()[1].close()

    def _follow(self, key: str, container: Container) -> DockerStatsMeter:
        self._open[key] = DockerStatsMeter(
            lambda: cast("Iterator[Mapping[str, Any]]", container.stats(stream=True, decode=True)),
            errors=self._errors,
        )
        return self._open[key]
