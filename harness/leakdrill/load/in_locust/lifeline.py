"""Ends a Locust process when whoever watches its load is gone, however busy or stuck its users are.

On a thread of the system's, which neither gevent nor a user that never yields can hold up. A worker of this machine
holds the read end of a pipe from the harness; a remote one knows its master by heartbeats, which come every second.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final

from gevent import monkey

if TYPE_CHECKING:
    from collections.abc import Callable

FINISH_S: Final = 4.0
"""How long Locust has for an orderly end, which its leading process begins within a second, before it is cut off."""

SILENCE_S: Final = 7.0
"""A master that has sent no heartbeat for so long is gone: Locust itself waits for a minute."""

_LOOK_S: Final = 0.5
_GONE: Final = 75
"""The exit code, EX_TEMPFAIL of sysexits.h: the load was fine, and nobody was left to watch it."""


def end_with_harness(fd: int, finish_s: float = FINISH_S) -> None:
    """End this process `finish_s` seconds after the other end of the pipe `fd` was closed."""
    sleep = _original_sleep()

    def wait() -> None:
        while os.read(fd, 4096):
            pass
        sleep(finish_s)
        os._exit(_GONE)

    _start_thread(wait)


class Heartbeats:
    """Ends this process when the master's heartbeats stop for `silence_s` seconds.

    Counted in looks that this process was awake for: one that was frozen together with its master has missed nothing.
    """

    def __init__(self, silence_s: float = SILENCE_S) -> None:
        self._silence_s = silence_s
        self._missed = 0
        self._begun = False

    def on_heartbeat(self, **_fields: object) -> None:
        """Handle Locust's `heartbeat_received` event; the first one starts the watch."""
        self._missed = 0
        if not self._begun:
            self._begun = True
            _start_thread(self._watch)

    def _watch(self) -> None:
        sleep = _original_sleep()
        while self._missed * _LOOK_S < self._silence_s:
            sleep(_LOOK_S)
            self._missed += 1
        os._exit(_GONE)


def _original_sleep() -> Callable[[float], None]:
    return monkey.get_original("time", "sleep") if monkey.is_module_patched("time") else time.sleep


def _start_thread(run: Callable[[], None]) -> None:
    start = monkey.get_original("_thread", "start_new_thread")
    start(run, ())
