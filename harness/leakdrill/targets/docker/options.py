"""Options of the engine's `create` for the container of a target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from leakdrill.targets.docker.gpus import device_requests
from leakdrill.targets.docker.limits import limits
from leakdrill.targets.docker.remote_engine import volume

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from leakdrill.machine.disk import Disk
    from leakdrill.scenario.target import ContainerForm, ProcessTarget
    from leakdrill.targets.docker.agent import AgentMount

SCENARIO_DIR: Final = "/scenario"
"""Where the scenario's folder is seen inside, read-only: what `{scenario_dir}` means there."""


def platform_options(
    spec: ProcessTarget, form: ContainerForm, *, labels: Mapping[str, str], port: int
) -> dict[str, Any]:
    """What the engine is to label, publish, limit and give: all that is the same on any machine."""
    return {
        "labels": dict(labels),
        "ports": {f"{form.port}/tcp": (form.publish, port)},
        **limits(spec.limits.memory, spec.limits.cpus),
        **device_requests(spec.gpu),
    }


def shared_folders(
    form: ContainerForm, *, scenario_dir: Path, disk: Disk | None, agent: AgentMount | None
) -> dict[str, Any]:
    """The folders of this machine that a container of an engine here sees."""
    volumes = {str(scenario_dir): {"bind": SCENARIO_DIR, "mode": "ro"}}
    if disk:
        volumes[str(disk.path)] = {"bind": form.disk, "mode": "rw"}
    return {"volumes": {**volumes, **(agent.volumes() if agent else {})}}


def remote_disk(form: ContainerForm, size_bytes: int | None, *, labels: Mapping[str, str]) -> dict[str, Any]:
    """The disk of a container elsewhere, which shares no folder with this machine."""
    return {"mounts": [volume(form, size_bytes, dict(labels))]}
