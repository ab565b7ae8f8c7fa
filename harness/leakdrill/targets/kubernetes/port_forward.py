"""One connection to a port of a pod, through the API server: port-forward over one web socket.

The client's own `PortForward` puts a thread and a pair of sockets between us and the web socket, and a web socket that
breaks ends in that thread, unheard. So its web socket is used directly: channel 0 carries data, channel 1 the node's
complaints, and the first frame of each names the port.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from leakdrill.targets.kubernetes.api import ClusterGone

if TYPE_CHECKING:
    from leakdrill.targets.kubernetes.api import Cluster

_DATA: Final = 0
_ERROR: Final = 1
_BINARY: Final = 2
_CLOSE: Final = 8
_TIMEOUT_S: Final = 10.0


class PodConnection:
    """An open connection to `port` of `pod`.

    Raises:
        ClusterGone: when the API server does not open it.
    """

    def __init__(self, cluster: Cluster, *, namespace: str, pod: str, port: int) -> None:
        self._errors = socket_errors()
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}/portforward"
        self._socket = open_websocket(cluster, path, [("ports", str(port))])
        self._named: set[int] = set()

    def fileno(self) -> int:
        """For `select`."""
        number: int = self._socket.sock.fileno()
        return number

    def pending(self) -> bool:
        """Whether there is something to receive that `select` cannot see, because TLS has decrypted it already."""
        waiting = getattr(self._socket.sock, "pending", None)
        return bool(waiting and waiting())

    def send(self, data: bytes) -> None:
        """Send `data`. Raises OSError when the connection is gone."""
        try:
            self._socket.send_binary(bytes((_DATA,)) + data)
        except self._errors as e:
            raise OSError(str(e)) from e

    def receive(self) -> bytes | None:
        """The next piece of data; empty for a frame without any, None at the end.

        Raises:
            OSError: when the connection broke.
        """
        try:
            kind, frame = self._socket.recv_data_frame(control_frame=True)
        except self._errors as e:
            raise OSError(str(e)) from e
        if kind == _CLOSE:
            return None
        data: bytes = frame.data
        if kind != _BINARY or not data:
            return b""
        if data[0] not in self._named:
            self._named.add(data[0])
            return b""
        if data[0] == _ERROR:
            return None
        return data[1:]

    def close(self) -> None:
        """Close it, without waiting for the other side."""
        self._socket.shutdown()


def open_websocket(cluster: Cluster, path: str, query: list[tuple[str, str]]) -> Any:
    """The official client's web socket at `path`.

    Raises:
        ClusterGone: when the API server does not open it.
    """
    from kubernetes.stream.ws_client import create_websocket

    url = "ws" + cluster.address.removeprefix("http") + path + "?" + urlencode(query)
    try:
        opened: Any = create_websocket(  # type: ignore[no-untyped-call]
            cluster.configuration, url, cluster.headers()
        )
        opened.settimeout(_TIMEOUT_S)
    except socket_errors() as e:
        raise ClusterGone(f"{path}: the API server {cluster.address} did not open a web socket: {e}") from e
    return opened


def socket_errors() -> tuple[type[Exception], ...]:
    """What a web socket raises when it breaks."""
    from websocket import WebSocketException

    return (WebSocketException, OSError)
