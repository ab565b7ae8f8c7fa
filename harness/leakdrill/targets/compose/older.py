"""A file in today's format, in the words of docker-compose 1.29: what limits a service, and nothing that it refuses."""

from __future__ import annotations

from typing import Any, Final

Config = dict[str, Any]

_HARMLESS: Final = ("annotations", "attach", "develop", "pull_policy")
"""Keys of a service without which it runs the same; of each the drill, or nobody, makes use."""
_LIMITS: Final = (
    ("limits", "memory", "mem_limit"),
    ("limits", "cpus", "cpus"),
    ("limits", "pids", "pids_limit"),
    ("reservations", "memory", "mem_reservation"),
)


def in_older_words(config: Config) -> Config:
    """`config` as docker-compose 1.29 reads it."""
    services = {name: _service(one) for name, one in config["services"].items()}
    return {**{part: value for part, value in config.items() if value}, "services": services}


def _service(service: Config) -> Config:
    own = {key: value for key, value in service.items() if key not in _HARMLESS}
    deploy = own.pop("deploy", None) or {}
    resources = deploy.get("resources") or {}
    if "replicas" in deploy:
        own.setdefault("scale", deploy["replicas"])
    for part, name, older in _LIMITS:
        value = (resources.get(part) or {}).get(name)
        if value is not None:
            own.setdefault(older, float(value) if older == "cpus" else int(value) if name == "pids" else value)
    devices = [*((resources.get("reservations") or {}).get("devices") or []), *_cards(own.pop("gpus", None))]
    if devices:
        own["deploy"] = {"resources": {"reservations": {"devices": devices}}}
    if isinstance(own.get("depends_on"), dict):
        own["depends_on"] = {
            name: {"condition": (one or {}).get("condition", "service_started")}
            for name, one in own["depends_on"].items()
        }
    if isinstance(own.get("healthcheck"), dict):
        own["healthcheck"] = {k: v for k, v in own["healthcheck"].items() if k != "start_interval"}
    if isinstance(own.get("volumes"), list):
        own["volumes"] = [_volume(one) for one in own["volumes"]]
    return own


def _volume(one: Any) -> Any:
    """A mount without the wish that a folder be made which is not there."""
    if not isinstance(one, dict) or not isinstance(one.get("bind"), dict):
        return one
    bind = {key: value for key, value in one["bind"].items() if key != "create_host_path"}
    return {**{key: value for key, value in one.items() if key != "bind"}, **({"bind": bind} if bind else {})}


def _cards(gpus: Any) -> list[Config]:
    if gpus == "all":
        return [{"capabilities": ["gpu"], "count": "all"}]
    return [{"capabilities": ["gpu"], **one} for one in gpus or [] if isinstance(one, dict)]
