"""Puts a scenario's target in another place than the file says: a platform, or a container that runs already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.errors import BadInput
from leakdrill.targets.kubernetes.form import check_allowed, in_context

if TYPE_CHECKING:
    from leakdrill.scenario.scenario import Scenario
    from leakdrill.scenario.target import ContainerForm


def placed(scenario: Scenario, on: str | None, allow: str | None = None) -> Scenario:
    """`scenario` with its target on the platform `on`, where that is given, and in the context `allow`.

    Raises:
        BadInput: when it cannot run there, or the drill would change a workload that is not its own, and `allow` does
            not name its context.
    """
    target = scenario.target
    if on not in (None, target.platform) and target.kind == "existing":
        raise BadInput(f"--on {on}: target '{target.name}' runs already, at {target.url}; expected it to be left out")
    if on not in (None, target.platform):
        target = target.model_copy(update={"kind": on})
        if on == "process" and not target.command and target.compose is None:
            raise BadInput(f"target '{target.name}' has no command; expected one for a process on this machine")
    check_allowed(target, allow)
    if allow is not None and target.kind == "kubernetes":
        target = target.model_copy(update={"kubernetes": in_context(target, allow)})
    return scenario if target is scenario.target else scenario.model_copy(update={"target": target})


def in_container(scenario: Scenario, existing: ContainerForm) -> Scenario:
    """`scenario` on the container that runs already and that `existing` names; its port and disk are the file's.

    Raises:
        BadInput: when the scenario is about another service that runs already.
    """
    target = scenario.target
    if target.kind == "existing":
        raise BadInput(
            f"target.url: target '{target.name}' runs already, at {target.url}; expected no container for it"
        )
    written = target.container.model_fields_set if target.container else set()
    kept = {key: getattr(target.container, key) for key in ("port", "disk") if key in written}
    container = type(existing).model_validate({**existing.model_dump(exclude_unset=True), **kept})
    return scenario.model_copy(update={"target": target.model_copy(update={"kind": "docker", "container": container})})
