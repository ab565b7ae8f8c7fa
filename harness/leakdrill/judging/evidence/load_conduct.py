"""Whether a load was what was asked for, from what Locust's processes counted besides requests.

Locust goes on when its users are gone, when every task raises, and when each answer is a login page. What it then
reports is a load, and not that of the locustfile.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, TypeGuard

from leakdrill.units import show_count, show_duration, show_share

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from leakdrill.record.events import LoadRequests
    from leakdrill.scenario.load import Load

Pair = tuple["LoadRequests", "LoadRequests"]
"""Two neighbouring reports of Locust: their differences are what happened between them."""

COUNTS: Final = (
    *("requests", "failures", "completed", "users_started", "users_ended", "tasks", "exceptions"),
    *("listener_exceptions", "event_exceptions", "errors_as_success", "crashes_as_success"),
    *("empty", "diverted", "elsewhere"),
)
"""What every report says, and what never falls."""

_MOST_ELSEWHERE: Final = 0.05
_MOST_DIVERTED: Final = 0.1
_MOST_EMPTY: Final = 0.5
_MOST_CLIENT_ERRORS: Final = 0.5
_USERS: Final = 0.95
"""The share of the users asked for that must be there; and the inverse of the most that may be."""

_SPAWNING_S: Final = 3.0
_LONGEST_TASK_S: Final = 15.0
_TASKS_PER_P99: Final = 5.0


class Problem(NamedTuple):
    """One way in which a load was not what was asked for, and the events that show it."""

    text: str
    events: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Conduct:
    """What a load did over some of its reports.

    Attributes:
        pairs: neighbouring reports, in order.
        load: what was asked for.
        error_rate: the share of tasks that may raise, and of server errors that may be called a success.
        began_s: when its first users were started.
    """

    pairs: Sequence[Pair]
    load: Load
    error_rate: float
    began_s: float

    def problems(self) -> list[Problem]:
        """Every way in which it was not what was asked for."""
        spoilt = list(self._spoilt())
        return spoilt or [*self._users(), *self._shares(), *self._stuck()]

    def grown(self, name: str) -> float:
        """By how much a count rose over the pairs."""
        return sum(count_of(after, name) - count_of(before, name) for before, after in self.pairs)

    @property
    def events(self) -> tuple[int, ...]:
        """The first and the last report."""
        return (self.pairs[0][0].index, self.pairs[-1][1].index) if self.pairs else ()

    def _spoilt(self) -> Iterator[Problem]:
        for before, after in self.pairs:
            for report in (before, after):
                lacking = [name for name in COUNTS if not _is_count(report, name)]
                if lacking:
                    yield Problem(f"a report of the load lacks {', '.join(lacking[:3])}", (report.index,))
                    return
            fallen = [name for name in COUNTS if count_of(after, name) < count_of(before, name)]
            if fallen or count_of(after, "failures") > count_of(after, "requests"):
                yield Problem(f"the load's count of {(fallen or ['failures'])[0]} cannot be true", (after.index,))
                return

    def _users(self) -> Iterator[Problem]:
        """The users that were missing, or too many, for two reports on end."""
        few = [after for _, after in self.pairs if _users(after) < _USERS * self._least_users(after)]
        many = [after for _, after in self.pairs if _users(after) > self._most_users(after) / _USERS]
        gone = self.pairs[-1][1] if self.pairs else None
        if len(few) > 1 and "idle users" not in self.load.allow:
            least = min(few, key=_users)
            wanted = self._most_users(least)
            text = f"{_users(least):.0f} of {wanted:.0f} users ran at {show_duration(least.t)}"
            raised = count_of(gone, "exceptions") if gone else 0.0
            yield Problem(
                f"{text}; tasks and on_start raised {show_count(raised, 'time')}" if raised else text, (least.index,)
            )
        if len(many) > 1:
            most = max(many, key=_users)
            yield Problem(
                f"{show_count(_users(most), 'user')} ran; {self._most_users(most):.0f} were asked for", (most.index,)
            )

    def _most_users(self, report: LoadRequests) -> float:
        return float(asked_users(self.load)) if report.wanted_users is None else report.wanted_users

    def _least_users(self, report: LoadRequests) -> float:
        """The users that should have been spawned by the time of `report`."""
        if report.wanted_users is not None or self.load.spawn_rate is None:
            return self._most_users(report)
        spawned = self.load.spawn_rate * (report.t - self.began_s - _SPAWNING_S)
        return min(self._most_users(report), max(0.0, spawned))

    def _shares(self) -> Iterator[Problem]:
        raised = count_of(self.pairs[-1][1], "event_exceptions") if self.pairs else 0.0
        if raised:
            text = f"listeners of the locustfile, such as to `test_start`, raised {show_count(raised, 'time')}"
            yield Problem(text, self.events)
        requests, tasks = self.grown("requests"), self.grown("tasks")
        for name, of, most, allowed_by, text in (
            ("exceptions", tasks, self.error_rate, "", "tasks raised an exception"),
            ("listener_exceptions", requests, self.error_rate, "", "requests made a listener of the locustfile raise"),
            ("elsewhere", requests, _MOST_ELSEWHERE, "other hosts", "requests went to another host than the target"),
            ("diverted", requests, _MOST_DIVERTED, "redirects", "requests were led to a login or a common page"),
            ("empty", requests, _MOST_EMPTY, "empty answers", "requests were answered with nothing"),
            ("crashes_as_success", requests, self.error_rate, "", "requests got a status from 500 on, called success"),
            (
                *("errors_as_success", requests, _MOST_CLIENT_ERRORS),
                *("client errors", "requests got a status from 400 to 499, called success"),
            ),
        ):
            count = self.grown(name)
            if count > most * max(of, 1.0) and allowed_by not in self.load.allow:
                share = (
                    f"{count:.0f} of {of:.0f} {text} ({show_share(count / of)})" if of > 1 else f"{count:.0f} {text}"
                )
                yield Problem(share + _permission(allowed_by), self.events)

    def _stuck(self) -> Iterator[Problem]:
        """A user that stayed in a task while nothing came back to it, for much longer than answers take."""
        p99_ms = max((after.p99_ms or 0.0 for _, after in self.pairs), default=0.0)
        most_s = max(_LONGEST_TASK_S, _TASKS_PER_P99 * p99_ms / 1000)
        worst = max((after for _, after in self.pairs), key=lambda report: report.oldest_s or 0.0, default=None)
        if worst is not None and (worst.oldest_s or 0.0) > most_s:
            oldest = show_duration(worst.oldest_s or 0.0)
            yield Problem(f"a user was in one task for {oldest} and got no answer in that time", (worst.index,))


def asked_users(load: Load) -> int:
    """Returns how many users a scenario asks for; Locust's own argument wins over its key."""
    for flag, value in zip(load.args, [*load.args[1:], ""], strict=False):
        name, equals, inline = flag.partition("=")
        given = inline if equals else value
        if name in ("-u", "--users") and given.isdecimal():
            return int(given)
    return load.users


def summary(problems: Iterable[Problem]) -> str:
    """The first few problems in one clause."""
    texts = [problem.text for problem in problems]
    more = f"; and {len(texts) - 3} more" if len(texts) > 3 else ""  # noqa: PLR2004 - as many as are told
    return "; ".join(texts[:3]) + more


def _permission(allowed_by: str) -> str:
    return f"; if it is meant to, `load.allow` may name {allowed_by}" if allowed_by else ""


def is_number(value: object) -> TypeGuard[float]:
    """Whether `value` is a finite number."""
    return isinstance(value, int | float) and math.isfinite(value)


def count_of(report: LoadRequests, name: str) -> float:
    """A count of a report; 0 where it is no number, which `Conduct.problems` says."""
    value = getattr(report, name)
    return float(value) if is_number(value) else 0.0


def _is_count(report: LoadRequests, name: str) -> bool:
    value = getattr(report, name)
    return is_number(value) and value >= 0


def _users(report: LoadRequests) -> float:
    return count_of(report, "users_started") - count_of(report, "users_ended")
