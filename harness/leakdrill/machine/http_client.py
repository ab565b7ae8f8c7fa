"""An HTTP client for servers that may be broken: one deadline for a whole exchange, and a bound on its bytes.

A service under drill may hang, drip a byte a second, answer without end, send a gigabyte in a small gzip file, or
redirect to another machine. httpx limits each single read and no more, follows what it is told to follow, and unpacks
whatever comes; so the limits are put below it, where bytes are read.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import httpcore
import httpx

from leakdrill.machine.http_access import ANYONE
from leakdrill.units import show_duration, show_size

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Iterator
    from typing import Any

    from leakdrill.machine.http_access import Access

MOST_BYTES: Final = 8 * 1024 * 1024
"""The longest response that is read unless the caller expects more: a metrics page is a hundred times smaller."""

_ENCODING: Final = b"content-encoding"
_HEADER_BYTES: Final = 128 * 1024
_LEAST_WAIT_S: Final = 0.001


def bounded_client(
    *, timeout_s: float, most_bytes: int | None = MOST_BYTES, base_url: str = "", access: Access = ANYONE
) -> httpx.Client:
    """An httpx client for one request at a time, by one thread at a time.

    Args:
        timeout_s: for the whole of each exchange, from its start to the last byte of the response.
        most_bytes: the longest response, in bytes; None for any: then read it piece by piece.
        base_url: what the paths of requests are relative to.
        access: the headers of every request, and the certificates.

    Every failure is an `httpx.HTTPError`: `ReadTimeout` at the deadline, `ReadError` for a response that is too long.
    A body is never unpacked: whoever compresses it although that was not asked for is read as it comes.
    """
    return httpx.Client(
        base_url=base_url,
        timeout=timeout_s,
        # A proxy that is meant for the outside must not get a loopback request, nor the token in it.
        trust_env=False,
        follow_redirects=False,
        headers={"Accept-Encoding": "identity", **access.headers},
        transport=_Transport(most_bytes, access.tls),
    )


class _Allowance:
    """What is left of the time and the bytes of one exchange."""

    def __init__(self, most_bytes: int | None) -> None:
        self._most_bytes = most_bytes
        self._within_s = 0.0
        self._deadline = 0.0
        self._read = 0

    def begin(self, within_s: float) -> None:
        self._within_s, self._read = within_s, 0
        self._deadline = time.monotonic() + within_s

    def left_s(self) -> float:
        left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            raise httpcore.ReadTimeout(f"the response had not ended after {show_duration(self._within_s)}")
        return max(left_s, _LEAST_WAIT_S)

    def take(self, count: int) -> None:
        self._read += count
        if self._most_bytes is not None and self._read > self._most_bytes + _HEADER_BYTES:
            raise httpcore.ReadError(f"the response is longer than {show_size(self._most_bytes)}")


class _Stream(httpcore.NetworkStream):
    """A connection whose reads and writes come out of an allowance."""

    def __init__(self, inner: httpcore.NetworkStream, allowance: _Allowance) -> None:
        self._inner = inner
        self._allowance = allowance

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        del timeout
        data = self._inner.read(max_bytes, self._allowance.left_s())
        self._allowance.take(len(data))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        del timeout
        self._inner.write(buffer, self._allowance.left_s())

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        del timeout
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, self._allowance.left_s()), self._allowance)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    """Connects, and hands out connections that come out of an allowance."""

    def __init__(self, allowance: _Allowance) -> None:
        self._allowance = allowance
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        del timeout
        return _Stream(
            self._inner.connect_tcp(host, port, self._allowance.left_s(), local_address, socket_options),
            self._allowance,
        )


class _Body(httpx.SyncByteStream):
    """The body of a response, as it comes."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._inner
        except _FAILURES as e:
            raise _as_httpx(e) from e

    def close(self) -> None:
        self._inner.close()


class _Transport(httpx.BaseTransport):
    """Sends requests through a pool of its own."""

    def __init__(self, most_bytes: int | None, tls: ssl.SSLContext | None) -> None:
        self._allowance = _Allowance(most_bytes)
        self._pool = httpcore.ConnectionPool(ssl_context=tls, network_backend=_Backend(self._allowance))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._allowance.begin(float(request.extensions["timeout"]["read"]))
        url = request.url
        try:
            response = self._pool.handle_request(
                httpcore.Request(
                    method=request.method,
                    url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
            )
        except _FAILURES as e:
            raise _as_httpx(e) from e
        return httpx.Response(
            response.status,
            headers=[(name, value) for name, value in response.headers if name.lower() != _ENCODING],
            stream=_Body(response.stream),
            extensions=response.extensions,
        )

    def close(self) -> None:
        self._pool.close()


_FAILURES: Final = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
)


def _as_httpx(error: Exception) -> httpx.TransportError:
    """The same failure, as a caller of httpx expects it."""
    named = getattr(httpx, type(error).__name__, httpx.TransportError)
    return named(str(error) or type(error).__name__)
