"""All checks that apply to a scenario, in the order in which a person would ask."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from leakdrill.judging.attribution import Attribution
from leakdrill.judging.checks.alerts import alert_fires_in_time, notification_arrives
from leakdrill.judging.checks.baseline import does_not_grow, returns_to_baseline
from leakdrill.judging.checks.completeness import measurements_are_complete
from leakdrill.judging.checks.gpu import ANSWERS, OWN, cards_are_left_out, claims_of_cards, gpu_answers_throughout
from leakdrill.judging.checks.gpu_sharing import gpu_memory_is_the_targets_own
from leakdrill.judging.checks.growth import leak_grows_as_declared
from leakdrill.judging.checks.limits import (
    alert_fires_before_disk_full,
    alert_fires_before_oom_kill,
    target_keeps_running,
)
from leakdrill.judging.checks.requests import requests_keep_error_rate, requests_keep_latency, requests_survive_steps
from leakdrill.judging.checks.resolution import alert_resolves_and_stays_resolved
from leakdrill.judging.checks.silence import other_alerts_stay_silent
from leakdrill.judging.checks.spread import load_is_spread
from leakdrill.judging.checks.steps import step_claim, step_works
from leakdrill.judging.checks.torch_memory import (
    out_of_memory,
    out_of_memory_claim,
    torch_memory_returns,
    torch_memory_stays,
)
from leakdrill.judging.evidence.capacity import memory_limit_bytes
from leakdrill.judging.evidence.check import run_check
from leakdrill.judging.evidence.claim import Claim
from leakdrill.judging.gpu_attribution import attributed_to_target
from leakdrill.judging.platform_attribution import seen_by_the_platform
from leakdrill.resources import RESOURCES, held_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from leakdrill.record.history import History
    from leakdrill.record.verdict import Verdict
    from leakdrill.scenario.quantities import ResourceName
    from leakdrill.scenario.scenario import Scenario

    Check = tuple[Claim, Callable[[], Verdict]]


def judge(history: History, scenario: Scenario) -> list[Verdict]:
    """One verdict for each claim that `scenario` makes. Never raises: a check that does is UNKNOWN."""
    blame = Attribution(history, partial(_judged, scenario=scenario))
    verdicts = attributed_to_target(_judged(history, scenario), history, scenario, blame)
    return seen_by_the_platform(verdicts, history, blame)


def _judged(history: History, scenario: Scenario) -> list[Verdict]:
    return [run_check(claim, check) for claim, check in _checks(history, scenario)]


def _checks(history: History, scenario: Scenario) -> Iterator[Check]:
    yield from _leaks(history, scenario)
    yield from _alerts(history, scenario)
    for step in scenario.steps:
        yield step_claim(step), partial(step_works, history, step=step, scenario=scenario)
    yield from _after_the_steps(history, scenario)
    yield from _service(history, scenario)
    yield from _cards(history, scenario)
    yield Claim("measurements_are_complete"), partial(measurements_are_complete, history, scenario=scenario)


def _leaks(history: History, scenario: Scenario) -> Iterator[Check]:
    for leak in scenario.leaks:
        claim = Claim("leak_grows_as_declared", leak.name)
        yield claim, partial(leak_grows_as_declared, history, leak=leak, leaks=scenario.leaks)
    for name in [] if scenario.leaks else _watched(history, scenario):
        stays = torch_memory_stays if name in held_by("torch") else does_not_grow
        yield Claim(RESOURCES[name].stays), partial(stays, history, scenario=scenario, name=name)


def _watched(history: History, scenario: Scenario) -> list[ResourceName]:
    left_out = held_by("gpu") if cards_are_left_out(history, scenario) else ()
    return [name for name in RESOURCES if name not in left_out and scenario.margin(name) is not None]


def _alerts(history: History, scenario: Scenario) -> Iterator[Check]:
    grows = {leak.resource for leak in scenario.leaks}
    # Where kills are expected there are alerts that only they can raise, such as one on the builds that fail of them.
    limited = memory_limit_bytes(history, scenario) is not None and not scenario.expect.oom_kills
    for alert in scenario.alerts.expect:
        yield (
            Claim("alert_fires_in_time", str(alert)),
            partial(alert_fires_in_time, history, alert=alert, scenario=scenario),
        )
        if "memory" in grows and limited:
            claim = Claim("alert_fires_before_oom_kill", str(alert))
            yield claim, partial(alert_fires_before_oom_kill, history, alert=alert, scenario=scenario)
        if "disk" in grows:
            claim = Claim("alert_fires_before_disk_full", str(alert))
            yield claim, partial(alert_fires_before_disk_full, history, alert=alert, scenario=scenario)
        if scenario.alerts.delivery_seen:
            yield (
                Claim("notification_arrives", str(alert)),
                partial(notification_arrives, history, alert=alert, scenario=scenario),
            )
    if scenario.alerts.evaluated:
        yield Claim("other_alerts_stay_silent"), partial(other_alerts_stay_silent, history, scenario=scenario)


def _after_the_steps(history: History, scenario: Scenario) -> Iterator[Check]:
    for alert in scenario.alerts.expect if scenario.steps else []:
        claim = Claim("alert_resolves_and_stays_resolved", str(alert))
        yield claim, partial(alert_resolves_and_stays_resolved, history, alert=alert, scenario=scenario)
    # Where nothing leaked and nothing was done, that it does not grow says all there is to say.
    for name in _watched(history, scenario) if scenario.leaks or scenario.steps else []:
        returns = torch_memory_returns if name in held_by("torch") else returns_to_baseline
        yield Claim(RESOURCES[name].returns), partial(returns, history, scenario=scenario, name=name)


def _cards(history: History, scenario: Scenario) -> Iterator[Check]:
    judges = {ANSWERS: gpu_answers_throughout, OWN: gpu_memory_is_the_targets_own}
    for claim in claims_of_cards(history, scenario):
        yield claim, partial(judges[claim], history, scenario=scenario)


def _service(history: History, scenario: Scenario) -> Iterator[Check]:
    yield Claim("requests_keep_error_rate"), partial(requests_keep_error_rate, history, scenario=scenario)
    yield Claim("requests_keep_latency"), partial(requests_keep_latency, history, scenario=scenario)
    if scenario.steps and scenario.expect.step_errors < 1:
        yield Claim("requests_survive_steps"), partial(requests_survive_steps, history, scenario=scenario)
    if scenario.torch is not None and scenario.torch.out_of_memory is not None:
        yield out_of_memory_claim(scenario), partial(out_of_memory, history, scenario=scenario)
    for replicas in _shared_by(scenario):
        claim = Claim("load_is_spread", f"{replicas} replicas")
        yield claim, partial(load_is_spread, history, scenario=scenario, replicas=replicas)
    yield Claim("target_keeps_running"), partial(target_keeps_running, history, scenario=scenario)


def _shared_by(scenario: Scenario) -> list[int]:
    """Every number of replicas that shares the load: those that steps ask for, and those of a service of compose."""
    compose = scenario.target.compose if scenario.target.kind == "compose" else None
    numbers = [step.scale.replicas for step in scenario.steps if step.scale is not None]
    numbers += [compose.replicas] if compose else []
    return sorted({number for number in numbers if number > 1})
