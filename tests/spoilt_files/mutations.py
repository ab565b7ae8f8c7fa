"""Spoils files: byte by byte, line by line, and value by value where the file is JSON or YAML."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

VALUES: Final[tuple[Any, ...]] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    10**400,
    -(10**19),
    2**63,
    1e308,
    -1e308,
    5e-324,
    0.1,
    float("nan"),
    float("inf"),
    float("-inf"),
    "",
    " ",
    "x" * 70_000,
    "NaN",
    "Infinity",
    "-0",
    "1e999",
    "1_000",
    "0x10",
    "٣",
    "\x00",
    "\ud800",
    "\x1b[31m",
    "\u202e",
    "\ufeff",
    "a\nb",
    "::error::x",
    "<script>",
    "=1+1",
    "../../../etc/passwd",
    "/dev/zero",
    "/dev/stdin",
    "{port}",
    "{",
    "}",
    "{{ $value }}",
    "(a+)+$",
    "(" * 200,
    "[" * 200,
    "1000000000h",
    "99999999999999999999d",
    "-5m",
    "5 minuets",
    "1e30GiB",
    "0",
    [],
    {},
    [[]],
    [None],
    {"": None},
    {"a": {"b": 1}},
    [0] * 1000,
    ["a", "a"],
)  # fmt: skip
"""What stands where something else is expected."""

TOKENS: Final = (
    b"\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\r\n",
    b"\n\n",
    b"\t",
    b"&a ",
    b"*a",
    b"<<: *a",
    b"---\n",
    b"...\n",
    b"!!python/object/apply:os.system [ls]",
    b"!!binary x",
    b"!!timestamp 1",
    b"? ",
    b"%YAML 9.9\n",
    b"{" * 500,
    b"[" * 5000,
    b"]",
    b"}",
    b",",
    b":",
    b'"',
    b"'",
    b"#",
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"9" * 5000,
    b"\\ud800",
    b"\xc3\x28",
    b"\xed\xa0\x80",
    b"\x1b[2J",
    "\u202e".encode(),
    "\u2028".encode(),
    b"null",
    b"true",
    b"|",
    b">",
)
"""What is put into the middle of a file."""


def bombs() -> dict[str, bytes]:
    """Returns whole files that ask for more than they are worth, or are in no encoding of ours."""
    levels = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 8)}]" for n in range(1, 9)]
    merges = ["a0: &a0 {k: x}"] + [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 8)}]}}" for n in range(1, 9)]
    return {
        "nothing": b"",
        "a newline": b"\n",
        "a blank": b" ",
        "a NUL": b"\0",
        "NULs": b"\0" * 4096,
        "no text": bytes(range(256)) * 16,
        "half a character": b"a: \xc3",
        "a mark": b"\xef\xbb\xbf",
        "marks": b"\xef\xbb\xbf" * 9,
        "aliases": "\n".join(levels).encode(),
        "merged aliases": "\n".join(merges).encode(),
        "an alias of itself": b"a: &a [*a]",
        "a merge of itself": b"a: &a {<<: *a}",
        "lists": b"[" * 100_000,
        "mappings": b'{"a":' * 100_000,
        "closed lists": b"[" * 60_000 + b"]" * 60_000,
        "indented lists": b"- " * 50_000,
        "nested lines": "\n".join(" " * n + "a:" for n in range(2000)).encode(),
        "a long line": b"x" * 5_000_000,
        "a long key": b"k" * 200_000 + b": 1",
        "a long number": b"9" * 200_000,
        "commas": b"," * 500_000,
        "quotes": b'"' * 100_001,
        "newlines": b"\n" * 200_000,
        "keys given twice": b"a: 1\n" * 2000,
        "documents": b"--- 1\n" * 5000,
        "gzip": b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + b"\0" * 512,
    }  # fmt: skip


def encodings(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Yields `content` as other programs would save it."""
    text = content.decode("utf-8", "replace")
    yield "UTF-16", text.encode("utf-16")
    yield "UTF-32", text.encode("utf-32")
    yield "a mark in front", b"\xef\xbb\xbf" + content
    yield "CRLF", content.replace(b"\n", b"\r\n")
    yield "CR", content.replace(b"\n", b"\r")
    yield "cut in half", content[: len(content) // 2]
    yield "twice", content + content
    yield "no last newline", content.rstrip(b"\n")
    yield "NUL in the middle", content[: len(content) // 2] + b"\0" + content[len(content) // 2 :]


def spoilt_bytes(content: bytes, random: Random) -> bytes:
    """Returns `content` with one to four changes of bytes and lines."""
    data = bytearray(content)
    for _ in range(random.randint(1, 4)):
        random.choice(_CHANGES)(data, random)
    return bytes(data)


def _flip(data: bytearray, random: Random) -> None:
    if data:
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _insert(data: bytearray, random: Random) -> None:
    at = random.randint(0, len(data))
    data[at:at] = random.choice(TOKENS)


def _replace_word(data: bytearray, random: Random) -> None:
    words = bytes(data).split(b" ")
    words[random.randrange(len(words))] = random.choice(TOKENS)
    data[:] = b" ".join(words)


def _delete(data: bytearray, random: Random) -> None:
    at = random.randint(0, len(data))
    del data[at : at + random.choice((1, 1, 2, 10, 200))]


def _cut(data: bytearray, random: Random) -> None:
    del data[random.randint(0, len(data)) :]


def _move_line(data: bytearray, random: Random) -> None:
    lines = bytes(data).split(b"\n")
    line = lines[random.randrange(len(lines))]
    if random.random() < 0.5:
        lines.remove(line)
    lines.insert(random.randint(0, len(lines)), line)
    data[:] = b"\n".join(lines)


_CHANGES: Final[tuple[Callable[[bytearray, Random], None], ...]] = (
    _flip,
    _insert,
    _insert,
    _replace_word,
    _delete,
    _cut,
    _move_line,
    _move_line,
)


def spoilt_values(content: bytes, random: Random) -> bytes:
    """Returns `content`, which is YAML, JSON or JSON lines, with one to three of its values changed."""
    lines = content.splitlines()
    if len(lines) > 1 and lines[0].startswith(b"{") and lines[0].endswith(b"}"):
        at = random.randrange(len(lines))
        lines[at] = json.dumps(_spoilt(json.loads(lines[at]), random)).encode("utf-8", "surrogatepass")
        return b"\n".join(lines) + b"\n"
    try:
        return json.dumps(_spoilt(json.loads(content), random), indent=1).encode("utf-8", "surrogatepass")
    except ValueError:
        tree = _spoilt(yaml.safe_load(content), random)
        return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True).encode("utf-8", "surrogatepass")


def _spoilt(tree: Any, random: Random) -> Any:
    for _ in range(random.randint(1, 3)):
        places = list(_places(tree))
        if not places:
            return random.choice(VALUES)
        owner, key = random.choice(places)
        _change(owner, key, random)
    return tree


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    keys = list(tree) if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    for key in keys:
        yield tree, key
        yield from _places(tree[key])


def _change(owner: Any, key: Any, random: Random) -> None:
    what = random.randrange(6)
    if what <= 2:
        owner[key] = _copy(random.choice(VALUES))
    elif what == 3:
        del owner[key]
    elif what == 4:
        owner[key] = [_copy(owner[key]), _copy(owner[key])]
    elif isinstance(owner, dict):
        owner[str(random.choice(VALUES))[:50]] = _copy(owner[key])
    else:
        owner.insert(key, _copy(owner[key]))


def _copy(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str)) if isinstance(value, (list, dict)) else value
