"""One command inside a running container, its output kept as it comes."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any, Final

from leakdrill.errors import EnvironmentProblem
from leakdrill.files import new_file
from leakdrill.targets.docker.container import engine_errors
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from docker.models.containers import Container

_SLACK_S: Final = 5.0
_ENDED: Final = (124, 137)
"""How `timeout` ends when it had to end the command."""


def execute_inside(container: Container, argv: Sequence[str], *, output: Path, timeout_s: float) -> int:
    """Run `argv` in `container` to its end and return its exit status.

    The engine offers no way to end it, so `timeout` of the image does; what it cannot end goes with the container.

    Raises:
        EnvironmentProblem: when the engine refuses, or it ran for longer than `timeout_s`.
    """
    errors: list[Exception] = []
    from docker.utils.socket import frames_iter

    client = container.client
    assert client is not None  # noqa: S101 - the engine's own containers have one
    api = client.api
    try:
        made = api.exec_create(container.id, ["timeout", "-k", "1", f"{timeout_s:g}", *argv])["Id"]
        connection: Any = api.exec_start(made, socket=True)
    except engine_errors() as e:
        raise EnvironmentProblem(f"{argv[0]} could not be started in the container: {e}") from e

    def keep() -> None:
        try:
            with new_file(output) as file, contextlib.closing(_whole(connection)), contextlib.closing(connection):
                for _, chunk in frames_iter(connection, tty=False):  # type: ignore[no-untyped-call]
                    file.write(chunk)
        except engine_errors() as e:
            errors.append(e)

    keeper = threading.Thread(target=keep, name="exec-output", daemon=True)
    keeper.start()
    keeper.join(timeout_s + _SLACK_S)
    if errors:
        raise EnvironmentProblem(f"{argv[0]}: the engine stopped sending its output: {errors[0]}")
    status = None if keeper.is_alive() else api.exec_inspect(made)["ExitCode"]
    if status is None or status in _ENDED:
        raise EnvironmentProblem(f"{argv[0]} was still running after {show_duration(timeout_s)}, and was ended")
    return int(status)


def _whole(connection: Any) -> Any:
    """The socket below `connection`, which closing the file on it leaves open."""
    return getattr(connection, "_sock", connection)
