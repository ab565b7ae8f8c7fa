"""Hooks that lead Locust's users and requests through the pause gate, without a change to the locustfile.

Locust's own classes are changed, once, before the locustfile is loaded: what the user's classes inherit is ours.
A task that is itself a set of tasks passes, because its own tasks stop at the gate. A task set that brings a wait
of its own counts as busy in it, and stops before its next task.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from locust import TaskSet, User
from locust.clients import HttpSession
from locust.contrib.fasthttp import FastHttpSession
from locust.user.task import LOCUST_STATE_RUNNING, LOCUST_STATE_WAITING, DefaultTaskSet

from leakdrill.load.in_locust.replaced_method import Method, replace_method

if TYPE_CHECKING:
    from collections.abc import Callable
    from socket import socket

    from leakdrill.load.in_locust.pause_gate import PauseGate


def install(pause_gate: PauseGate) -> None:
    """Lead every user, task and HTTP request of this Locust through `pause_gate` from now on."""
    replace_method(User, "run", _user_run(pause_gate))
    replace_method(TaskSet, "_sleep", _sleep(pause_gate))  # where a task set waits, with its state kept right around it
    for tasks in (TaskSet, DefaultTaskSet):
        replace_method(tasks, "execute_task", _execute_task(pause_gate))
    for session in (HttpSession, FastHttpSession):
        replace_method(session, "request", _request(pause_gate))


def _user_run(pause_gate: PauseGate) -> Callable[[Method], Method]:
    def wrap(original: Method) -> Method:
        def run(self: Any) -> None:
            with pause_gate.user():
                original(self)

        return run

    return wrap


def _sleep(pause_gate: PauseGate) -> Callable[[Method], Method]:
    def wrap(_original: Method) -> Method:
        def sleep(self: Any, seconds: float) -> None:
            _shift_last_run(self, pause_gate.sleep(seconds))

        return sleep

    return wrap


def _execute_task(pause_gate: PauseGate) -> Callable[[Method], Method]:
    def wrap(original: Method) -> Method:
        def execute_task(self: Any, task: Any) -> None:
            if isinstance(task, type):
                original(self, task)
                return
            if pause_gate.shut:
                _wait_as_locust_does(pause_gate, self)
            else:
                pause_gate.hold()
            try:
                original(self, task)
            finally:
                pause_gate.task_ended()

        return execute_task

    return wrap


def _wait_as_locust_does(pause_gate: PauseGate, tasks: Any) -> None:
    """Hold the user in the waiting state: Locust then ends it at once when it stops."""
    user = tasks.user
    if user._state == LOCUST_STATE_RUNNING:  # noqa: SLF001 - Locust keeps it there, and only there
        user._state = LOCUST_STATE_WAITING  # noqa: SLF001
    _shift_last_run(tasks, pause_gate.hold())
    if user._state == LOCUST_STATE_WAITING:  # noqa: SLF001
        user._state = LOCUST_STATE_RUNNING  # noqa: SLF001


def _shift_last_run(tasks: Any, held_s: float) -> None:
    """Shift the last run, which `constant_pacing` and `constant_throughput` keep: they would make up for the pause."""
    if held_s:
        for owner in (tasks, tasks.user):
            owner._cp_last_run += held_s  # noqa: SLF001


def _request(pause_gate: PauseGate) -> Callable[[Method], Method]:
    def wrap(original: Method) -> Method:
        def request(self: Any, *args: Any, **kwargs: Any) -> Any:
            with pause_gate.request():
                return original(self, *args, **kwargs)

        return request

    return wrap


def listen(pause_gate: PauseGate, control: socket) -> None:
    """Carry out the harness's orders until it is gone, one a line: `pause 7`, `resume 8`, `resume 9 500`.

    Args:
        pause_gate: carries them out.
        control: a stream socket, as gevent has replaced it: reading it lets the users go on.
    """
    rest = b""
    while received := control.recv(4096):
        *lines, rest = (rest + received).split(b"\n")
        for line in lines:
            word, *numbers = line.split()
            {b"pause": pause_gate.pause, b"resume": pause_gate.resume}[word](*map(int, numbers))
