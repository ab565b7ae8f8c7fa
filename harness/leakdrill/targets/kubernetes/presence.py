"""Whether what should run already in a cluster does, with the limits of the scenario: asked before the start."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from leakdrill.targets.base.own_limits import check_own_limits
from leakdrill.targets.kubernetes.api import connect
from leakdrill.targets.kubernetes.found_workload import find_workload
from leakdrill.targets.kubernetes.manifests import container_of
from leakdrill.targets.kubernetes.metrics_server_meter import parse_quantity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leakdrill.scenario.target import ProcessTarget


def check_workload(spec: ProcessTarget) -> None:
    """Refuse a target whose workload is not there, or whose container has other limits than `spec` says.

    Raises:
        BadInput: says what is wrong with it.
        EnvironmentProblem: when no API server answers.
    """
    form = spec.kubernetes
    if form is None or form.existing is None:
        return
    with contextlib.closing(connect(form.existing.context)) as cluster:
        manifest = find_workload(cluster, form.existing)
    container = container_of(manifest, form.container)
    memory, cpus = limits_of(container)
    subject = f"container {container['name']} of {form.existing.kind} {form.existing.name}"
    check_own_limits(spec.limits, subject, memory_bytes=memory, cpus=cpus)


def limits_of(container: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """The bytes and the cores that a container in a manifest may have; None for what is not limited."""
    limits = (container.get("resources") or {}).get("limits") or {}
    memory, cpus = (limits.get(key) for key in ("memory", "cpu"))
    return (
        None if memory is None else parse_quantity(str(memory)),
        None if cpus is None else parse_quantity(str(cpus)),
    )
