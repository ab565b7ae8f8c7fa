"""A failure that a GPU caused is not attributed to the service: such a FAIL becomes UNKNOWN, with the reason.

A card that falls off takes everything with it. Another tenant's process takes memory of the card and nothing of the
host's, so what failed on the host stays a FAIL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.judging.checks.gpu import gpu_claims, gpu_troubles
from leakdrill.judging.checks.gpu_sharing import sharing_troubles
from leakdrill.resources import RESOURCES, held_by

if TYPE_CHECKING:
    from leakdrill.judging.attribution import Attribution
    from leakdrill.judging.evidence.trouble import Trouble
    from leakdrill.record.history import History
    from leakdrill.record.verdict import Verdict
    from leakdrill.scenario.scenario import Scenario

_HOST: Final = held_by("host")
_OF_HOST: Final = frozenset(
    {
        *(RESOURCES[name].returns for name in _HOST),
        *(RESOURCES[name].stays for name in _HOST),
        "alert_fires_before_disk_full",
    }
)


_HINT: Final = "run the drill again when the card is the service's alone and answers"


def attributed_to_target(
    verdicts: list[Verdict], history: History, scenario: Scenario, attribution: Attribution
) -> list[Verdict]:
    """Returns `verdicts`; those that failed because of a GPU become UNKNOWN and say so."""
    if not gpu_claims(history, scenario):
        return verdicts
    failures, sharing = gpu_troubles(history), sharing_troubles(history, scenario)
    return [attribution.excused(one, [*failures, *_if_on_gpu(one, scenario, sharing)], hint=_HINT) for one in verdicts]


def _if_on_gpu(verdict: Verdict, scenario: Scenario, sharing: list[Trouble]) -> list[Trouble]:
    """Returns `sharing` when `verdict` is about something that needs the GPU, else nothing."""
    return [] if verdict.check in _OF_HOST or _grows_on_host(verdict, scenario) else sharing


def _grows_on_host(verdict: Verdict, scenario: Scenario) -> bool:
    if verdict.check == "leak_grows_as_declared":
        return any(leak.name == verdict.subject and leak.resource in _HOST for leak in scenario.leaks)
    if verdict.check in {"step_works", "step_does_not_cure"}:
        return any(step.name == verdict.subject and scenario.metric_of(step) in _HOST for step in scenario.steps)
    return False
