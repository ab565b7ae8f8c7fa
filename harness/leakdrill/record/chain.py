"""The hash chain of `history.jsonl`: each line carries a digest of all that stands before it and of itself.

The last member of a line, `chain`, holds the first 32 hexadecimal digits of SHA-256 over the chain of the line before
it and the line's own bytes without this member. A line that was changed, added, removed or moved does not follow from
the one before it. The chain shows an edit; it does not keep anybody from computing it anew: that needs a signature.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

CHAIN_START: Final = "0" * 32
"""What the first line follows from."""

_MEMBER: Final = b',"chain":"'
_TAIL: Final = len(_MEMBER) + len(CHAIN_START) + len(b'"}')


def link(previous: str, body: bytes) -> str:
    """Returns the chain of a line with the bytes `body`, which follows a line whose chain is `previous`."""
    return hashlib.sha256(previous.encode() + body).hexdigest()[: len(CHAIN_START)]


def chained(line: bytes, previous: str) -> tuple[bytes, str]:
    """Returns `line`, a JSON object with its newline, with `chain` as its last member, and that chain."""
    body = line.rstrip(b"\n")
    chain = link(previous, body)
    return b'%s%s%s"}\n' % (body[:-1], _MEMBER, chain.encode()), chain


def unchained(line: bytes) -> tuple[bytes, str]:
    """Returns a line, without its newline, as it was before it was chained, and its chain; empty when it has none."""
    tail = line[-_TAIL:]
    if not (tail.startswith(_MEMBER) and tail.endswith(b'"}')):
        return line, ""
    return line[:-_TAIL] + b"}", tail[len(_MEMBER) : -2].decode("ascii", "replace")


@dataclass(slots=True)
class ChainCheck:
    """Follows a chain line by line.

    Attributes:
        lines: how many lines were taken.
        linked: how many of them have a chain.
        head: the chain of the last line.
        fault_line: the first line that does not follow from the one before it, from 1; 0 when all do.
        fault: what is wrong with it.
    """

    lines: int = 0
    linked: int = 0
    head: str = CHAIN_START
    fault_line: int = 0
    fault: str = ""

    def take(self, line: bytes) -> bytes:
        """Take the next line, without its newline; returns it without its chain."""
        self.lines += 1
        body, stated = unchained(line)
        self.linked += bool(stated)
        if not self.fault_line and (fault := self._fault(body, stated)):
            self.fault_line, self.fault = self.lines, fault
        self.head = stated or self.head
        return body

    def _fault(self, body: bytes, stated: str) -> str:
        if not stated:
            return "this line has no link of the hash chain"
        if stated == link(self.head, body):
            return ""
        if stated == self.head:
            return "this line is a copy of the one before it"
        return (
            "this line does not follow from the one before it: one of them was changed, added or moved, or lines "
            "between them were removed"
        )
