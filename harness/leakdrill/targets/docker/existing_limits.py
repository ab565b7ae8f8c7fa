"""The limits of a container that runs already: those that it has, and others until the end of the drill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leakdrill.errors import BadInput
from leakdrill.targets.base.recorded import given_limits
from leakdrill.targets.docker.existing_undo import engine_settings
from leakdrill.units import show_size

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from docker.models.containers import Container

    from leakdrill.record.journal import Journal
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


def check_memory_limit(container: Container, wanted: float | None) -> None:
    """Refuse a scenario whose limit is not the container's: nobody sets it here.

    Raises:
        BadInput: says both.
    """
    has = container.attrs["HostConfig"]["Memory"]
    if wanted is not None and wanted != has:
        raise BadInput(
            f"target.limits.memory: found {show_size(wanted)}; container {container.name} has "
            f"{show_size(has) if has else 'no memory limit'}, and is used as it is",
            hint="leave target.limits out, or start the container with this limit",
        )
