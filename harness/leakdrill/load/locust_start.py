"""Waits for a Locust that was started, and turns a failed start into the error of whoever caused it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.errors import BadInput, ComponentDied, LeakdrillError
from leakdrill.record.events import Notice
from leakdrill.wait import TimedOut, wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from leakdrill.load.locust_process import LocustProcess
    from leakdrill.load.monitor import LocustMonitor
    from leakdrill.record.recorder import Recorder
    from leakdrill.scenario.load import Load

READY_TIMEOUT_S: Final = 60.0
"""For the interpreter, Locust's imports, the locustfile and the workers, on a busy machine."""


def wait_started(process: LocustProcess, monitor: LocustMonitor, spec: Load) -> str:
    """Return when Locust has loaded the locustfile and is about to spawn users.

    Returns:
        The name of the locustfile's `LoadTestShape`, which then says how many users there are; empty without one.

    Raises:
        BadInput: when Locust cannot use the locustfile or an argument, or when what it does cannot be recorded.
        ComponentDied: when Locust itself does not come up.
    """
    try:
        wait_for(lambda: monitor.running or not process.running, what="Locust's start", timeout_s=READY_TIMEOUT_S)
    except TimedOut as e:
        raise ComponentDied(process.state(f"was not ready after {READY_TIMEOUT_S:g} s")) from e
    if not process.running:
        monitor.join()
        if not monitor.running:
            raise _early_end(process, monitor, spec.locustfile)
    if "unrecordable" in monitor.status:
        raise BadInput(
            f"{spec.locustfile}: corpus: closed cannot record this load: {monitor.status['unrecordable']}",
            hint="use corpus: open, which runs the locustfile as it is",
        )
    shape = str(monitor.status.get("shape", ""))
    if shape and spec.rate is not None:
        raise BadInput(
            f"{spec.locustfile}: its LoadTestShape {shape} says how many users there are, and load.rate how much they "
            "all do; expected one of them",
            hint="leave load.rate out, or drill without the shape",
        )
    return shape


def note_shape(shape: str, recorder: Recorder) -> None:
    """Record whose word counts on the number of users, where the locustfile has the LoadTestShape `shape`."""
    if shape:
        recorder.record(Notice(f"the locustfile's LoadTestShape {shape} says how many users there are, not load.users"))


def _early_end(process: LocustProcess, monitor: LocustMonitor, locustfile: Path) -> LeakdrillError:
    """Returns the error for an early end: once our listener stood, only the locustfile and the arguments were left."""
    if not monitor.status:
        return ComponentDied(process.state("before it read the locustfile"))
    return BadInput(
        f"{locustfile}: Locust could not load it (or its arguments): {process.last_lines()}",
        hint=f"read {process.log}; `locust -f {locustfile}` must work on its own",
    )
