"""Pauses and resumes a load of one Locust process, and waits until it is drained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.errors import BadInput, ComponentDied
from leakdrill.load.pause_line import PauseLine

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from leakdrill.load.locust_process import LocustProcess
    from leakdrill.scenario.load import Load


class PauseControl:
    """The harness's control of the pause gate (in_locust/pause_gate.py).

    Args:
        spec: what the scenario says.
        process: the Locust.
        alive: whether it still makes requests.
    """

    def __init__(self, spec: Load, process: LocustProcess, *, alive: Callable[[], bool]) -> None:
        self._spec = spec
        self._process = process
        self._alive = alive
        self._line: PauseLine | None = None

    def open(self) -> int | None:
        """Returns the descriptor that Locust is to inherit; None when the load has several processes."""
        if self._spec.workers > 1:
            return None
        self._line = PauseLine()
        return self._line.far_fd

    def hand_over(self) -> None:
        """Leave the far end to Locust, which has been started."""
        if self._line is not None:
            self._line.hand_over()

    def close(self) -> None:
        """Close the line. Safe to call twice."""
        if self._line is not None:
            self._line.close()
            self._line = None

    def require_one_process(self, action: str) -> None:
        """Check that `action`, such as `pausing the load`, can be done to this load.

        Raises:
            BadInput: when the load has several processes.
        """
        if self._spec.workers > 1:
            raise BadInput(
                f"load.workers: {self._spec.workers} of {self._spec.locustfile}: {action} needs one Locust process",
                hint="the gate needs load.workers: 1",
            )

    def pause(self) -> None:
        """Shut the gate: no user begins another task; those under way end. Returns at once; see `wait_drained_s`.

        Until `resume` the load's clock stands still: what would have been due in the meantime is moved, not made up
        for. What the locustfile starts beside its users' tasks, such as greenlets of its own, is not held.

        Raises:
            BadInput: when the load has several processes.
            ComponentDied: when Locust is not running.
        """
        self._order("pause")

    def resume(self, requests: int | None = None) -> None:
        """Open the gate; with `requests`, it shuts again as soon as so many more were made.

        Tasks of one request make exactly that many; of several, a few more (pause_gate.py says how many).

        Raises:
            BadInput: when the load has several processes.
            ComponentDied: when Locust is not running.
        """
        self._order("resume", *(() if requests is None else (requests,)))

    def wait_drained_s(self, timeout_s: float) -> float | None:
        """Returns the seconds from the gate's closing until the last user came to rest; None when the time is over.

        Raises:
            BadInput: when the load has several processes.
            ComponentDied: when Locust ended before that.
        """
        self.require_one_process("pausing the load")
        when = "before its users had come to rest"
        if self._line is None:
            raise ComponentDied(self._process.state(when))
        try:
            return self._line.wait_drained_s(timeout_s)
        except EOFError as e:
            raise ComponentDied(self._process.state(when)) from e

    @property
    def completed_by_name(self) -> Mapping[str, float]:
        """Requests completed under each name that the locustfile gives them, as of the last time it was drained."""
        return {name: float(count) for name, count in self._line.by_name.items()} if self._line else {}

    def _order(self, word: str, *numbers: int) -> None:
        self.require_one_process(f"{word[:-1]}ing the load")
        try:
            if self._line is None or not self._alive():
                raise ComponentDied(self._process.state(f"when it was to {word}"))
            self._line.order(word, *numbers)
        except OSError as e:
            raise ComponentDied(self._process.state(f"when it was to {word}")) from e
