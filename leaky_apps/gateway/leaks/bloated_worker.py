"""The batch worker keeps what it has worked on: the process that grows is not the one that serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaky_apps.gateway.batch_worker import TENSOR_BYTES

if TYPE_CHECKING:
    from leaky_apps.gateway.jobs import Jobs
    from leaky_apps.leak import Growth, Resource


class BloatedWorker:
    """Each job stays in the worker's memory. Switching it off stops the growth and releases nothing."""

    name = "bloated-worker"
    resource: Resource = "memory"
    growth: Growth = "kept"
    per_request = float(TENSOR_BYTES)
    request = 'POST /predict with "job": true'
    released_by: tuple[str, ...] = ("killing the process batch_worker.py", "restart")
    not_released_by: tuple[str, ...] = ("POST /admin/gc", "POST /admin/clear-cache", "switching the leak off")
    twin = "the same jobs, none of them kept"

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    @property
    def on(self) -> bool:
        """Whether jobs are kept."""
        return self._jobs.keep

    def switch(self, *, on: bool) -> None:
        """Have the worker keep the jobs that are sent from now on, or drop them."""
        self._jobs.keep = on
