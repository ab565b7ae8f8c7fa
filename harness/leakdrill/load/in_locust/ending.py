"""Why Locust ends before the harness asks it to: a shape that is over, a locustfile that quits, a run time."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import locust

if TYPE_CHECKING:
    from types import FrameType

_LOCUST: Final = str(Path(locust.__file__).parent)
_OURS: Final = str(Path(__file__).parent)


class Ending:
    """Remembers the first reason for which this Locust ends.

    Attributes:
        reason: a clause; empty while nobody has ended it, and where nobody can say.
    """

    def __init__(self) -> None:
        self.reason = ""

    def watch(self, runner: Any, shape: Any) -> None:
        """Note from now on who has `runner` quit, and when `shape`, where there is one, is over."""
        quit_runner = runner.quit

        def noted_quit() -> None:
            self.reason = self.reason or _who_quits()
            quit_runner()

        runner.quit = noted_quit
        if shape is not None:
            shape.tick = self._noted_tick(shape)

    def _noted_tick(self, shape: Any) -> Any:
        tick = shape.tick

        def noted_tick() -> Any:
            wanted = tick()
            if wanted is None:
                self.reason = self.reason or f"its load shape {type(shape).__name__} was over"
            return wanted

        return noted_tick


def _who_quits() -> str:
    """Which line of the locustfile has called, by the frames; empty where it was Locust itself, or we."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the only way to the caller
    while frame is not None and not _is_users(frame.f_code.co_filename):
        frame = frame.f_back
    if frame is not None:
        return f"the locustfile had it quit ({Path(frame.f_code.co_filename).name}:{frame.f_lineno})"
    caller = sys._getframe(1).f_back  # noqa: SLF001 - likewise
    return "" if caller is not None else "the locustfile had it quit"  # by a greenlet that runs nothing else


def _is_users(file: str) -> bool:
    """Whether `file` is neither Locust's, ours, nor of an installed package or the interpreter."""
    packages = ("site-packages", "dist-packages", f"python{sys.version_info[0]}.")
    return not file.startswith((_LOCUST, _OURS, "<")) and not any(name in file for name in packages)
