"""`verdicts.json`: what the checks found, for machines.

It names the head of the chain of the record that it follows from, and ends with a digest of itself.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson
from pydantic import TypeAdapter, ValidationError

import leakdrill
from leakdrill.errors import BadInput
from leakdrill.files import read_below, write_below
from leakdrill.masking import masked_tree
from leakdrill.printable import printable_json
from leakdrill.record.event import SCHEMA_VERSION
from leakdrill.record.schema_version import schema_version
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
        record_is_sealed: whether the record that was judged has a hash chain.
        chain: the head of that chain; empty when the record is unsealed.
        seal: SHA-256 of this file with an empty `seal`; empty when `verdicts.json` was found edited.
    """

    schema_version: int
    leakdrill: str
    outcome: Outcome
    exit_code: int
    verdicts: tuple[Verdict, ...]
    record_is_sealed: bool = False
    chain: str = ""
    seal: str = ""


_FILE: Final = TypeAdapter(VerdictFile)
_SEAL: Final = re.compile(rb'"seal": "([0-9a-f]*)"\n\}\n\Z')


def verdict_file_schema() -> dict[str, object]:
    """The JSON Schema of `verdicts.json`."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_FILE.json_schema(mode="serialization")}


def verdicts_as_json(verdicts: Sequence[Verdict], *, chain: str = "", sealed: bool = True) -> str:
    """The content of `verdicts.json`, indented, with a newline at the end.

    Args:
        verdicts: in their order.
        chain: the head of the chain of the record that was judged; empty when that record is unsealed.
        sealed: whether the file vouches for itself; not what takes the place of an edited one.
    """
    outcome = worst(verdicts)
    content = VerdictFile(
        schema_version=SCHEMA_VERSION,
        leakdrill=leakdrill.__version__,
        outcome=outcome,
        exit_code=outcome.exit_code,
        verdicts=tuple(verdicts),
        record_is_sealed=bool(chain),
        chain=chain,
    )
    tree = masked_tree(_FILE.dump_python(content, mode="json"))
    found = orjson.dumps(tree, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    text = printable_json(found.decode()).encode()
    return _with_seal(text, hashlib.sha256(text).hexdigest() if sealed else "").decode()


def write_verdicts(path: Path, verdicts: Sequence[Verdict], *, chain: str = "", sealed: bool = True) -> None:
    """Write `verdicts.json`, whole or not at all.

    Raises:
        OSError: when the folder cannot be written.
    """
    write_below(path.parent, path.name, verdicts_as_json(verdicts, chain=chain, sealed=sealed))


def read_verdicts(path: Path) -> VerdictFile:
    """The content of `path`; `verdicts_fault` says whether it can be trusted.

    Raises:
        BadInput: when it cannot be read, is no such file, or was written by a later version.
    """
    text = _read(path)
    if text is None:
        raise BadInput(f"{path}: cannot be read: it is not there", hint="`leakdrill analyze RUN` writes it")
    schema_version(text, path)
    try:
        return _FILE.validate_json(text)
    except ValidationError as e:
        first = e.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"{path}: {where or 'file'}: {first['msg']}; expected verdicts of a run") from e


def verdicts_fault(path: Path, chain: str) -> str:
    """The reason why `path` does not follow from a record whose chain ends with `chain`; empty when it does.

    A file that is not there, and one of a version that had no seal beside a record that has none, are no fault.

    Raises:
        BadInput: when it cannot be read, or was written by a later version.
    """
    text = _read(path)
    if text is None:
        return ""
    version = schema_version(text, path)
    try:
        content = _FILE.validate_json(text)
    except ValidationError:
        return f"{path}: was changed after it was written: it holds no verdicts of a run"
    if content.chain != chain:
        return f"{path}:{_line_of(text, b'chain')}: does not follow from this record, but from another one"
    if version == 1 and not chain:
        return ""
    found = _SEAL.search(text)
    if not found or found[1].decode() != hashlib.sha256(_with_seal(text, "")).hexdigest():
        return f"{path}: was changed after it was written"
    return ""


def _read(path: Path) -> bytes | None:
    """The content; None where there is no file."""
    try:
        return read_below(path.parent, path.name)
    except FileNotFoundError:
        return None
    except OSError as e:
        raise BadInput(f"{path}: cannot be read: {e.strerror}", hint="`leakdrill analyze RUN` writes it") from e


def _with_seal(text: bytes, seal: str) -> bytes:
    return _SEAL.sub(b'"seal": "%s"\n}\n' % seal.encode(), text)


def _line_of(text: bytes, member: bytes) -> int:
    """The line of the last member of this name; the last line where there is none."""
    at = text.rfind(b'"%s"' % member)
    return text[:at].count(b"\n") + 1
