"""A service that keeps memory of the stand-in's first card: `python card_keeper.py PORT`, standard library only.

Half a GiB at rest, as a CUDA context and a model would take; 12 MiB more for each page while the leak `kept` is on.
`POST /admin/leaks {"kept": true}` switches it, `POST /admin/drop` lets go of what was kept.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "nvml_standin"))

from standin import MIB, attach

AT_REST = 512 * MIB
EACH = 12 * MIB
STATE = attach(os.environ)
CARD = STATE.devices[0]


class Memory:
    """What this process holds of the card."""

    leaking = False

    def __init__(self) -> None:
        self.held = 0

    def hold(self, count: int) -> None:
        """Hold `count` bytes; no more than the card has left."""
        others = sum(p.used for p in CARD.processes if p.pid not in (0, os.getpid()))
        self.held = min(count, CARD.total - CARD.reserved - CARD.elsewhere - others)
        CARD.take(os.getpid(), self.held)

    def answer(self, path: bytes, body: bytes) -> None:
        """Do what a request asks for."""
        if path == b"/admin/leaks":
            self.leaking = bool(json.loads(body)["kept"])
        elif path == b"/admin/drop":
            self.hold(AT_REST)
        elif path != b"/health" and self.leaking:
            self.hold(self.held + EACH)


MEMORY = Memory()
MEMORY.hold(AT_REST)


async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer every request of one connection."""
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            lines = head.lower().split(b"\r\n")
            length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
            MEMORY.answer(head.split(b" ", 2)[1], await reader.readexactly(length))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def serve() -> None:
    """Serve until the end."""
    await (await asyncio.start_server(talk, "127.0.0.1", int(sys.argv[1]))).serve_forever()


asyncio.run(serve())
