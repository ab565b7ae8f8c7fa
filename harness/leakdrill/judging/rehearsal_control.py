"""Whether a change of a runbook is needed: judged against a control run in which it is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.judging.evidence.claim import Claim
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from leakdrill.judging.rehearsal_facts import RunbookFacts
    from leakdrill.record.verdict import Verdict
    from leakdrill.scenario.rehearsal import RehearsedStep


def needed(step: RehearsedStep, with_it: RunbookFacts, without: RunbookFacts) -> Verdict:
    """Whether the runbook relieved with `step`, and did not without it. UNKNOWN where either cannot be told."""
    claim = Claim("change_is_needed", step.name)
    if with_it.outcome == "PASS" and without.cleared_unchanged:
        return claim.fails(
            f"without it the alert clears by itself{_after(without)}: that it helps is luck",
            hint="what the alert warns of goes away unaided; find out what ends it before you change anything",
        )
    if "UNKNOWN" in (with_it.outcome, without.outcome):
        unknown = with_it if with_it.outcome == "UNKNOWN" else without
        return claim.unknown(
            f"it cannot be told {'with' if unknown is with_it else 'without'} it whether the runbook relieves: "
            f"{unknown.note}",
            hint="see runbook_relieves of that run",
        )
    if with_it.outcome == "FAIL":
        return claim.unknown("the runbook does not relieve with it either", hint="see runbook_relieves")
    if without.outcome == "FAIL":
        return claim.holds("without it the runbook does not relieve")
    return claim.fails(
        f"without it the runbook relieves as well{_after(without)}: that it helps is luck",
        hint="another step does the work; leave this one out, or put it after a question that tells when it is needed",
    )


def _after(facts: RunbookFacts) -> str:
    return "" if facts.relieved_after_s is None else f", {show_duration(facts.relieved_after_s)} after it fired"
