"""A check as a row of a table: the claims that it may make, and which of them a record has to meet.

A check that breaks is UNKNOWN, and hides no other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

from leakdrill.judging.evidence.claim import Claim

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from leakdrill.record.history import History
    from leakdrill.record.verdict import Verdict
    from leakdrill.scenario.scenario import Scenario

P = TypeVar("P")


class Case(NamedTuple):
    """One claim about one subject, and what judges it."""

    claim: Claim
    judge: Callable[[], Verdict]


@dataclass(frozen=True, slots=True)
class Check(Generic[P]):
    """One row of a table of checks.

    Attributes:
        claims: every name that its verdicts may have, with a sentence that says what holds when it passes.
        cases: what is claimed of a run, from its history and its plan.
    """

    claims: Mapping[str, str]
    cases: Callable[[History, P], Iterable[Case]]


class JudgesScenario(Protocol):
    """A pure function from a history and its scenario to a verdict."""

    def __call__(self, history: History, /, *, scenario: Scenario) -> Verdict:
        """The verdict."""
        ...


def always(name: str, sentence: str, judge: JudgesScenario) -> Check[Scenario]:
    """Returns the row of a claim that every scenario makes once."""
    return where(lambda _history, _scenario: True, name, sentence, judge)


def where(
    applies: Callable[[History, Scenario], bool], name: str, sentence: str, judge: JudgesScenario
) -> Check[Scenario]:
    """Returns the row of a claim that a scenario makes once where it `applies`."""

    def cases(history: History, scenario: Scenario) -> list[Case]:
        judged = Case(Claim(name), partial(judge, history, scenario=scenario))
        return [judged] if applies(history, scenario) else []

    return Check({name: sentence}, cases)


def judge_all(groups: Iterable[Sequence[Check[P]]], history: History, plan: P) -> list[Verdict]:
    """Returns a verdict for each claim; those of one group stand subject by subject."""
    return [run_check(claim, judge) for group in groups for claim, judge in _cases(group, history, plan)]


def _cases(group: Sequence[Check[P]], history: History, plan: P) -> list[Case]:
    cases = [case for check in group for case in check.cases(history, plan)]
    subjects = list(dict.fromkeys(case.claim.subject for case in cases))
    return sorted(cases, key=lambda case: subjects.index(case.claim.subject))


def run_check(claim: Claim, check: Callable[[], Verdict]) -> Verdict:
    """The verdict of `check`; UNKNOWN, naming the exception, when it raises."""
    try:
        return check()
    except Exception as e:  # noqa: BLE001 - whatever is wrong with one check must not become a PASS, nor hide the rest
        return claim.unknown(
            f"the check itself broke: {type(e).__name__}: {e}",
            hint="this is a mistake in Leakdrill; report it with the run folder",
        )
