"""`verdicts.json`: what the checks found, for machines."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson
from pydantic import TypeAdapter, ValidationError

import leakdrill
from leakdrill.errors import BadInput
from leakdrill.record.event import SCHEMA_VERSION
from leakdrill.record.verdict import Outcome, Verdict, worst

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictFile:
    """The content of `verdicts.json`.

    Attributes:
        schema_version: of the event line and of this file.
        leakdrill: the version that judged.
        outcome: the worst of all verdicts; UNKNOWN when there is none.
        exit_code: 0 for PASS, 1 for FAIL, 2 for UNKNOWN.
        verdicts: in the order in which a person would ask.
    """

    schema_version: int
    leakdrill: str
    outcome: Outcome
    exit_code: int
    verdicts: tuple[Verdict, ...]


_FILE: Final = TypeAdapter(VerdictFile)


def verdict_file_schema() -> dict[str, object]:
    """The JSON Schema of `verdicts.json`."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_FILE.json_schema(mode="serialization")}


def verdicts_as_json(verdicts: Sequence[Verdict]) -> str:
    """The content of `verdicts.json`, indented, with a newline at the end."""
    outcome = worst(verdicts)
    content = VerdictFile(
        schema_version=SCHEMA_VERSION,
        leakdrill=leakdrill.__version__,
        outcome=outcome,
        exit_code=outcome.exit_code,
        verdicts=tuple(verdicts),
    )
    plain = _FILE.dump_python(content, mode="json")
    return orjson.dumps(plain, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def write_verdicts(path: Path, verdicts: Sequence[Verdict]) -> None:
    """Write `verdicts.json`, whole or not at all.

    Raises:
        OSError: when the folder cannot be written.
    """
    partial = path.with_name(path.name + ".partial")
    partial.write_text(verdicts_as_json(verdicts), encoding="utf-8")
    os.replace(partial, path)  # noqa: PTH105 - the atomic replacement is the point


def read_verdicts(path: Path) -> VerdictFile:
    """The content of `path`.

    Raises:
        BadInput: when it cannot be read, is no such file, or was written by a later version.
    """
    try:
        content = _FILE.validate_json(path.read_bytes())
    except OSError as e:
        raise BadInput(f"{path}: cannot be read: {e.strerror}", hint="`leakdrill analyze RUN` writes it") from e
    except ValidationError as e:
        first = e.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"{path}: {where or 'file'}: {first['msg']}; expected verdicts of a run") from e
    if content.schema_version > SCHEMA_VERSION:
        raise BadInput(
            f"{path}: schema_version {content.schema_version}; this version reads up to {SCHEMA_VERSION}",
            hint="install a newer leakdrill",
        )
    return content
