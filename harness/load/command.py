"""How Locust is called: its arguments and its environment."""

from __future__ import annotations

import math
import os
import sys
from typing import TYPE_CHECKING, Final

from harness.ports import free_port

if TYPE_CHECKING:
    from pathlib import Path

    from harness.scenario import Load

FINISH_TASKS_S: Final = 2
"""How long a stop lets running tasks finish. Cut off, their requests would be served and yet counted by nobody."""

COUNTS_ENV: Final = "LEAKDRILL_LOAD_COUNTS"
STATUS_ENV: Final = "LEAKDRILL_LOAD_STATUS_FD"
PERIOD_ENV: Final = "LEAKDRILL_LOAD_PERIOD_S"
CONTROL_ENV: Final = "LEAKDRILL_LOAD_CONTROL_FD"
RECORD_ENV: Final = "LEAKDRILL_LOAD_RECORD"


def argv(spec: Load, *, host: str, max_run_s: float) -> list[str]:
    """The command; the scenario's own `args` come last and win."""
    spawn_rate = spec.spawn_rate if spec.spawn_rate is not None else spec.users
    return [
        *(sys.executable, "-m", "harness.load.locust_main", "--headless", "--only-summary"),
        *("--locustfile", str(spec.locustfile), "--host", host),
        *("--users", str(spec.users), "--spawn-rate", f"{spawn_rate:g}"),
        *("--run-time", f"{math.ceil(max_run_s)}s", "--stop-timeout", str(FINISH_TASKS_S)),
        *("--exit-code-on-error", "0"),
        *(_distributed(spec.workers) if spec.workers > 1 else ()),
        *spec.args,
    ]


def _distributed(workers: int) -> list[str]:
    port = str(free_port())
    return [
        *("--processes", str(workers), "--expect-workers-max-wait", "30"),
        *("--master-bind-host", "127.0.0.1", "--master-bind-port", port),
        *("--master-host", "127.0.0.1", "--master-port", port),
    ]


def environment(
    spec: Load,
    *,
    counts: Path,
    status_fd: int,
    run_id: str,
    control_fd: int | None = None,
    record: Path | None = None,
) -> dict[str, str]:
    """The environment: ours without the run's token, which is for the target alone, and what the listener needs."""
    env = {**os.environ, **spec.env}
    env.pop("LEAKDRILL_TOKEN", None)
    env |= {COUNTS_ENV: str(counts), STATUS_ENV: str(status_fd), "LEAKDRILL_RUN_ID": run_id}
    if spec.rate is not None:
        env[PERIOD_ENV] = repr(spec.users / spec.rate)
    if control_fd is not None:
        env[CONTROL_ENV] = str(control_fd)
    if record is not None:
        env[RECORD_ENV] = str(record.absolute())
    return env
