"""Every error that Leakdrill raises on purpose, each with its exit code.

    LeakdrillError            4  the harness or its surroundings broke
    ├── BadInput              3  what the user wrote cannot be used
    └── EnvironmentProblem    4  this machine lacks something, or a part of the drill did not come up
        ├── TargetNotReady    4
        └── ComponentDied     4  Prometheus, Alertmanager or Locust ended on its own
    Interrupted             130  Ctrl-C or SIGTERM; like KeyboardInterrupt no `Exception`, so that nobody takes it for
                                 a failure of what it interrupts: a step, a request, a probe

They are caught once, in `cli.py`. A verdict is not an error: FAIL exits 1 and UNKNOWN exits 2.
"""

from __future__ import annotations

from typing import ClassVar


class LeakdrillError(Exception):
    """Something a person must hear about: `message`, and `hint`, which says what to do next.

    The message names subject and place, what was seen, and what was expected.
    """

    exit_code: ClassVar[int] = 4

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\nHint: {self.hint}" if self.hint else self.message


class BadInput(LeakdrillError):  # noqa: N818 - the name says whose mistake it is; "Error" would add nothing
    """A scenario, a rules file or an argument that cannot be used as written."""

    exit_code: ClassVar[int] = 3


class EnvironmentProblem(LeakdrillError):  # noqa: N818 - likewise
    """The machine lacks something that the drill needs, or refused it."""


class TargetNotReady(EnvironmentProblem):
    """The target did not answer its readiness probe in time, or ended before it did."""


class ComponentDied(EnvironmentProblem):
    """Prometheus, Alertmanager or Locust could not be started or ended while it was needed."""


class Interrupted(BaseException):
    """The user, or the system, asked the drill to stop; `message` says how, and what has been done about it."""

    exit_code: ClassVar[int] = 130

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
