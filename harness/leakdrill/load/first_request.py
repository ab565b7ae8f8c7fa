"""Waits for the first request of a load that is answered, and says why none was."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from leakdrill.errors import ComponentDied
from leakdrill.units import show_count, show_duration
from leakdrill.wait import TimedOut, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakdrill.load.counter_reader import CounterReader
    from leakdrill.load.locust_process import LocustProcess
    from leakdrill.load.monitor import LocustMonitor
    from leakdrill.scenario.load import Load

LAST_WORDS_S: Final = 1.5
"""Locust reports once a second what its users raised."""


@dataclass(frozen=True, kw_only=True)
class FirstRequest:
    """The first request of one load.

    Attributes:
        spec: what the scenario says of the load.
        host: the target's address.
        process: the Locust that leads.
        monitor: what it reports.
        counters: what its processes count.
    """

    spec: Load
    host: str
    process: LocustProcess
    monitor: LocustMonitor
    counters: CounterReader

    def wait(self, *, alive: Callable[[], bool], timeout_s: float, success_s: float) -> None:
        """Return when one was answered: for `success_s` only a success counts, then any status is an answer.

        Raises:
            ComponentDied: when Locust is no longer `alive`, its users have given up, or nothing was answered in time.
        """
        with suppress(TimedOut):
            wait_for(
                lambda: self.counters.answered() > 0 or not alive() or self._users_gave_up(),
                what="a success",
                timeout_s=success_s,
            )
        try:
            wait_for(
                lambda: self.counters.completed() > 0 or not alive() or self._users_gave_up(),
                what="a response",
                timeout_s=timeout_s,
            )
        except TimedOut as e:
            raise ComponentDied(
                f"the load never reached {self.host}: {show_count(self.counters.totals().requests, 'request')} within "
                f"{show_duration(success_s + timeout_s)}, none answered; {self.monitor.worst_error()}",
                hint=f"read {self.process.log}; {self._why_unreached()}",
            ) from e
        if self._users_gave_up():
            self.monitor.join(LAST_WORDS_S)
            raise ComponentDied(
                f"no user of the load made a request: all of them ended before; {self.monitor.worst_error()}",
                hint=f"read {self.process.log}: `on_start` or the first task of {self.spec.locustfile} fails",
            )
        if self.counters.completed() == 0:
            raise ComponentDied(self.process.state("before its first request was answered"))

    def _why_unreached(self) -> str:
        totals = self.counters.totals()
        if totals.requests and totals.besides["elsewhere"] >= totals.requests:
            return f"all requests of {self.spec.locustfile} go to another host: use paths, the host is given to Locust"
        if not totals.requests and totals.besides["users_started"]:
            return f"its users wait for an answer: do the paths in {self.spec.locustfile} answer at all?"
        return f"is the target ready, and are the paths in {self.spec.locustfile} right?"

    def _users_gave_up(self) -> bool:
        """Whether all users were started and have ended, and none of them made a request."""
        totals = self.counters.totals()
        started, ended = totals.besides["users_started"], totals.besides["users_ended"]
        return not totals.requests and started >= self.spec.users and ended >= started
