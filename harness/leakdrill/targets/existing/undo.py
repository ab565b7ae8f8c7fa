"""Switches off what a drill has switched on in a service that goes on after it: the only change that it may leave."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

import psutil

from leakdrill.errors import BadInput
from leakdrill.targets.base.leak_request import kept_request, switch_off

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leakdrill.record.journal_header import Header
    from leakdrill.record.undo import UndoTable

_SLACK_S: Final = 2.0


def still_runs(pid: int, create_time: float) -> bool:
    """Whether the process is there, and not another one that has its number by now."""
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        return abs(process.create_time() - create_time) < _SLACK_S and process.status() != psutil.STATUS_ZOMBIE
    return False


def _undo_switch(data: Mapping[str, Any], header: Header) -> str | None:  # noqa: ARG001 - a service has no place for it
    """None when the leak is off, or the process in which it was is gone."""
    if not still_runs(int(data["pid"]), float(data["create_time"])):
        return None
    reason = _why_it_stays_on(data)
    return f"the leak {data['name']} could not be switched off: {reason}" if reason else None


def _why_it_stays_on(data: Mapping[str, Any]) -> str | None:
    url = str(data["url"])
    try:
        off, access = kept_request(data, url)
    except BadInput as e:
        return e.message
    return switch_off(off, url, access)


UNDO: Final[UndoTable] = {"service leak": _undo_switch}
