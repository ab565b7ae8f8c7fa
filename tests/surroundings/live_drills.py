"""Sabotaged drills, live: each is spoilt in what it is about, with the one verdict that it must get."""

from __future__ import annotations

from typing import Any, Final

from spoilt_drill import Case, send
from surroundings import BASELINE, LEAK, MITIGATE, RECOVER

FIRES: Final = "alert_fires_in_time"
RESOLVES: Final = "alert_resolves_and_stays_resolved"
WORKS: Final = "step_works"
LEAKS: Final = "leak_grows_as_declared"
RETURNS: Final = "memory_returns_to_baseline"
ERRORS: Final = "requests_keep_error_rate"

STEP_DONE: Final = '"kind":"ok","name":"clear"'


def rules(name: str, outcome: str, check: str, file: str, says: str = "", *, in_ci: bool = False, **more: Any) -> Case:
    """A drill with other rules."""
    return Case(name, outcome, check, says, changes={"alerts.rules": [f"HERE/rules/{file}.yaml"], **more}, in_ci=in_ci)


def step(
    name: str, outcome: str, action: dict[str, Any], *, check: str = WORKS, in_ci: bool = False, **more: Any
) -> Case:
    """A drill with another step."""
    steps = [{"name": "clear", "on": "MemoryHigh", "timeout": "3s", **action}]
    return Case(name, outcome, check, changes={"steps": steps, **more}, in_ci=in_ci)


SUPERVISED: Final = ["sh", "-c", 'while true; do "$@"; done', "sh", "{python}", "service.py", "{port}"]

LIVE: Final = (
    rules("a rule that cannot fire: its threshold is above the limit", "FAIL", FIRES, "above-the-limit", in_ci=True),
    rules("a rule for another target", "FAIL", FIRES, "other-target", in_ci=True),
    rules("a rule whose `for` is longer than the drill", "bad input", "", "too-late", "cannot fire in this drill"),
    rules("a rule that fires before the leak", "UNKNOWN", FIRES, "always", "before the leak", in_ci=True),
    rules("a rule that flaps", "FAIL", RESOLVES, "flapping", in_ci=True, **{"alerts.expect.0.resolves_within": "2s"}),
    rules("a rule that never resolves", "FAIL", RESOLVES, "never-resolves", in_ci=True),
    rules("a rule that cannot be evaluated", "FAIL", FIRES, "many-to-many"),
    Case(
        "notifications to nobody",
        "FAIL",
        "notification_arrives",
        changes={"alerts.routing": "HERE/rules/nobody.yaml"},
        in_ci=True,
    ),
    step("a step that does nothing", "FAIL", {"http": {"path": "/admin/nothing"}}),
    step("a step that frees half", "FAIL", {"http": {"path": "/admin/clear-half"}}, in_ci=True),
    step("a step that ends the service", "FAIL", {"kill": {"signal": "KILL", "match": "service.py"}}, in_ci=True),
    Case(
        "a step that works only by a restart that it does not name",
        "UNKNOWN",
        WORKS,
        "that were there before the load ended",
        changes={
            "target.command": SUPERVISED,
            "steps.0.http": {"method": "GET", "path": "/fault?name=ends"},
        },
        in_ci=True,
    ),
    step("a step that raises the limit above the leak", "FAIL", {"set_limits": {"memory": "2GiB"}}, in_ci=True),
    step(
        "a step that works and relapses",
        "FAIL",
        {"http": {"path": "/admin/clear-and-relapse"}},
        check=RETURNS,
        in_ci=True,
    ),
    Case("a step that makes every request fail", "FAIL", ERRORS, moment=MITIGATE, act=send("fails"), in_ci=True),
    Case("requests fail from the leak on", "FAIL", ERRORS, moment=LEAK, act=send("fails")),
    Case("requests fail from the start", "FAIL", ERRORS, "100 %", fault="fails"),
    Case("requests stop from the baseline on", "FAIL", ERRORS, moment=BASELINE, act=send("hangs")),
    Case("a leak that does not leak", "UNKNOWN", LEAKS, changes={"leaks.0.switch.on.path": "/admin/stop"}),
    Case(
        "a leak that hardly leaks",
        "UNKNOWN",
        LEAKS,
        changes={"leaks.0.switch.on.path": "/admin/leak-a-little"},
        in_ci=True,
    ),
    Case("a leak without load", "FAIL", ERRORS, moment=LEAK, act=send("hangs")),
    Case(
        "a baseline that is taken while the service warms up",
        "UNKNOWN",
        RETURNS,
        "its baseline itself rose",
        fault="warms up",
        in_ci=True,
    ),
    Case(
        "a service that hangs for 20 s after the step",
        "FAIL",
        ERRORS,
        changes={"phases.recover": "25s"},
        moment=STEP_DONE,
        act=send("hangs for 20 s"),
    ),
    Case(
        "a service that hangs to the end after the step", "FAIL", ERRORS, moment=RECOVER, act=send("hangs"), in_ci=True
    ),
)
"""Every case; CI runs those that say so. More of their kind, broken in the gateway, are in tests/e2e."""
