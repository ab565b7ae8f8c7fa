"""Each request is sent once: one that the service drops has failed, and is counted as such.

The client of Locust's FastHttpUser sends a dropped request again by itself, once more than it has connections, and
tells nobody: of a service that drops one request in two, no failure would be seen. A connection that was closed while
it was idle is no drop; the client looks before it uses one again. `requests`, of HttpUser, sends once by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import gevent
from geventhttpclient.client import HTTPClient
from geventhttpclient.connectionpool import ConnectionPool

from leakdrill.load.in_locust.replaced_method import replace_method

if TYPE_CHECKING:
    from leakdrill.load.in_locust.replaced_method import Method

DROPPED: Final = "the connection was closed before the response"

_sockets: dict[Any, int] = {}
"""How many connections the request has had that each greenlet is sending."""


def send_once() -> None:
    """Have every FastHttpUser of this Locust send each request once, from now on."""
    replace_method(HTTPClient, "request", _counted)
    replace_method(ConnectionPool, "get_socket", _one)


def _counted(original: Method) -> Method:
    def request(self: Any, *args: Any, **kwargs: Any) -> Any:
        greenlet = gevent.getcurrent()
        _sockets[greenlet] = 0
        try:
            return original(self, *args, **kwargs)
        finally:
            _sockets.pop(greenlet, None)

    return request


def _one(original: Method) -> Method:
    def get_socket(self: Any) -> Any:
        greenlet = gevent.getcurrent()
        if greenlet in _sockets:
            if _sockets[greenlet]:
                raise ConnectionResetError(DROPPED)
            _sockets[greenlet] = 1
        return original(self)

    return get_socket
