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

_SHARED: Final = ("ports", "container_name", "restart", "profiles", "scale", "develop")
"""What a service of a run must not have of the file's: it would meet another, or start again unseen."""


def needed(services: Mapping[str, Config], names: Sequence[str]) -> list[str]:
    """`names` and all that they depend on, in the order of the file."""
    todo, needed = list(names), set[str]()
    while todo:
        name = todo.pop()
        if name not in needed:
            needed.add(name)
            todo += _neighbours(services.get(name, {}))
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
        _refuse_network(form, name, services[name])
    names = needed(services, wanted)
    chosen = {name: _own_service(name, services[name], form, labels, names) for name in names}
    door, inside = (form.entrance, form.entrance_port) if form.entrance else (form.service, form.port)
    chosen[form.service]["ports"] = [f"{LOOPBACK}::{form.port}"]
    chosen[door]["ports"] = [f"{LOOPBACK}:{port}:{inside}"]
    return {
        **({"version": config["version"]} if "version" in config else {}),
        "services": chosen,
        "networks": _own_parts({"default": {}, **(config.get("networks") or {})}, labels),
        "volumes": _own_parts(config.get("volumes") or {}, labels),
        **{part: _own_files(config[part]) for part in ("secrets", "configs") if config.get(part)},
    }


def notice_of_replicas(config: Config, form: ComposeForm) -> str | None:
    """What is to be known where the user's file asks for another number of replicas than the drill runs."""
    service: Config = config["services"][form.service]
    asked = service.get("scale", (service.get("deploy") or {}).get("replicas"))
    if asked is None or str(asked) == str(form.replicas):
        return None
    return f"{form.file.name} asks for {asked} replicas of {form.service}; target.compose.replicas is {form.replicas}"


def set_service(config: Config, service: str, *, env: Mapping[str, str], limits: Limits) -> None:
    """Give `service` in `config` more environment, and those of `limits` that are set."""
    owner: Config = config["services"][service]
    given = owner.get("environment") or {}
    before = given if isinstance(given, dict) else dict(pair.partition("=")[::2] for pair in given)
    owner["environment"] = {**before, **{name: text.replace("$", "$$") for name, text in env.items()}}
    if limits.memory is not None:
        owner["mem_limit"] = owner["memswap_limit"] = limits.memory
        _drop(owner, "memory")
    if limits.cpus is not None:
        owner["cpus"] = limits.cpus
        _drop(owner, "cpus")


def _drop(service: Config, resource: str) -> None:
    """Forget what the file says of a resource that the drill limits.

    Compose refuses two limits that differ, and the engine a reservation above the limit.
    """
    resources = (service.get("deploy") or {}).get("resources") or {}
    for part in ("limits", "reservations"):
        (resources.get(part) or {}).pop(resource, None)
    if resource == "memory":
        service.pop("mem_reservation", None)
    else:
        for key in ("cpu_quota", "cpu_period", "cpu_count"):
            service.pop(key, None)


def _neighbours(service: Config) -> list[str]:
    """The services without which `service` cannot be made."""
    shared = [str(service.get(key) or "") for key in ("network_mode", "ipc", "pid")]
    return [
        *(service.get("depends_on") or []),
        *(str(link).partition(":")[0] for link in service.get("links") or []),
        *(str(one).partition(":")[0] for one in service.get("volumes_from") or []),
        *(one.removeprefix("service:") for one in shared if one.startswith("service:")),
    ]


def _refuse_network(form: ComposeForm, name: str, service: Config) -> None:
    mode = service.get("network_mode")
    if mode and mode != "bridge":
        raise BadInput(
            f"target.compose: {form.file} gives the service {name} network_mode: {mode}, in which no port of it can be "
            "published; expected a network of the project",
        )


def _own_service(
    name: str, service: Config, form: ComposeForm, labels: Mapping[str, str], chosen: Sequence[str]
) -> Config:
    own = copy.deepcopy({key: value for key, value in service.items() if key not in _SHARED})
    # A container that ends is seen to end, and how many there are is the drill's to say.
    for key in ("restart_policy", "replicas", "mode") if name == form.service else ("restart_policy",):
        (own.get("deploy") or {}).pop(key, None)
    if isinstance(own.get("depends_on"), dict):
        own["depends_on"] = {other: how for other, how in own["depends_on"].items() if other in chosen}
    own["labels"] = {**_pairs(own.get("labels")), **labels}
    if "build" in own:
        # A name of its own would leave an image behind for each run.
        own.setdefault("image", f"leakdrill-{form.file.parent.name}-{name}".lower())
        own.pop("pull_policy", None)  # it is built before, and no registry has it
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


def _own_files(parts: Mapping[str, Config | None]) -> dict[str, Config]:
    """Secrets and configs without the name that they have in the user's project; those from outside keep it."""
    return {
        name: dict(part or {})
        if (part or {}).get("external")
        else {k: v for k, v in (part or {}).items() if k != "name"}
        for name, part in parts.items()
    }


def _pairs(labels: Mapping[str, str] | Sequence[str] | None) -> dict[str, str]:
    if labels is None or isinstance(labels, dict):
        return dict(labels or {})
    return dict(str(label).partition("=")[::2] for label in labels)
