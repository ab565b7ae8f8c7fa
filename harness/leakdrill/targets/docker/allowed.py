"""Which steps may change a container that is not the drill's own: those that the person at the command line allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterable

    from leakdrill.scenario.steps import Step
    from leakdrill.scenario.target import ProcessTarget

_ONLY_ASK: Final = frozenset({"http", "gc"})
"""Steps that ask the service for something, and change nothing of its container."""


def check_allowed(spec: ProcessTarget, steps: Iterable[Step], allow: str | None) -> None:
    """Refuse steps that change a container which runs already, unless this run was told that it may.

    Raises:
        BadInput: when `allow` is not the container that the scenario names.
    """
    existing = spec.container.existing if spec.container else None
    changing = [step.name for step in steps if step.action_name not in _ONLY_ASK]
    if spec.kind != "docker" or existing is None or existing == allow or not changing:
        return
    given = "nothing" if allow is None else f'"{allow}"'
    raise BadInput(
        f"target.container: {', '.join(changing)} would change the container {existing}, which runs already; "
        f"expected --allow {existing}, found {given}",
        hint=f"leakdrill run … --allow {existing}, when you are sure",
    )
