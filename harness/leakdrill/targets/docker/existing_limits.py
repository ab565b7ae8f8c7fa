"""The limits of a container that runs already: those that it has, and others until the end of the drill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leakdrill.errors import BadInput
from leakdrill.machine.cgroup import PERIOD_US
from leakdrill.targets.base.own_limits import check_own_limits
from leakdrill.targets.base.recorded import given_limits
from leakdrill.targets.docker.existing_undo import engine_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from docker.models.containers import Container

    from leakdrill.record.journal import Journal
    from leakdrill.scenario.target import Limits
    from leakdrill.targets.docker.engine_container import EngineContainer


class ExistingLimits:
    """Those of one container.

    Args:
        made: it, on its engine.
        journal: gets what puts them back, before they are changed.
        identity: what finds it on its engine again.
        changed: is told the limits that hold from now on.
    """

    def __init__(
        self,
        made: EngineContainer,
        *,
        journal: Journal,
        identity: Callable[[], Mapping[str, Any]],
        changed: Callable[[Mapping[str, float]], None],
    ) -> None:
        self._made = made
        self._journal = journal
        self._identity = identity
        self._changed = changed

    def set_limits(self, *, memory_bytes: int | None, cpus: float | None) -> Sequence[str]:
        """Change the limits that are given, until the end of the drill; the engine enforces them at once.

        Raises:
            BadInput: when it has no memory limit now: the engine cannot take one away again.
            EnvironmentProblem: when the engine refuses.
        """
        wanted, container = given_limits(memory_bytes, cpus), self._made.container
        self._made.ask(container.reload, "describe it")
        settings = engine_settings(container.attrs, wanted)
        if settings.get("mem_limit") == 0:
            raise BadInput(
                f"container {container.name} has no memory limit, and the engine cannot take one away again; "
                "expected one that is started with a limit"
            )
        entry = self._journal.plan("container limits", **self._identity(), settings=settings)
        self._made.change_limits(wanted)
        self._journal.done(entry)
        self._changed(wanted)
        return ()


def check_limits(container: Container, limits: Limits) -> None:
    """Refuse a scenario whose limits are not the container's: nobody sets them here.

    Raises:
        BadInput: says both.
    """
    settings = container.attrs["HostConfig"]
    quota, period = settings.get("CpuQuota") or 0, settings.get("CpuPeriod") or PERIOD_US
    cpus = (settings.get("NanoCpus") or 0) / 1e9 or (quota / period if quota > 0 else 0)
    check_own_limits(
        limits, f"container {container.name}", memory_bytes=settings.get("Memory") or None, cpus=cpus or None
    )
