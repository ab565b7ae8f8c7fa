"""Remote Locust workers, which run where the target runs: their plan, and the interface of a place that runs them.

A place is a Docker network (`targets/docker/load_workers.py`) or a namespace of a cluster
(`targets/kubernetes/load_workers.py`). A worker that ends is not replaced: then the load would not be what the
scenario says, and nobody would see it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

from leakdrill.load.in_locust.variables import (
    HOSTS_ENV,
    LIFETIME_ENV,
    PERIOD_ENV,
    WORKER_COUNT_ENV,
    WORKER_INDEX_ENV,
)
from leakdrill.load.worker_bundle import FOLDER, LOCUSTFILES, worker_files

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from leakdrill.scenario.load import Load

PART: Final = "load"
"""Value of `part` in the journal entries of workers."""

MEMORY_BYTES: Final = 1 << 30
"""What one worker may use; a user of Locust takes some ten KiB."""

_SPARE_S: Final = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerPlan:
    """The plan of every worker.

    Attributes:
        image: has Python and Locust.
        command: what runs in it.
        files: their content, by the path below `FOLDER`.
        env: its environment, the same for all but the index.
        count: how many there are.
        lifetime_s: when it ends by itself, whatever becomes of the drill.
    """

    image: str
    command: Sequence[str]
    files: Mapping[str, bytes]
    env: Mapping[str, str]
    count: int
    lifetime_s: int

    def env_of(self, worker_index: int) -> dict[str, str]:
        """Returns the environment of one worker; `worker_index` counts from 0."""
        return {**self.env, WORKER_INDEX_ENV: str(worker_index)}


def worker_plan(spec: Load, *, master: tuple[str, int], addresses: Sequence[str], max_run_s: float) -> WorkerPlan:
    """Returns the plan of the workers of `spec`.

    Args:
        spec: what the scenario says.
        master: where Locust's master listens.
        addresses: where the target answers when the load begins.
        max_run_s: how long the load may last.

    Raises:
        BadInput: when the locustfile cannot be copied.
    """
    host, port = master
    lifetime_s = math.ceil(max_run_s + _SPARE_S)
    command = [
        *("python", "-m", "leakdrill.load.in_locust.worker_main", "--worker"),
        *("--master-host", host, "--master-port", str(port)),
        *("--locustfile", f"{FOLDER}/{LOCUSTFILES}/{spec.locustfile.name}"),
        *spec.args,
    ]
    env = {
        **spec.env,
        HOSTS_ENV: " ".join(addresses),
        WORKER_COUNT_ENV: str(spec.workers),
        LIFETIME_ENV: str(lifetime_s),
    }
    if spec.rate is not None:
        env[PERIOD_ENV] = repr(spec.users / spec.rate)
    return WorkerPlan(
        image=spec.image,
        command=command,
        files=worker_files(spec.locustfile),
        env=env,
        count=spec.workers,
        lifetime_s=lifetime_s,
    )


@dataclass(frozen=True, slots=True)
class WorkerState:
    """One worker as its platform reports it: its name, its state in words, and whether it will never serve again."""

    name: str
    description: str
    ended: bool


class WorkerPlace(Protocol):
    """A place where workers run."""

    def addresses(self) -> list[str]:
        """Returns where the target answers now, as seen from there; empty while it does not."""

    def master_host(self) -> str:
        """Returns the address of this machine that the workers can reach.

        Raises:
            LeakdrillError: when it cannot be determined from here.
        """

    def start(self, plan: WorkerPlan) -> None:
        """Start the workers; the journal has each first.

        Raises:
            LeakdrillError: when the platform refuses, such as for an image that is not there.
        """

    def states(self) -> list[WorkerState]:
        """Returns the state of each worker.

        Raises:
            LeakdrillError: when the platform does not answer.
        """

    def log(self, name: str) -> str:
        """Returns the last output of a worker; empty when there is none to be had."""

    def stop(self) -> None:
        """Remove the workers; what cannot be removed stays in the journal."""


@runtime_checkable
class HostsLoadWorkers(Protocol):
    """A target beside which workers can run."""

    def load_workers(self) -> WorkerPlace | None:
        """Returns the place for the workers, once the target has been started; None where that is this machine."""
