"""The request that ends a leak in a service that goes on after the drill: kept in the journal, and sent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
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

_TIMEOUT_S: Final = 5.0


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
