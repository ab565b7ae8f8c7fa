"""A profile of the running process: what its threads were doing, sampled from a thread of its own.

The format is one line a stack, outermost function first, then how often it was seen: `main;serve;predict 41`. Flame
graph tools read it as it is. A tracing profiler was rejected: it would slow every call of a service that is in trouble.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Final

from starlette.responses import PlainTextResponse
from starlette.routing import Route

from leaky_apps.service.admin import error

if TYPE_CHECKING:
    from types import FrameType

    from starlette.requests import Request
    from starlette.responses import Response

MOST_SECONDS: Final = 30.0
_INTERVAL_S: Final = 0.005
_DEPTH: Final = 64


def profile_route() -> Route:
    """`GET /debug/pprof/profile?seconds=N`."""
    return Route("/debug/pprof/profile", _handle)


async def _handle(request: Request) -> Response:
    given = request.query_params.get("seconds", "1")
    try:
        seconds = float(given)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= MOST_SECONDS:
        return error(422, f"seconds: found {given!r}; expected a number above 0, at most {MOST_SECONDS:g}")
    return PlainTextResponse(await asyncio.to_thread(collapsed, seconds))


def collapsed(seconds: float) -> str:
    """The stacks of all other threads over `seconds`, most frequent first, in collapsed form. Blocks for so long."""
    own, until, seen = threading.get_ident(), time.monotonic() + seconds, Counter[str]()
    while time.monotonic() < until:
        frames = sys._current_frames()  # noqa: SLF001 - documented, and the only way to see other threads
        seen.update(_stack(frame) for thread, frame in frames.items() if thread != own)
        del frames
        time.sleep(_INTERVAL_S)
    return "".join(f"{stack} {count}\n" for stack, count in seen.most_common())


def _stack(frame: FrameType | None) -> str:
    names: list[str] = []
    while frame is not None and len(names) < _DEPTH:
        names.append(f"{frame.f_globals.get('__name__', '?')}.{frame.f_code.co_name}")
        frame = frame.f_back
    return ";".join(reversed(names))
