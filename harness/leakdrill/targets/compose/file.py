"""A run's own compose file, made from the user's: only what the target needs, labelled, nothing on a fixed port.

Two runs of the same file, or a run beside the stack that is up, must not meet: published ports, container names and the
names of networks and volumes are the run's own.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final

from leakdrill.errors import BadInput
from leakdrill.machine.ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from leakdrill.scenario.compose import ComposeForm
    from leakdrill.scenario.target import Limits

Config = dict[str, Any]

_SHARED: Final = ("ports", "container_name", "restart", "profiles", "scale")
"""What a service of a run must not have of the file's: it would meet another, or start again unseen."""


def needed(services: Mapping[str, Config], names: Sequence[str]) -> list[str]:
    """`names` and all that they depend on, in the order of the file."""
    todo, needed = list(names), set[str]()
    while todo:
        name = todo.pop()
        if name not in needed:
            needed.add(name)
            todo += services.get(name, {}).get("depends_on") or []
    return [name for name in services if name in needed]


def own_config(config: Config, form: ComposeForm, *, labels: Mapping[str, str], port: int) -> Config:
    """The run's own file from `config`, as compose resolved the user's.

    Args:
        config: what `compose config` says.
        form: service and entrance.
        labels: what everything gets.
        port: of this machine; it leads to the entrance, or without one to the service.

    Raises:
        BadInput: when there is no such service.
    """
    services: dict[str, Config] = config.get("services") or {}
    wanted = [form.service, *([form.entrance] if form.entrance else [])]
    for key, name in zip(("service", "entrance"), wanted, strict=False):
        if name not in services:
            raise BadInput(
                f"target.compose.{key}: {form.file} has no service {name}; expected one of {', '.join(services)}"
            )
    chosen = {name: _own_service(name, services[name], form, labels) for name in needed(services, wanted)}
    door, inside = (form.entrance, form.entrance_port) if form.entrance else (form.service, form.port)
    chosen[form.service]["ports"] = [f"{LOOPBACK}::{form.port}"]
    chosen[door]["ports"] = [f"{LOOPBACK}:{port}:{inside}"]
    return {
        **({"version": config["version"]} if "version" in config else {}),
        "services": chosen,
        "networks": _own_parts(config.get("networks") or {"default": {}}, labels),
        "volumes": _own_parts(config.get("volumes") or {}, labels),
    }


def set_service(config: Config, service: str, *, env: Mapping[str, str], limits: Limits) -> None:
    """Give `service` in `config` more environment, and those of `limits` that are set."""
    owner: Config = config["services"][service]
    given = owner.get("environment") or {}
    before = given if isinstance(given, dict) else dict(pair.partition("=")[::2] for pair in given)
    owner["environment"] = {**before, **{name: text.replace("$", "$$") for name, text in env.items()}}
    if limits.memory is not None:
        owner["mem_limit"] = owner["memswap_limit"] = limits.memory
    if limits.cpus is not None:
        owner["cpus"] = limits.cpus


def _own_service(name: str, service: Config, form: ComposeForm, labels: Mapping[str, str]) -> Config:
    own = copy.deepcopy({key: value for key, value in service.items() if key not in _SHARED})
    own["labels"] = {**_pairs(own.get("labels")), **labels}
    if "build" in own:
        # A name of its own would leave an image behind for each run.
        own.setdefault("image", f"leakdrill-{form.file.parent.name}-{name}".lower())
    return own


def _own_parts(parts: Mapping[str, Config | None], labels: Mapping[str, str]) -> dict[str, Config]:
    """Networks or volumes; those from outside stay what they are."""
    own: dict[str, Config] = {}
    for name, part in parts.items():
        kept = dict(part or {})
        if not kept.get("external"):
            kept.pop("name", None)
            kept["labels"] = {**_pairs(kept.get("labels")), **labels}
        own[name] = kept
    return own


def _pairs(labels: Mapping[str, str] | Sequence[str] | None) -> dict[str, str]:
    if labels is None or isinstance(labels, dict):
        return dict(labels or {})
    return dict(str(label).partition("=")[::2] for label in labels)
