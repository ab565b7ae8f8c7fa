"""Files that a ConfigMap or a Secret holds as text: read with their lines in the manifest, where these can be known."""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import TYPE_CHECKING, Any, Final

from leakdrill.errors import BadInput
from leakdrill.yaml_file import MOST_BYTES, parse_yaml

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

    from leakdrill.yaml_file import Document, Loc

_PARTS: Final = {"ConfigMap": ("data", "binaryData"), "Secret": ("stringData", "data")}
_ENCODED: Final = frozenset({("ConfigMap", "binaryData"), ("Secret", "data")})
_GZIP: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = 31
"""What zlib takes for "a gzip header, and the largest window"."""


def holds_texts(value: Any) -> bool:
    """Returns whether `value` is a manifest whose texts may be files."""
    return isinstance(value, dict) and isinstance(value.get("kind"), str) and value["kind"] in _PARTS


def read_texts(
    document: Document, manifest: dict[str, Any], loc: Loc, *, like: re.Pattern[str], expected: str
) -> Iterator[Document]:
    """Yields the YAML of each text of the ConfigMap or Secret at `loc` that `like` is found in.

    Lines are exact for a text in block style (`|`). One in base64 is named by the line of its key.

    Args:
        document: in which the manifest is.
        manifest: the ConfigMap or Secret.
        loc: where it is.
        like: what a text must hold to be read: others may be scripts, or anything else.
        expected: what a text should hold, for errors.

    Raises:
        BadInput: when such a text is not YAML.
    """
    kind = str(manifest["kind"])
    for part in _PARTS[kind]:
        texts = manifest.get(part)
        for key, value in texts.items() if isinstance(texts, dict) else ():
            encoded = (kind, part) in _ENCODED
            text = _decoded(str(value)) if encoded else str(value)
            if text is not None and like.search(text):
                yield _parsed(document, (*loc, part, str(key)), text, encoded=encoded, expected=expected)


def _parsed(document: Document, place: Loc, text: str, *, encoded: bool, expected: str) -> Document:
    if not encoded:
        above = "\n" * document.line(place)  # so that its first line has the number that it has in the manifest
        return parse_yaml(above + text, document.path, expected=expected, scalars="text")
    try:
        return parse_yaml(text, document.path, expected=expected, scalars="text")
    except BadInput as e:
        where = str(e).removeprefix(f"{document.path}:")
        raise document.wrong(place, f"decoded, its line {where}", hint=e.hint) from e


def _decoded(text: str) -> str | None:
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
        if data.startswith(_GZIP):
            data = zlib.decompressobj(_GZIP_WINDOW).decompress(data, MOST_BYTES)
        return data.decode("utf-8")
    except (binascii.Error, zlib.error, UnicodeDecodeError):
        return None
