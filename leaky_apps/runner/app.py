"""The runner put together: its parts, its public endpoints and its routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from leaky_apps.runner.builds import Builds
from leaky_apps.runner.helpers import Helpers
from leaky_apps.runner.leaks.kept_workspaces import KeptWorkspaces
from leaky_apps.runner.leaks.orphaned_helpers import OrphanedHelpers
from leaky_apps.runner.leaks.pinned_mode import PinnedMode
from leaky_apps.runner.leaks.unbounded_outputs import UnboundedOutputs
from leaky_apps.runner.metrics import runner_metrics
from leaky_apps.runner.modes import MODES, Plan
from leaky_apps.runner.output_cache import OutputCache
from leaky_apps.runner.settings import runner_settings
from leaky_apps.runner.workspaces import Workspaces
from leaky_apps.service import memory
from leaky_apps.service.admin import Admin, body, error
from leaky_apps.service.metrics import Counted

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request
    from starlette.types import ASGIApp

    from leaky_apps.leak import Leak
    from leaky_apps.runner.modes import Mode


class Runner:
    """One runner.

    Args:
        disk: the folder of `workspaces/` and `runner.log`.
        token: what admin endpoints ask for; empty turns them off.
    """

    def __init__(self, *, disk: Path, token: str) -> None:
        self.plan = Plan()
        self.workspaces = Workspaces(disk / "workspaces")
        self.helpers = Helpers()
        self.outputs = OutputCache()
        self.builds = Builds(self.plan, self.workspaces, self.helpers)
        self.metrics = runner_metrics(self.builds, self.plan, self.outputs)
        self.leaks: tuple[Leak, ...] = (
            PinnedMode(self.plan),
            UnboundedOutputs(self.outputs),
            KeptWorkspaces(self.workspaces),
            OrphanedHelpers(self.helpers),
        )
        self._log = disk / "runner.log"
        self._admin = Admin(
            leaks=self.leaks,
            token=token,
            settings=runner_settings(self.plan, self.builds),
            actions={"clear-outputs": lambda: {"outputs": self.outputs.clear(), **memory.collect()}},
        )

    def app(self) -> ASGIApp:
        """The ASGI application."""
        routes = [
            Route("/builds", self.build, methods=["POST"]),
            Route("/builds", self.show_builds, methods=["GET"]),
            Route("/health", self.health),
            self.metrics.route(),
            *self._admin.routes(),
        ]
        return Counted(Starlette(routes=routes), self.metrics, frozenset(route.path for route in routes))

    async def build(self, request: Request) -> Response:
        """Run a build of `{"commit": "…", "mode": "…"}` and say how it ended; 500 when it did not pass."""
        try:
            commit, mode = _job(await body(request))
        except ValueError as e:
            return error(422, str(e))
        held = self.outputs.get(commit)
        if held is not None:
            return JSONResponse({"outcome": "passed", "mode": None, "output_bytes": len(held)})
        build, output = await self.builds.run(mode)
        if build.outcome != "passed":
            self._note(
                f"build of {commit} in mode {build.mode} was {build.outcome} at {build.peak_bytes} bytes of memory"
            )
            return error(500, f"the build was {build.outcome} in mode {build.mode}")
        self.outputs.put(commit, output)
        return JSONResponse({"outcome": build.outcome, "mode": build.mode, "output_bytes": len(output)})

    async def show_builds(self, _request: Request) -> Response:
        """The ends of the last builds, their modes, and the memory that one may use now."""
        ended = [{"outcome": b.outcome, "mode": b.mode, "peak_bytes": b.peak_bytes} for b in self.builds.recent]
        return JSONResponse(
            {"share_bytes": self.plan.share_bytes(), "success_ratio": self.builds.success_ratio, "recent": ended}
        )

    async def health(self, _request: Request) -> Response:
        """Whether the runner answers."""
        return JSONResponse({"status": "ok"})

    def _note(self, line: str) -> None:
        with self._log.open("a", encoding="utf-8") as log:
            log.write(line + "\n")


def _job(fields: Any) -> tuple[str, Mode | None]:
    if not isinstance(fields, dict) or not isinstance(fields.get("commit"), str):
        raise ValueError('expected an object with a "commit", which is text')  # noqa: TRY004 - answered as 422
    mode = fields.get("mode")
    if mode is not None and mode not in MODES:
        raise ValueError(f"mode: found {mode!r}; expected one of {', '.join(MODES)}")
    return fields["commit"], mode
