"""Fills the templates beside this file; never overwrites what is there."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

from leakdrill.errors import BadInput
from leakdrill.files import exists, make_parents, real_path, write_named
from leakdrill.first_scenario.trial import HEALTH_PATHS, try_service
from leakdrill.scenario.reader import read_scenario
from leakdrill.units import show_size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leakdrill.first_scenario.trial import Found

FILES: Final = ("scenario.yaml", "rules.yaml", "locustfile.py")
_LEAST_LIMIT: Final = 512 << 20
_LATE_COLLECTORS: Final = ("node", "nodejs", "deno", "bun", "java", "dotnet")
"""Runtimes whose heap grows for a while under load before they collect: they are given more warm-up, and more room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The service of a user's, as the command line names it: a command, or an image.

    Attributes:
        command: as typed in a shell; `{port}` stands where the service expects its port.
        image: in place of a command.
        build: a folder with a Dockerfile of which the image is made.
        port: on which the service listens inside of the image.
        health: a path that answers 2xx when the service is ready; the load asks for it too. None looks for one.
    """

    command: str | None = None
    image: str | None = None
    build: Path | None = None
    port: int | None = None
    health: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstScenario:
    """What was written, and what the service showed when it was tried; `found` is None where it was not."""

    paths: tuple[Path, ...]
    found: Found | None


def write_first_scenario(folder: Path, service: Service, *, tried: bool = True) -> FirstScenario:
    """Write scenario, rules and locustfile for `service` into `folder`.

    Args:
        folder: made when it is missing; its name becomes the drill's.
        service: what is drilled.
        tried: start the command once, for a moment, and write what it shows. An image is not tried.

    Raises:
        BadInput: when a file is there already, or the service cannot be used; nothing is written then.
    """
    name, paths = _slug(folder), [folder / file for file in FILES]
    there = [str(path) for path in paths if exists(path)]
    if there:
        raise BadInput(f"{', '.join(there)}: exists already; expected a new folder", hint="name another folder")
    if service.health is not None and not service.health.startswith("/"):
        raise BadInput(f'--health: found "{service.health}"; expected a path that begins with /')
    found, late = None, False
    if service.image is not None or service.build is not None:
        target = _container(name, service, folder)
    else:
        words = _words(service.command)
        cwd = _cwd(words, folder)
        found = _tried(words, cwd, folder, service.health) if tried else None
        target, late = _process(words, cwd, folder, found), Path(words[0]).name in _LATE_COLLECTORS
    health = found.health if found else service.health or HEALTH_PATHS[0]
    values = {
        "__NAME__": name,
        "__FILE__": shlex.quote(str(folder / "scenario.yaml")),
        "__TARGET__": target,
        "__HEALTH__": health,
        "__METRICS__": _metrics(found),
        "__WARMUP__": "30s" if late else "10s",
        "__LEVEL__": "50%" if late else "10%",
        "__LIMIT__": show_size(_limit(found)).replace(" ", ""),
    }
    _write(folder, paths, values)
    read_scenario(paths[0])
    return FirstScenario(paths=tuple(paths), found=found)


def _tried(words: list[str], cwd: Path, folder: Path, health: str | None) -> Found:
    """What the service shows; `folder` is made for that, and removed again when it shows nothing."""
    made = [path for path in (folder, *folder.parents) if not exists(path)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise BadInput(f"{folder}: cannot be made: {e.strerror}") from e
    try:
        return try_service(words, cwd=cwd, scenario_dir=folder, health=health)
    except BadInput:
        for path in made:
            with contextlib.suppress(OSError):
                path.rmdir()
        raise


def _write(folder: Path, paths: list[Path], values: Mapping[str, str]) -> None:
    try:
        for path in paths:
            make_parents(path)
            write_named(path, _filled(path.name, values))
    except OSError as e:
        raise BadInput(f"{folder}: cannot be written: {e.strerror}") from e


def _filled(name: str, values: Mapping[str, str]) -> str:
    text = (files("leakdrill.first_scenario") / f"{name}.template").read_text(encoding="utf-8")
    for placeholder, value in values.items():
        text = text.replace(placeholder, value)
    return text


def _process(words: list[str], cwd: Path, folder: Path, found: Found | None) -> str:
    lines = [f"  command: {json.dumps(words, ensure_ascii=False)}"]
    if cwd != folder:
        lines.append(f"  cwd: {_scalar(os.path.relpath(cwd, folder))}  # where the command runs, seen from this file")
    else:
        lines.append("  # cwd: ..                         # where the command runs; left out: the folder of this file")
    if found and found.port is not None:
        lines.append(f"  port: {found.port}                        # where it listens, whatever {{port}} says")
    return "\n".join(lines)


def _container(name: str, service: Service, folder: Path) -> str:
    if service.command is not None:
        raise BadInput("--command and --image: expected one of them", hint="the image's own command is run")
    form = [f"image: {_scalar(service.image or f'{name}:drill')}"]
    if service.build is not None:
        if not (service.build / "Dockerfile").is_file():
            raise BadInput(f"--build: there is no Dockerfile in {service.build}; expected a folder with one")
        form.append(f"build: {_scalar(os.path.relpath(service.build, folder))}")
    form.append(f"port: {service.port or 8000}")
    return f"  kind: docker\n  container: {{{', '.join(form)}}}"


def _metrics(found: Found | None) -> str:
    if found and found.metrics:
        return f"  metrics: {found.metrics}                 # the service's own, scraped too"
    return "  # metrics: /metrics               # scraped too, when the service has Prometheus metrics"


def _limit(found: Found | None) -> int:
    """A limit that the service at rest is far from: the alert of the rules is at 80 % of it."""
    limit = _LEAST_LIMIT
    while found and limit < 3 * found.rest_bytes:
        limit *= 2
    return limit


def _slug(folder: Path) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", real_path(folder).name.lower()).strip("-")
    if not slug:
        raise BadInput(f"{folder}: its name has no letter or digit, and becomes the drill's name; expected one")
    return slug


def _words(command: str | None) -> list[str]:
    example = 'such as "python app.py --port {port}"'
    if command is None:
        raise BadInput(f"--command: is missing; expected what starts the service, {example}, or --image")
    try:
        words = shlex.split(command)
    except ValueError as e:
        raise BadInput(f'--command: "{command}" cannot be split into words: {e}') from e
    if not words:
        raise BadInput(f"--command: is empty; expected what starts the service, {example}")
    return words


def _cwd(words: list[str], folder: Path) -> Path:
    """Where the command runs: here, where it was typed, unless its paths are only there when seen from `folder`."""
    named = [word for word in words if not word.startswith(("/", "-")) and ("/" in word or Path(word).suffix)]
    from_folder = [word for word in named if exists(Path(os.path.normpath(folder / word)))]
    from_here = [word for word in named if exists(Path(word))]
    return folder if from_folder and not from_here else Path()


def _scalar(text: str) -> str:
    """`text` as YAML reads it back, quoted only where it must be."""
    return text if re.fullmatch(r"[A-Za-z./][\w./:@-]*", text) and not text.endswith(":") else json.dumps(text)
