"""The files that a remote worker gets: our listener, the locustfile, and the Python files beside it.

Locust itself can send its workers the locustfile (`-f -`), but that one file alone, and our listener must be there
before it is loaded. So all of it is copied in as files, and any image with Locust will do.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from leakdrill.errors import BadInput
from leakdrill.units import show_size

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER: Final = "/leakdrill"
"""The files' folder in a worker's container; it starts there, so that it finds ours before any other `leakdrill`."""

OURS: Final = (
    "leakdrill/__init__.py",
    "leakdrill/load/__init__.py",
    "leakdrill/load/in_locust/__init__.py",
    "leakdrill/load/in_locust/target_addresses.py",
    "leakdrill/load/in_locust/answers.py",
    "leakdrill/load/in_locust/bounded_log.py",
    "leakdrill/load/in_locust/bounded_stats.py",
    "leakdrill/load/in_locust/counters.py",
    "leakdrill/load/in_locust/idle_tasks.py",
    "leakdrill/load/in_locust/lifeline.py",
    "leakdrill/load/in_locust/messages.py",
    "leakdrill/load/in_locust/pacing.py",
    "leakdrill/load/in_locust/sent_once.py",
    "leakdrill/load/in_locust/redirects.py",
    "leakdrill/load/in_locust/replaced_method.py",
    "leakdrill/load/in_locust/task_reports.py",
    "leakdrill/load/in_locust/user_monitor.py",
    "leakdrill/load/in_locust/variables.py",
    "leakdrill/load/in_locust/worker_main.py",
)
LOCUSTFILES: Final = "load"
MOST_BYTES: Final = 900 << 10
"""A ConfigMap holds 1 MiB, its own fields included."""


def worker_files(locustfile: Path) -> Mapping[str, bytes]:
    """Returns the files of a worker's container, by their path below `FOLDER`.

    Raises:
        BadInput: when there is no such locustfile, or there is more beside it than can be copied.
    """
    package = Path(__file__).parents[2]
    try:
        contents = {path.name: path.read_bytes() for path in _modules(locustfile)}
    except OSError as e:
        raise BadInput(f"load.locustfile: {e.filename} cannot be read: {e.strerror}") from e
    total_bytes = sum(map(len, contents.values()))
    if total_bytes > MOST_BYTES:
        raise BadInput(
            f"load.locustfile: the Python files in {locustfile.parent} hold {show_size(total_bytes)}, and "
            f"remote workers get all of them; expected at most {show_size(MOST_BYTES)}",
            hint="give the locustfile a folder of its own, or let the workers run here: load.workers_on: here",
        )
    ours = {name: (package / name).read_bytes() for name in OURS}
    return {**ours, **{f"{LOCUSTFILES}/{name}": content for name, content in contents.items()}}


def _modules(locustfile: Path) -> list[Path]:
    """Returns the locustfile and the Python files beside it that it can import."""
    beside = {path for path in locustfile.parent.glob("*.py") if path.stem.isidentifier()}
    return sorted(beside | {locustfile})
