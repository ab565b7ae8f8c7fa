"""Which shape each key of a service has, as far as a drill reads it, and texts that stand for something else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from leakdrill.units import quoted
from leakdrill.yaml_tags import Tagged

if TYPE_CHECKING:
    from leakdrill.yaml_file import Document, Loc

_SHAPES: Final[dict[str, tuple[type, ...]]] = {
    "build": (str, dict),
    "configs": (list,),
    "depends_on": (list, dict),
    "deploy": (dict,),
    "env_file": (str, list),
    "environment": (list, dict),
    "extends": (str, dict),
    "healthcheck": (dict,),
    "labels": (list, dict),
    "links": (list,),
    "networks": (list, dict),
    "ports": (list,),
    "secrets": (list,),
    "volumes": (list,),
    "volumes_from": (list,),
}
_WORDS: Final[dict[Any, str]] = {str: "a text", list: "a list", dict: "a mapping"}
_IN_DEPLOY: Final[dict[str, Any]] = {"resources": {"limits": {}, "reservations": {}}}
_NAMES: Final = ("depends_on", "networks")
"""Keys whose list is of names."""
_SWITCHES: Final = ("init", "privileged", "read_only", "stdin_open", "tty", "oom_kill_disable", "disable")
_COUNTS: Final = ("retries", "scale", "replicas", "pids_limit", "pids", "oom_score_adj", "mem_swappiness", "cpu_shares")
_TEXTS: Final = ("labels", "annotations", "sysctls", "build", "logging")
"""Keys below which a name is the user's own, whatever it is."""
_INTEGER: Final = re.compile(r"-?[0-9]+")


def refuse_misfits(document: Document, loc: Loc, service: dict[str, Any]) -> None:
    """Do nothing for a service whose keys have their shapes.

    Raises:
        BadInput: names the first that has not, with file and line.
    """
    for key, shapes in _SHAPES.items():
        _check(document, (*loc, key), service.get(key), shapes)
    _check_below(document, (*loc, "deploy"), service.get("deploy"), _IN_DEPLOY)
    for key in _NAMES:
        for index, name in enumerate(service[key] if isinstance(service.get(key), list) else ()):
            _check(document, (*loc, key, index), name, (str,))


def refuse_misfit_part(document: Document, loc: Loc, part: Any) -> None:
    """Do nothing for a network, volume, secret or config that is a mapping or empty; raises likewise."""
    _check(document, loc, part, (dict,))
    if isinstance(part, dict):
        _check(document, (*loc, "labels"), part.get("labels"), (list, dict))


def _check_below(document: Document, loc: Loc, value: Any, keys: dict[str, Any]) -> None:
    for key, inner in keys.items() if isinstance(value, dict) else ():
        _check(document, (*loc, key), value.get(key), (dict,))
        _check_below(document, (*loc, key), value.get(key), inner)


def _check(document: Document, loc: Loc, value: Any, shapes: tuple[type, ...]) -> None:
    if value is not None and not isinstance(value, (*shapes, Tagged)):
        expected = " or ".join(_WORDS[shape] for shape in shapes)
        raise document.wrong(loc, f"found {quoted(value)}; expected {expected}")


def cast(value: Any, key: str = "") -> Any:
    """`value` with a switch or a number where a variable left a text."""
    if isinstance(value, dict) and key not in _TEXTS:
        return {name: cast(one, str(name)) for name, one in value.items()}
    if isinstance(value, str) and key in _SWITCHES and value.lower() in ("true", "false"):
        return value.lower() == "true"
    return int(value) if isinstance(value, str) and key in _COUNTS and _INTEGER.fullmatch(value) else value
