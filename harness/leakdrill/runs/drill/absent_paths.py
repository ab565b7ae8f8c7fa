"""Paths of a plan that a service does not have, found as soon as it is ready: before the load, and not after the drill.

Nothing is changed to find out. Each path is asked for with OPTIONS, or HEAD where the plan only reads. A service may
answer 404 to these and still know the path, so that is only told. Where it does so for the switch of a leak, the
request that switches the leak off is sent, which at that moment changes nothing: its 404 ends the drill.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import httpx

from leakdrill.errors import EnvironmentProblem
from leakdrill.machine.http_client import bounded_client
from leakdrill.scenario.actions import HttpCall
from leakdrill.scenario.reader import scenario_document

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from leakdrill.scenario.scenario import Scenario
    from leakdrill.targets.base.capabilities import Target
    from leakdrill.yaml_file import Loc

_TIMEOUT_S: Final = 2.0
_ABSENT: Final = 404


def absent_paths(plan: Path, scenario: Scenario, target: Target) -> list[str]:
    """Returns a sentence for each path that `target` may not have, with its place in the file `plan`.

    Raises:
        EnvironmentProblem: when a leak's switch is not there: the drill would show nothing.
    """
    document, remarks = scenario_document(plan), []
    for index, leak in enumerate(scenario.leaks):
        on = leak.switch.on if leak.switch else HttpCall(path="/admin/leaks", body={leak.name: True})
        off = leak.switch.off if leak.switch else HttpCall(path="/admin/leaks", body={leak.name: False})
        place = document.place(("leaks", index, "switch", "off", "path"))
        if on != off and _asked(target, "OPTIONS", off.path) == _ABSENT and _sent(target, off) == _ABSENT:
            raise EnvironmentProblem(
                f"{place}: {off.method} {off.path}: the service answers 404, so {leak.name} cannot be switched",
                hint="`leaks[].switch` says which requests switch it on and off",
            )
        if on.path != off.path and _asked(target, "OPTIONS", on.path) == _ABSENT:
            remarks.append(_remark(document.place(("leaks", index, "switch", "on", "path")), "OPTIONS", on.path))
    for loc, method, path in _paths_of_steps(scenario):
        if _asked(target, method, path) == _ABSENT:
            remarks.append(_remark(document.place(loc), method, path))
    return remarks


def _remark(place: str, method: str, path: str) -> str:
    return f"{place}: {path} may not be there: the service answers 404 to {method}"


def _paths_of_steps(scenario: Scenario) -> Iterator[tuple[Loc, str, str]]:
    for index, step in enumerate(scenario.steps):
        if step.http is not None:
            method = "HEAD" if step.http.method == "GET" else "OPTIONS"
            yield ("steps", index, "http", "path"), method, step.http.path
        elif step.gc is not None:
            yield ("steps", index, "gc"), "OPTIONS", step.gc.path
        elif step.copy_out is not None and step.copy_out.http is not None:
            yield ("steps", index, "copy_out", "http"), "HEAD", step.copy_out.http


def _sent(target: Target, call: HttpCall) -> int | None:
    return _asked(target, call.method, call.path, call.body, call.headers)


def _asked(
    target: Target, method: str, path: str, body: object = None, own: Mapping[str, str] | None = None
) -> int | None:
    """The status of the answer; None where there is none."""
    headers = target.access.headers_with(target.token, own)
    try:
        with bounded_client(timeout_s=_TIMEOUT_S, access=target.access) as client:
            return client.request(method, target.base_url + path, json=body, headers=headers).status_code
    except (httpx.HTTPError, httpx.InvalidURL):
        return None  # an answer that does not come says nothing of the path
