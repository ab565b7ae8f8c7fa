"""Switches off what a drill has switched on in a service that goes on after it: the only change that it may leave."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import psutil
from pydantic import ValidationError

from leakdrill.errors import BadInput
from leakdrill.machine.http_access import access_to, header_mistakes
from leakdrill.machine.http_client import bounded_client
from leakdrill.masking import kept, masked_tree
from leakdrill.scenario.actions import HttpCall
from leakdrill.scenario.http_access import HttpAccess

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leakdrill.machine.http_access import Access
    from leakdrill.record.journal_header import Header
    from leakdrill.record.undo import UndoTable

_TIMEOUT_S: Final = 5.0
_SLACK_S: Final = 2.0


def as_kept(off: HttpCall) -> dict[str, Any]:
    """The request that ends a leak, as the journal may hold it, and whether a secret had to be left out of it."""
    plain = off.model_dump(mode="json")
    known = {**plain, "path": kept(off.path), "body": masked_tree(plain["body"])}
    return {"off": known, "masked": known != plain}


def switch_off(off: HttpCall, base_url: str, access: Access) -> str | None:
    """Send the request that ends a leak; says why the leak is not off, and None when it is."""
    where = f"{off.method} {base_url}{off.path}"
    try:
        with bounded_client(timeout_s=_TIMEOUT_S, access=access) as client:
            headers = access.headers_with("", off.headers)
            response = client.request(off.method, base_url + off.path, json=off.body, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as e:
        return f"{where}: {e}"
    if response.status_code != off.expect_status:
        return f"{where}: answered {response.status_code}; expected {off.expect_status}"
    return None


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


def kept_request(data: Mapping[str, Any], url: str) -> tuple[HttpCall, Access]:
    """The request that ends the leak of an entry, and how it is made; `url` is where it goes.

    Raises:
        BadInput: when it cannot be sent again: the entry is none, or it lacks a secret that is not in the environment.
    """
    try:
        off, http = HttpCall.model_validate(data["off"]), HttpAccess.model_validate(data["http"])
    except ValidationError as e:
        raise BadInput("the journal's entry is no request") from e
    access = access_to(http, Path(str(data["folder"])), https=url.startswith("https:"))
    if data["masked"]:
        raise BadInput(f"{off.method} {url}{off.path} holds a secret, which is not in the journal; send it yourself")
    for _, text in header_mistakes(off.headers, ()):
        raise BadInput(text)
    return off, access


def _why_it_stays_on(data: Mapping[str, Any]) -> str | None:
    url = str(data["url"])
    try:
        off, access = kept_request(data, url)
    except BadInput as e:
        return e.message
    return switch_off(off, url, access)


UNDO: Final[UndoTable] = {"service leak": _undo_switch}
