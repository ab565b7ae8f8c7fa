"""Whether a container that should run already does, and is reached: asked before anything is started."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from leakdrill.errors import BadInput
from leakdrill.targets.docker.engine import connect, where
from leakdrill.targets.docker.existing_limits import check_limits
from leakdrill.targets.docker.found import ContainerGone, address_of, find_container, port_inside
from leakdrill.targets.docker.remote_engine import engine_host

if TYPE_CHECKING:
    from leakdrill.scenario.target import ProcessTarget


def check_container(spec: ProcessTarget) -> None:
    """Refuse a target whose container is not there, or is not what `spec` says of it.

    Raises:
        BadInput: says what is wrong with it.
        EnvironmentProblem: when no engine answers, or it does not say.
    """
    form = spec.container
    if form is None or form.existing is None:
        return
    with contextlib.closing(connect(form.engine)) as client:
        try:
            container = find_container(client, form.existing, engine=form.engine or where(client))
        except ContainerGone as e:
            raise BadInput(f"target.container: {e.message}", hint=e.hint) from e
        address_of(container, port_inside(container, form), host=engine_host(client))
        check_limits(container, spec.limits)
