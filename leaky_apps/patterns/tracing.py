"""`/admin/tracemalloc`: which lines hold memory, as Python's own tracer tells it."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING, Final

from starlette.responses import JSONResponse

from leaky_apps.service.admin import body, error

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from leaky_apps.patterns.activity import ActivityLog

_TOP: Final = 10
_ACTIONS: Final = ("start", "snapshot", "stop")
_MIB: Final = 1024 * 1024


class Tracing:
    """Starts the tracer, and logs and answers with the lines that hold most. `PYTHONTRACEMALLOC=1` starts it too."""

    def __init__(self, log: ActivityLog) -> None:
        self._log = log

    async def handle(self, request: Request) -> Response:
        """GET: whether it is on. POST `{"action": "start"}`, `snapshot` or `stop`."""
        if request.method == "GET":
            return JSONResponse(_state())
        try:
            action = _action(await body(request))
        except ValueError as e:
            return error(422, str(e))
        if action == "snapshot":
            return self._snapshot()
        (tracemalloc.start if action == "start" else tracemalloc.stop)()
        self._log.write(f"tracemalloc is {'on' if tracemalloc.is_tracing() else 'off'}")
        return JSONResponse(_state())

    def _snapshot(self) -> Response:
        if not tracemalloc.is_tracing():
            return error(409, 'tracemalloc is off; expected {"action": "start"} first, or PYTHONTRACEMALLOC=1')
        found = tracemalloc.take_snapshot().statistics("lineno")[:_TOP]
        self._log.write(f"tracemalloc: Top {len(found)} memory blocks by line")
        for place, line in enumerate(found, start=1):
            where = f"{line.traceback[0].filename}:{line.traceback[0].lineno}"
            self._log.write(f"Top {place} memory blocks: {where} size: {line.size / _MIB:.1f} MiB count: {line.count}")
        return JSONResponse({**_state(), "top": [str(line) for line in found]})


def _state() -> dict[str, object]:
    traced, peak = tracemalloc.get_traced_memory()
    return {"on": tracemalloc.is_tracing(), "traced_bytes": traced, "peak_bytes": peak}


def _action(wanted: object) -> str:
    action = wanted.get("action") if isinstance(wanted, dict) else wanted
    if action not in _ACTIONS:
        raise ValueError(f'action: found {action!r}; expected {{"action": one of {", ".join(_ACTIONS)}}}')
    return str(action)
