"""Whether a compose project that should be up is, with the limits of the scenario: asked before the start."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from leakdrill.errors import BadInput, EnvironmentProblem
from leakdrill.targets.compose.replicas import PROJECT_LABEL, SERVICE_LABEL
from leakdrill.targets.docker.container import engine_errors
from leakdrill.targets.docker.engine import connect
from leakdrill.targets.docker.existing_limits import check_limits

if TYPE_CHECKING:
    from docker.models.containers import Container

    from leakdrill.scenario.target import ProcessTarget


def check_project(spec: ProcessTarget) -> None:
    """Refuse a target whose project is not up, or whose containers have other limits than `spec` says.

    Raises:
        BadInput: says what is wrong with it.
        EnvironmentProblem: when no engine answers.
    """
    form = spec.compose
    if form is None or form.project is None:
        return
    with closing(connect()) as client:
        filters = [f"{PROJECT_LABEL}={form.project}", f"{SERVICE_LABEL}={form.service}"]
        try:
            containers = client.containers.list(filters={"label": filters}, ignore_removed=True)
        except engine_errors() as e:
            raise EnvironmentProblem(f"the engine did not list the containers of {form.service}: {e}") from e
        check_up(containers, spec)
        for container in containers:
            check_limits(container, spec.limits)


def check_up(containers: list[Container], spec: ProcessTarget) -> None:
    """Refuse a project of which no container of the service runs.

    Raises:
        BadInput: says of which.
    """
    form = spec.compose
    if form is not None and not containers:
        raise BadInput(
            f"target.compose.project: nothing of service {form.service} runs in the project {form.project}; "
            "expected it to be up",
            hint="docker compose up --detach; for Leakdrill's own services: make stack",
        )
