"""The user monitor: what Locust's users do besides requests that succeed, counted in every Locust process.

Locust goes on when a task raises, when a listener raises, and when every user is gone, and it counts an answer as a
success that the locustfile calls one. So all of it is counted here, for the harness to compare with what was asked for.
"""

from __future__ import annotations

import logging
import time
import traceback
from typing import TYPE_CHECKING, Any, Final

import gevent
import locust
from locust import TaskSet, User
from locust import log as locust_log
from locust.event import EventHook
from locust.exception import InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately, StopTest, StopUser
from locust.user.task import DefaultTaskSet

from leakdrill.load.in_locust.answers import Answers
from leakdrill.load.in_locust.counters import (
    EVENT_EXCEPTIONS,
    EXCEPTIONS,
    LISTENER_EXCEPTIONS,
    TASKS,
    USERS_ENDED,
    USERS_STARTED,
)
from leakdrill.load.in_locust.replaced_method import replace_method

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from leakdrill.load.in_locust.counters import Counters

MOST_NAMES: Final = 1000
"""Tasks may be made while the load runs; more different names than this are not told apart."""

_CONTROL_FLOW: Final = (StopUser, StopTest, RescheduleTask, RescheduleTaskImmediately, InterruptTaskSet)
"""What a listener may raise to steer the user that called it."""


class UserMonitor:
    """Counts users, tasks and exceptions, and remembers which tasks ran.

    Args:
        counters: of this process.
        clock: monotonic seconds.

    Attributes:
        ran: how often each task began, by `Owner.task`; a user class stands under its own name.
    """

    def __init__(self, counters: Counters, clock: Callable[[], float] = time.monotonic) -> None:
        self.ran: dict[str, int] = {}
        self._counters = counters
        self._clock = clock
        self._busy_since: dict[Any, float] = {}
        self._answers = Answers(counters)

    def install(self) -> None:
        """Hook Locust's users, tasks and events, before the locustfile is loaded."""
        replace_method(User, "run", self._user_run)
        replace_method(TaskSet, "_sleep", self._sleep)
        for tasks in (TaskSet, DefaultTaskSet):
            replace_method(tasks, "execute_task", self._execute_task)
        replace_method(EventHook, "fire", self._fire)
        locust.events.user_error.add_listener(self._on_user_error)  # type: ignore[no-untyped-call]
        locust.events.request.add_listener(self._on_request)  # type: ignore[no-untyped-call]

    def target_is(self, addresses: Iterable[str]) -> None:
        """Count requests to other hosts than those of `addresses` from now on."""
        self._answers.target_is(addresses)

    def oldest_s(self) -> float:
        """Returns for how long the slowest user has been in its task without the end of a request; 0 when none is."""
        return max(0.0, self._clock() - min(self._busy_since.values())) if self._busy_since else 0.0

    def _note(self, name: str) -> None:
        if name in self.ran or len(self.ran) < MOST_NAMES:
            self.ran[name] = self.ran.get(name, 0) + 1

    def _user_run(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def run(user: Any) -> None:
            self._counters.add(USERS_STARTED)
            self._note(type(user).__name__)
            greenlet = gevent.getcurrent()
            self._busy_since[greenlet] = self._clock()
            try:
                original(user)
            finally:
                self._busy_since.pop(greenlet, None)
                self._counters.add(USERS_ENDED)

        return run

    def _sleep(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def sleep(tasks: Any, seconds: float) -> None:
            self._busy_since.pop(gevent.getcurrent(), None)
            original(tasks, seconds)

        return sleep

    def _execute_task(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def execute_task(tasks: Any, task: Any) -> None:
            owner = tasks.user if isinstance(tasks, DefaultTaskSet) else tasks
            self._note(f"{type(owner).__name__}.{task_name(task)}")
            if isinstance(task, type):
                original(tasks, task)
                return
            greenlet = gevent.getcurrent()
            self._counters.add(TASKS)
            self._busy_since[greenlet] = self._clock()
            try:
                original(tasks, task)
            finally:
                self._busy_since.pop(greenlet, None)

        return execute_task

    def _on_user_error(self, **_fields: Any) -> None:
        self._counters.add(EXCEPTIONS)

    def _on_request(self, **fields: Any) -> None:
        greenlet = gevent.getcurrent()
        if greenlet in self._busy_since:
            self._busy_since[greenlet] = self._clock()
        self._answers.on_request(**fields)

    def _fire(self, _original: Callable[..., Any]) -> Callable[..., Any]:
        """Locust's own `fire`, which logs what a listener raises and forgets it, and this counts it as well."""

        def fire(hook: Any, *, reverse: bool = False, **fields: Any) -> None:
            handlers = list(hook._handlers)  # noqa: SLF001 - Locust keeps them there, and only there
            for handler in reversed(handlers) if reverse else handlers:
                try:
                    handler(**fields)
                except _CONTROL_FLOW:
                    raise
                except Exception:  # noqa: BLE001 - as Locust does: the other listeners are called all the same
                    logging.getLogger().error("Uncaught exception in event handler: \n%s", traceback.format_exc())  # noqa: TRY400 - in Locust's own words
                    locust_log.unhandled_greenlet_exception = True
                    self._counters.add(LISTENER_EXCEPTIONS if hook is locust.events.request else EVENT_EXCEPTIONS)

        return fire


def task_name(task: Any) -> str:
    """Returns the name of a task: of its function, its class, or the class of what is called."""
    return str(getattr(task, "__name__", type(task).__name__))
