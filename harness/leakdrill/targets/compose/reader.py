"""Reads a compose file as today's Compose does, where the program that is installed here is older than the format.

docker-compose 1.29 knows neither `include` nor `name`, and neither the tags `!reset` and `!override` nor the long form
of `env_file`. Where `docker compose` is installed it reads the file itself, and nothing of this is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from leakdrill.errors import BadInput
from leakdrill.files import is_file
from leakdrill.targets.compose.env_file import read_env_file, read_raw_env_file
from leakdrill.targets.compose.interpolation import interpolate
from leakdrill.targets.compose.merge import in_long_form, merged, plain
from leakdrill.targets.compose.paths import absolute, absolute_file
from leakdrill.targets.compose.shapes import cast, refuse_misfit_part, refuse_misfits
from leakdrill.units import quoted
from leakdrill.yaml_file import read_yaml
from leakdrill.yaml_tags import Tagged

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leakdrill.yaml_file import Document, Loc

Config = dict[str, Any]
PARTS: Final = ("services", "networks", "volumes", "secrets", "configs")
"""The parts of a file that a run's own file is made from."""

_DEEPEST: Final = 20
"""How many files may stand behind one another."""


@dataclass(frozen=True, slots=True)
class _File:
    """One file as it was read: its services with their variables filled in, and what its paths are relative to."""

    document: Document
    services: Config
    folder: Path
    values: Mapping[str, str]

    def beside(self, name: str) -> _File:
        """Returns another file, whose paths are relative to its own folder."""
        document, data = _load(self.folder / name, self.values)
        services = document.mapping(data.get("services") or {}, ("services",))
        return _File(document, services, document.path.parent, self.values)


def read_compose(path: Path, environ: Mapping[str, str]) -> Config:
    """What the file at `path` and those that it includes or extends say: variables filled in, paths absolute.

    Args:
        path: the compose file.
        environ: the variables outside; those in `.env` beside the file are under them.

    Raises:
        BadInput: for what cannot be read or is no compose file; names file and line.
    """
    beside = path.parent / ".env"
    values = {**(read_env_file(beside, environ) if is_file(beside) else {}), **environ}
    config = _read_parts(path, path.parent, values, ())
    if not config.get("services"):
        raise BadInput(f"{path}: found no services; expected a compose file")
    escaped: Config = _escaped(config)
    return escaped


def _read_parts(path: Path, folder: Path, values: Mapping[str, str], behind: tuple[Path, ...]) -> Config:
    if path in behind or len(behind) > _DEEPEST:
        raise BadInput(f"{path}: includes itself, by way of {', '.join(map(str, behind))}")
    document, data = _load(path, values)
    config: Config = {part: {} for part in PARTS}
    for index, entry in enumerate(document.items(data, "include", ())):
        _add(config, _included(document, index, entry, (folder, values, (*behind, path))), document, ("include", index))
    own: Config = {part: document.mapping(data.get(part) or {}, (part,)) for part in PARTS}
    file = _File(document, own["services"], folder, values)
    own["services"] = {name: _with_variables(file, name, plain(_service(file, name, ()))) for name in own["services"]}
    for part in (name for name in PARTS if name != "services"):
        for name, one in own[part].items():
            refuse_misfit_part(document, (part, str(name)), one)
    for part in ("secrets", "configs"):
        own[part] = {name: absolute_file(plain(one), folder) for name, one in own[part].items()}
    _add(config, plain(own), document, ())
    return config


def _load(path: Path, values: Mapping[str, str]) -> tuple[Document, Config]:
    """The file with its variables filled in; parts of it for other programs (`x-`) stay as they are."""
    document = read_yaml(path, expected="a compose file", scalars="compose")
    data = document.mapping(document.data if document.data is not None else {}, ())
    filled = {
        key: value if str(key).startswith("x-") else _filled(value, (str(key),), document, values)
        for key, value in data.items()
    }
    return document, filled


