"""A server on a loopback port that answers in one of the ways in which services break."""

from __future__ import annotations

import contextlib
import gzip
import socket
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_HEAD = b"HTTP/1.1 200 OK\r\n"
_BOMB = gzip.compress(bytes(50_000_000))


def drips_headers(connection: socket.socket) -> None:
    for _ in range(400):
        connection.sendall(b"X")
        time.sleep(0.05)


def drips_the_body(connection: socket.socket) -> None:
    connection.sendall(_HEAD + b"Content-Length: 100000\r\n\r\n")
    drips_headers(connection)


def never_ends(connection: socket.socket) -> None:
    connection.sendall(_HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")


def sends_200_mb(connection: socket.socket) -> None:
    connection.sendall(_HEAD + b"Content-Length: 200000000\r\n\r\n")
    for _ in range(200):
        connection.sendall(b"x" * 1_000_000)


def sends_a_gzip_bomb(connection: socket.socket) -> None:
    connection.sendall(_HEAD + b"content-ENCODING: gzip\r\nContent-Length: %d\r\n\r\n" % len(_BOMB) + _BOMB)


def sends_garbage(connection: socket.socket) -> None:
    connection.sendall(b"\x00\xff\r\n" * 5000)


def never_answers(connection: socket.socket) -> None:
    connection.recv(1)


def closes_late(connection: socket.socket) -> None:
    time.sleep(0.3)
    connection.shutdown(socket.SHUT_RDWR)


def closes(connection: socket.socket) -> None:
    del connection


def redirects(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/elsewhere\r\nContent-Length: 0\r\n\r\n")


def answers(body: bytes, status: bytes = b"200 OK") -> Callable[[socket.socket], None]:
    """A server that answers `body`."""
    head = b"HTTP/1.1 " + status + b"\r\nContent-Length: %d\r\n\r\n" % len(body)
    return lambda connection: connection.sendall(head + body)


@contextlib.contextmanager
def broken_server(behave: Callable[[socket.socket], None]) -> Iterator[str]:
    """The address of a server that reads a request and then behaves so; it is gone at the end of the block."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, behave), daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, behave: Callable[[socket.socket], None]) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(connection, behave), daemon=True).start()


def _serve(connection: socket.socket, behave: Callable[[socket.socket], None]) -> None:
    with contextlib.suppress(OSError), connection:
        while connection.recv(65536):
            behave(connection)
            if behave in (closes, sends_garbage):
                return
