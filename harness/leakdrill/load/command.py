"""The command line and the environment of a Locust."""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from leakdrill.load.in_locust.variables import (
    ADDRESSES_ENV,
    CONTROL_ENV,
    COUNTS_ENV,
    PERIOD_ENV,
    RECORD_ENV,
    STATUS_ENV,
)
from leakdrill.machine.ports import free_port

if TYPE_CHECKING:
    from leakdrill.scenario.load import Load

FINISH_TASKS_S: Final = 2
"""How long a stop lets running tasks finish. Cut off, their requests would be served and not counted."""

_START: Final = Path(__file__).parent / "in_locust" / "start.py"
EXPECTED_WAIT_S: Final = 600
"""How long a master waits for remote workers: longer than we do (remote_workers.py), who know why they are late."""


def argv(spec: Load, *, host: str, max_run_s: float, master: tuple[str, int] | None = None) -> list[str]:
    """Returns the command line; the scenario's own `args` come last and win.

    Args:
        spec: what the scenario says.
        host: the address of the target.
        max_run_s: when Locust ends itself.
        master: where to listen for remote workers; None when all workers are processes of this Locust.
    """
    spawn_rate = spec.spawn_rate if spec.spawn_rate is not None else spec.users
    return [
        *(str(spec.python or sys.executable), str(_START), "--headless", "--only-summary"),
        *("--locustfile", str(spec.locustfile), "--host", host),
        *("--users", str(spec.users), "--spawn-rate", f"{spawn_rate:g}"),
        *("--run-time", f"{math.ceil(max_run_s)}s", "--stop-timeout", str(FINISH_TASKS_S)),
        *("--exit-code-on-error", "0"),
        *(_leading(spec.workers, *master) if master else _distributed(spec.workers) if spec.workers > 1 else ()),
        *spec.args,
    ]


def _distributed(workers: int) -> list[str]:
    port = str(free_port())
    return [
        *("--processes", str(workers), "--expect-workers-max-wait", "30"),
        *("--master-bind-host", "127.0.0.1", "--master-bind-port", port),
        *("--master-host", "127.0.0.1", "--master-port", port),
    ]


def _leading(workers: int, host: str, port: int) -> list[str]:
    return [
        *("--master", "--expect-workers", str(workers), "--expect-workers-max-wait", str(EXPECTED_WAIT_S)),
        *("--master-bind-host", host, "--master-bind-port", str(port)),
    ]


def environment(
    spec: Load,
    *,
    counts: Path,
    status_fd: int,
    run_id: str,
    control_fd: int | None = None,
    record: Path | None = None,
    addresses_fd: int | None = None,
) -> dict[str, str]:
    """Returns our environment with the listener's settings, without the run's token: that is for the target alone."""
    env = {**os.environ, **spec.env}
    env.pop("LEAKDRILL_TOKEN", None)
    env |= {COUNTS_ENV: str(counts), STATUS_ENV: str(status_fd), "LEAKDRILL_RUN_ID": run_id}
    if spec.rate is not None:
        env[PERIOD_ENV] = repr(spec.users / spec.rate)
    if control_fd is not None:
        env[CONTROL_ENV] = str(control_fd)
    if record is not None:
        env[RECORD_ENV] = str(record.absolute())
    if addresses_fd is not None:
        env[ADDRESSES_ENV] = str(addresses_fd)
    return env