def _filled(value: Any, loc: Loc, document: Document, values: Mapping[str, str]) -> Any:
    if isinstance(value, str) and "$" in value:
        try:
            return interpolate(value, values)
        except ValueError as e:
            raise document.wrong(loc, str(e)) from e
    if isinstance(value, Tagged):
        return Tagged(value.tag, _filled(value.value, loc, document, values))
    if isinstance(value, dict):
        return {key: _filled(one, (*loc, str(key)), document, values) for key, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, (*loc, index), document, values) for index, one in enumerate(value)]
    return value


def _included(
    document: Document, index: int, entry: Any, where: tuple[Path, Mapping[str, str], tuple[Path, ...]]
) -> Config:
    """The parts of the files of one entry of `include`: paths in them are relative to the first one's folder."""
    (folder, values, behind), loc = where, ("include", index)
    long = _filled(entry if isinstance(entry, dict) else {"path": entry}, loc, document, values)
    paths = [folder / str(one) for one in _listed(long.get("path"))]
    if not paths:
        raise document.wrong(loc, "path is missing; expected a compose file")
    project = folder / str(long["project_directory"]) if long.get("project_directory") else paths[0].parent
    files = [folder / str(one) for one in _listed(long.get("env_file"))]
    files = files or [one for one in (project / ".env",) if is_file(one)]
    inside: dict[str, str] = {}
    for file in files:
        inside |= read_env_file(file, values)
    config: Config = {}
    for path in paths:
        config = merged(config, _read_parts(path, project, {**inside, **values}, behind))
    return config


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _add(config: Config, more: Config, document: Document, loc: Loc) -> None:
    for part in PARTS:
        for name, one in (more.get(part) or {}).items():
            if config[part].get(name, one) != one:
                raise document.wrong(loc or (part, name), f"{part}.{name} is defined twice, and not alike")
            config[part][name] = one


def _service(file: _File, name: str, behind: tuple[tuple[Path, str], ...]) -> Config:
    """The service `name` of `file` with what it extends, and its paths absolute."""
    document, loc = file.document, ("services", name)
    if name not in file.services:
        known = ", ".join(file.services) or "none"
        raise document.wrong(("services",), f"there is no service {quoted(name)} to extend; found {known}")
    if (document.path, name) in behind:
        raise document.wrong(loc, f"{name} extends itself")
    given = document.mapping(file.services[name] or {}, loc)
    refuse_misfits(document, loc, given)
    own = absolute(in_long_form(given), file.folder)
    extends = own.pop("extends", None)
    if extends is None:
        return own
    wanted = extends if isinstance(extends, dict) else {"service": extends}
    if not wanted.get("service"):
        raise document.wrong((*loc, "extends"), "service is missing; expected the name of the service")
    base = file.beside(str(wanted["file"])) if wanted.get("file") else file
    inner: Config = merged(_service(base, str(wanted.get("service")), (*behind, (document.path, name))), own)
    return inner


def _with_variables(file: _File, name: str, service: Config) -> Config:
    """`service` with all its variables in `environment`; one without a value is passed on where it is set outside."""
    variables: dict[str, str] = {}
    for index, entry in enumerate(service.get("env_file") or []):
        long = entry if isinstance(entry, dict) else {"path": entry}
        path = Path(str(long["path"]))
        if is_file(path):
            raw = long.get("format") == "raw"
            variables |= read_raw_env_file(path) if raw else read_env_file(path, file.values)
        elif long.get("required", True):
            loc = ("services", name, "env_file", index)
            raise file.document.wrong(loc, f"there is no {path}; expected a file of variables")
    own = service.get("environment") or {}
    given = {key: file.values.get(key) if value is None else _text(value) for key, value in own.items()}
    variables |= {key: value for key, value in given.items() if value is not None}
    kept = {key: cast(value, key) for key, value in service.items() if key not in ("env_file", "environment")}
    return {**kept, "environment": variables} if variables else kept


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _escaped(value: Any) -> Any:
    """`value` as a compose file says it: a dollar in it stays one."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, dict):
        return {key: _escaped(one) for key, one in value.items()}
    return [_escaped(one) for one in value] if isinstance(value, list) else value
