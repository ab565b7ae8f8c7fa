"""Whether a change of a runbook is needed: judged against a control run in which it is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.judging.evidence.claim import Claim
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from leakdrill.judging.rehearsal_facts import RunbookFacts
    from leakdrill.record.verdict import Verdict
    from leakdrill.scenario.rehearsal import RehearsedStep


def needed(step: RehearsedStep, with_it: RunbookFacts, without: RunbookFacts | None) -> Verdict:
    """Whether the runbook relieved with `step`, and did not without it. UNKNOWN where either cannot be told.

    Args:
        step: the change.
        with_it: the rehearsal that carried it out.
        without: the control run; None where none was played, because nothing relieves with it either.
    """
    claim = Claim("change_is_needed", step.name)
    if with_it.outcome == "UNKNOWN":
        return _not_known(claim, "with", with_it)
    if with_it.outcome == "FAIL" or without is None:
        return claim.unknown("the runbook does not relieve with it either", hint="see runbook_relieves")
    if without.cleared_unchanged:
        return claim.fails(
            f"without it the alert clears by itself{_after(without)}: that it helps is luck",
            hint="what the alert warns of goes away unaided; find out what ends it before you change anything",
        )
    if without.outcome == "UNKNOWN":
        return _not_known(claim, "without", without)
    if without.outcome == "FAIL":
        return claim.holds("without it the runbook does not relieve")
    return claim.fails(
        f"without it the runbook relieves as well{_after(without)}: that it helps is luck",
        hint="another step does the work; leave this one out, or put it after a question that tells when it is needed",
    )


def _after(facts: RunbookFacts) -> str:
    return "" if facts.relieved_after_s is None else f", {show_duration(facts.relieved_after_s)} after it fired"


def _not_known(claim: Claim, how: str, facts: RunbookFacts) -> Verdict:
    return claim.unknown(
        f"it cannot be told {how} it whether the runbook relieves: {facts.note}",
        hint="see runbook_relieves of that run",
    )
