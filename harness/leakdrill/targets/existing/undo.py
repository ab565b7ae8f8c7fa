"""Switches off what a drill has switched on in a service that goes on after it: the only change that it may leave."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

import httpx
import psutil

from leakdrill.machine.http_client import bounded_client

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leakdrill.record.journal_header import Header
    from leakdrill.record.undo import UndoTable

SWITCHED: Final = "switched leak"
"""The kind of the journal's entries for it."""

_TIMEOUT_S: Final = 5.0
_SLACK_S: Final = 2.0


def _undo_switch(data: Mapping[str, Any], header: Header) -> str | None:  # noqa: ARG001 - a service has no place for it
    """Send the request that ends the leak; None when it is off, or the process in which it was is gone."""
    if not _is_there(int(data["pid"]), float(data["create_time"])):
        return None
    url = f"{data['url']}{data['path']}"
    try:
        with bounded_client(timeout_s=_TIMEOUT_S) as client:
            response = client.request(str(data["method"]), url, json=data["body"])
    except (httpx.HTTPError, httpx.InvalidURL) as e:
        return f"the leak {data['name']} could not be switched off: {data['method']} {url}: {e}"
    if response.status_code != int(data["expect_status"]):
        answered = f"{data['method']} {url} answered {response.status_code}; expected {data['expect_status']}"
        return f"the leak {data['name']} could not be switched off: {answered}"
    return None


def _is_there(pid: int, create_time: float) -> bool:
    with contextlib.suppress(psutil.Error):
        return abs(psutil.Process(pid).create_time() - create_time) < _SLACK_S
    return False


UNDO: Final[UndoTable] = {SWITCHED: _undo_switch}
