"""How one part of a compose file is laid over another: what `extends` does, and the tags `!reset` and `!override`.

Source: the page on merging in the Compose specification.
"""

from __future__ import annotations

from typing import Any, Final

from leakdrill.yaml_tags import Tagged

_REPLACED: Final = ("command", "entrypoint", "test")
"""Lists that are one whole."""
_PAIRS: Final = ("environment", "labels", "annotations", "args", "sysctls")
"""Given as a mapping or as a list of `NAME=VALUE`; a value is a text, whatever it looks like."""


def merged(base: Any, over: Any, key: str = "") -> Any:
    """`base` with `over` laid upon it; `key` is the name under which both stand."""
    if isinstance(over, Tagged):
        return None if over.tag == "reset" else plain(over.value)
    if over is None:
        return base
    if isinstance(base, dict) and isinstance(over, dict):
        both = {name: merged(base.get(name), value, name) for name, value in over.items()}
        reset = {name for name, value in over.items() if isinstance(value, Tagged) and value.tag == "reset"}
        return {name: value for name, value in {**base, **both}.items() if name not in reset}
    if isinstance(base, list) and isinstance(over, list) and key not in _REPLACED:
        return _appended(base, over, key)
    return plain(over)


def plain(value: Any) -> Any:
    """`value` without tags: what is reset is gone."""
    if isinstance(value, Tagged):
        return None if value.tag == "reset" else plain(value.value)
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items() if not (isinstance(one, Tagged) and one.tag == "reset")}
    return [plain(one) for one in value] if isinstance(value, list) else value


def in_long_form(service: dict[str, Any]) -> dict[str, Any]:
    """`service` with one form for what has two, so that two services can be laid upon each other."""
    long: dict[str, Any] = {}
    for key, value in service.items():
        if key == "build" and isinstance(value, str):
            long[key] = {"context": value}
        elif key in _PAIRS:
            long[key] = _texts(value)
        elif key == "extra_hosts" and isinstance(value, list):
            long[key] = dict(_host(str(one)) for one in value)
        elif key == "depends_on" and _is_names(value):
            long[key] = {name: {"condition": "service_started"} for name in value}
        elif key == "networks" and _is_names(value):
            long[key] = dict.fromkeys(value)
        elif key in ("env_file", "tmpfs", "dns", "dns_search") and isinstance(value, str):
            long[key] = [value]
        else:
            long[key] = value
    if isinstance(long.get("build"), dict):
        long["build"] = {k: _texts(v) if k in _PAIRS else v for k, v in long["build"].items()}
    return long


def _is_names(given: Any) -> bool:
    """Whether it is a list of names; anything else is left to Compose, which says what is wrong with it."""
    return isinstance(given, list) and all(isinstance(name, str) for name in given)


def _texts(given: Any) -> Any:
    if isinstance(given, list):
        return pairs(given)
    if isinstance(given, dict):
        return {name: str(value).lower() if isinstance(value, bool) else value for name, value in given.items()}
    return given


def _host(text: str) -> tuple[str, str]:
    """`HOST=ADDRESS`, or with a colon."""
    name, _, address = text.partition("=" if "=" in text else ":")
    return name, address


def pairs(texts: list[Any]) -> dict[str, Any]:
    """`NAME=VALUE` of each, as a mapping; a name alone has no value."""
    return {name: value if equal else None for name, equal, value in (str(text).partition("=") for text in texts)}


def _appended(base: list[Any], over: list[Any], key: str) -> list[Any]:
    if key == "volumes":
        return list({_inside(one): one for one in [*base, *over]}.values())
    return [*base, *(one for one in over if one not in base)]


def _inside(volume: Any) -> str:
    """Where a volume is mounted: two of one place are one."""
    if isinstance(volume, dict):
        return str(volume.get("target"))
    parts = str(volume).split(":")
    return parts[1] if len(parts) > 1 else parts[0]
