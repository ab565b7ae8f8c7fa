"""The schema version that a file of a run states, and whether it can be read here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from leakdrill.errors import BadInput
from leakdrill.files import read_below
from leakdrill.record.event import SCHEMA_VERSION

if TYPE_CHECKING:
    from pathlib import Path


def read_schema_version(path: Path) -> int | None:
    """The schema version that `path`, in a run folder, states; None where it states none.

    Raises:
        BadInput: when the file cannot be read, or states a version that is not known here; names file and line.
    """
    try:
        text = read_below(path.parent, path.name)
    except OSError as e:
        raise BadInput(
            f"{path}: cannot be read: {e.strerror}", hint="name a run folder, such as runs/NAME/latest"
        ) from e
    return schema_version(text, path)


def schema_version(text: bytes, path: Path) -> int | None:
    """The schema version that `text`, the content of `path`, states; None where it is no JSON, or states none.

    Raises:
        BadInput: when it is none that is known here; names file and line.
    """
    try:
        content = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(content, dict) or "schema_version" not in content:
        return None
    version = content["schema_version"]
    if type(version) is int and 1 <= version <= SCHEMA_VERSION:
        return version
    line = text[: max(text.find(b'"schema_version"'), 0)].count(b"\n") + 1
    later = type(version) is int and version > SCHEMA_VERSION
    raise BadInput(
        f"{path}:{line}: schema_version {orjson.dumps(version).decode()[:40]}; expected 1 to {SCHEMA_VERSION}",
        hint="install a newer leakdrill" if later else "",
    )
