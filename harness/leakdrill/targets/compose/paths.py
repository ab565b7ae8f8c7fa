"""Paths in a compose file, made absolute: each is relative to the folder of the file that it is written in.

Links are not followed: where one leads may be another place in a container.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Final

_REMOTE: Final = re.compile(r"(?:[a-z+]+://|[\w.-]+@[\w.-]+:|github\.com/|docker-image:|service:|target:|oci-layout:)")
_LOCAL: Final = (".", "/", "~")


def absolute(service: dict[str, Any], folder: Path) -> dict[str, Any]:
    """`service`, in its long form, with the paths that are relative to `folder` made absolute."""
    own = dict(service)
    if isinstance(build := own.get("build"), dict):
        own["build"] = {
            **build,
            **({"context": _path(build["context"], folder)} if isinstance(build.get("context"), str) else {}),
            **(
                {"additional_contexts": {k: _path(str(v), folder) for k, v in build["additional_contexts"].items()}}
                if isinstance(build.get("additional_contexts"), dict)
                else {}
            ),
        }
    if isinstance(own.get("env_file"), list):
        own["env_file"] = [_env_file(one, folder) for one in own["env_file"]]
    if isinstance(own.get("volumes"), list):
        own["volumes"] = [_volume(one, folder) for one in own["volumes"]]
    return own


def absolute_file(part: Any, folder: Path) -> Any:
    """A secret or a config with its file made absolute."""
    if isinstance(part, dict) and isinstance(part.get("file"), str):
        return {**part, "file": _path(part["file"], folder)}
    return part


def _env_file(one: Any, folder: Path) -> Any:
    if isinstance(one, dict):
        return {**one, "path": _path(str(one.get("path", "")), folder)}
    return _path(str(one), folder)


def _volume(one: Any, folder: Path) -> Any:
    """Of the short form only a path is made absolute: another word is the name of a volume."""
    if isinstance(one, dict):
        bound = one.get("type") == "bind" and isinstance(one.get("source"), str)
        return {**one, "source": _path(one["source"], folder)} if bound else one
    source, colon, rest = str(one).partition(":")
    return f"{_path(source, folder)}{colon}{rest}" if colon and source.startswith(_LOCAL) else one


def _path(text: str, folder: Path) -> str:
    return text if _REMOTE.match(text) else os.path.normpath(folder.absolute() / Path(text).expanduser())
