"""One command inside a pod, its output kept as it comes."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final

from leakdrill.errors import EnvironmentProblem
from leakdrill.files import new_file
from leakdrill.targets.kubernetes.port_forward import open_websocket, socket_errors
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from leakdrill.targets.kubernetes.api import Cluster

_OUTPUT: Final = (1, 2)
_STATUS: Final = 3
_CLOSE: Final = 8
_SLACK_S: Final = 5.0
_ENDED: Final = (124, 137)
"""How `timeout` ends when it had to end the command."""


def execute_in_pod(
    cluster: Cluster, argv: Sequence[str], *, pod: str, output: Path, timeout_s: float, container: str | None = None
) -> int:
    """Run `argv` in the pod at the API path `pod` to its end and return its exit status.

    The API offers no way to end it, so `timeout` of the image does; what it cannot end goes with the pod.

    Raises:
        EnvironmentProblem: when the API server refuses, or it ran for longer than `timeout_s`.
    """
    command = ["timeout", "-k", "1", f"{timeout_s:g}", *argv]
    query = [("command", word) for word in command] + [("stdout", "true"), ("stderr", "true")]
    socket = open_websocket(cluster, f"{pod}/exec", query + ([("container", container)] if container else []))
    try:
        socket.settimeout(timeout_s + _SLACK_S)
        status = exit_status(_keep(socket, output, time.monotonic() + timeout_s + _SLACK_S))
    except socket_errors() as e:
        raise EnvironmentProblem(f"{argv[0]}: the API server stopped sending its output: {e}") from e
    finally:
        socket.shutdown()
    if status in _ENDED:
        raise EnvironmentProblem(f"{argv[0]} was still running after {show_duration(timeout_s)}, and was ended")
    return status


def _keep(socket: Any, output: Path, deadline: float) -> bytes:
    """Write what it says into `output`; returns the node's word on how it ended."""
    with new_file(output) as file:
        while time.monotonic() < deadline:
            kind, frame = socket.recv_data_frame(control_frame=True)
            if kind == _CLOSE:
                break
            channel = frame.data[0] if frame.data else -1
            if channel in _OUTPUT:
                file.write(frame.data[1:])
            elif channel == _STATUS:
                status: bytes = frame.data[1:]
                return status
    return b""


def exit_status(report: bytes) -> int:
    """The exit status in the node's last word: a v1 Status, whose cause `ExitCode` holds the number.

    Raises:
        EnvironmentProblem: when it tells of none, because the command could not be started.
    """
    try:
        status = json.loads(report)
    except ValueError as e:
        raise EnvironmentProblem("the command was cut off: the node did not say how it ended") from e
    if status.get("status") == "Success":
        return 0
    causes = (status.get("details") or {}).get("causes") or []
    codes = [cause["message"] for cause in causes if cause.get("reason") == "ExitCode"]
    if not codes:
        raise EnvironmentProblem(f"the command could not be run in the pod: {status.get('message', '?')}")
    return int(codes[0])
