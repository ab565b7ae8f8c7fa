"""A signature over the head of a record's chain, with a key that only the user has.

The chain shows an edit, and anybody can compute a new one; whoever does not have the key cannot sign it. HMAC-SHA256:
one file of bytes that signs and checks, no certificate, nothing to install.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import orjson
from pydantic import TypeAdapter, ValidationError

from leakdrill.errors import BadInput
from leakdrill.files import read_below, read_file, write_below

if TYPE_CHECKING:
    from leakdrill.record.store import RunFolder

KEY_VARIABLE: Final = "LEAKDRILL_KEY_FILE"
"""Names the file with the user's key: runs are signed with it, and only what is signed with it is trusted."""
SIGNATURE_FILE: Final = "signature.json"

_SHORTEST: Final = 16
_LONGEST: Final = 65_536
_PURPOSE: Final = b"leakdrill record\n"
_ID_PURPOSE: Final = b"leakdrill key\n"
_ID_DIGITS: Final = 16


@dataclass(frozen=True, slots=True)
class Key:
    """The content of a key file."""

    secret: bytes

    @property
    def id(self) -> str:
        """What tells this key from others, and gives nothing of it away: 16 hexadecimal digits."""
        return hmac.new(self.secret, _ID_PURPOSE, hashlib.sha256).hexdigest()[:_ID_DIGITS]

    def sign(self, chain: str) -> str:
        """The signature over a record whose chain ends with `chain`."""
        return hmac.new(self.secret, _PURPOSE + chain.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """The content of `signature.json`.

    Attributes:
        algorithm: of the signature.
        key: the id of the key.
        chain: the head of the chain that is signed.
        signature: in hexadecimal digits.
    """

    algorithm: Literal["hmac-sha256"] = "hmac-sha256"
    key: str
    chain: str
    signature: str


_FILE: Final = TypeAdapter(Signature)


def read_key(path: Path) -> Key:
    """The key in `path`; a newline at its end is no part of it.

    Raises:
        BadInput: when it cannot be read, or is too short for a key.
    """
    try:
        secret = read_file(path, most_bytes=_LONGEST).rstrip(b"\r\n")
    except OSError as e:
        raise BadInput(f"{path}: the key cannot be read: {e.strerror}", hint=_HOW) from e
    if len(secret) < _SHORTEST:
        raise BadInput(f"{path}: holds {len(secret)} bytes; expected a key of at least {_SHORTEST}", hint=_HOW)
    return Key(secret)


_HOW: Final = "`openssl rand -hex 32 > FILE; chmod 600 FILE` makes a key"


def users_key() -> Key | None:
    """The key that the environment names; None when it names none.

    Raises:
        BadInput: when that file holds no key.
    """
    named = os.environ.get(KEY_VARIABLE)
    return read_key(Path(named)) if named else None


def sign(folder: RunFolder, key: Key, chain: str) -> None:
    """Write the signature of a record whose chain ends with `chain`.

    Raises:
        OSError: when it cannot be written.
    """
    content = Signature(key=key.id, chain=chain, signature=key.sign(chain))
    write_below(
        folder.path, SIGNATURE_FILE, orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    )


def read_signature(folder: RunFolder) -> Signature | None:
    """The signature in `folder`; None when there is none.

    Raises:
        ValueError: when its file holds none; says which file.
    """
    path = folder.path / SIGNATURE_FILE
    try:
        return _FILE.validate_json(read_below(folder.path, SIGNATURE_FILE))
    except FileNotFoundError:
        return None
    except ValidationError as e:
        raise ValueError(f"{path}: holds no signature") from e
    except OSError as e:
        raise ValueError(f"{path}: cannot be read: {e.strerror}") from e


def signature_fault(folder: RunFolder, chain: str, key: Key | None) -> str:
    """The reason why the signature does not vouch for a record whose chain ends with `chain`; empty when it does.

    Without a `key` it only has to be one of this record, where there is one.
    """
    path = folder.path / SIGNATURE_FILE
    try:
        found = read_signature(folder)
    except ValueError as e:
        return str(e)
    if found is None:
        return f"{path}: the record is not signed, and a key was given" if key else ""
    if found.chain != chain:
        return f"{path}: signs another record, or what this one was before it was edited"
    return "" if key is None else _fault_under(key, found, path)


def _fault_under(key: Key, found: Signature, path: Path) -> str:
    if found.key != key.id:
        return f"{path}: signed with key {found.key[:_ID_DIGITS]}; the key that was given is {key.id}"
    if not hmac.compare_digest(found.signature.encode(), key.sign(found.chain).encode()):
        return f"{path}: the signature is not one of this key"
    return ""
