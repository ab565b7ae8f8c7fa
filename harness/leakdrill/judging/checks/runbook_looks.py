"""Whether the looks of a runbook answered, and showed the number that the text tells to look for."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Final

from leakdrill.judging.evidence.check import Case, Check
from leakdrill.judging.evidence.claim import Claim
from leakdrill.judging.evidence.rehearsed import Rehearsed, run_of, skipped_steps
from leakdrill.judging.evidence.shown_numbers import shown_numbers, shows
from leakdrill.screenful import shortened
from leakdrill.units import show_duration, show_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.judging.evidence.windows import StepRun
    from leakdrill.record.history import History
    from leakdrill.record.verdict import Verdict
    from leakdrill.scenario.rehearsal import RehearsedStep, Sought

_NOT_FOUND: Final = "127"
_NO_MATCH: Final = "1"
_SEARCH: Final = re.compile(r"\b(?:grep|egrep|find|awk|ls|which|pgrep|jq)\b")
"""Programs that say nothing where they find nothing."""
_SILENT: Final = re.compile(r"\s*(?:sleep|test|\[|cd|wait|true)\b")
_SAID_CHARS: Final = 200
_NO_RECORD: Final = "see the verdict measurements_are_complete"


def look_answers(history: History, *, step: RehearsedStep) -> Verdict:
    """Whether the command ran to its end and answered. A search that finds nothing has answered that."""
    claim = Claim("look_answers", step.name)
    run = run_of(history, step.name)
    if run is None:
        return claim.unknown("it was never begun: the drill ended before", hint=_NO_RECORD)
    if not run.act.succeeded:
        return _did_not_run(claim, run)
    facts, events = _facts(run), _events(run)
    code, said = facts.get("exit", ""), facts.get("said", "")
    took = show_duration(run.span.length_s)
    if code == "0" and said:
        return claim.holds(f"answered in {took}", numbers={"took_s": run.span.length_s}, events=events)
    if not said and (_SILENT.match(step.text) or (code in ("0", _NO_MATCH) and _SEARCH.search(step.text))):
        quiet = f"answered in {took}: there was nothing to show"
        return claim.holds(quiet, numbers={"took_s": run.span.length_s}, events=events)
    if code == "0":
        return claim.fails(
            "ended well and said nothing, so it shows nobody anything",
            events=events,
            hint="have the command print what a person is to see, or leave it out",
        )
    what = "a program in it is not there" if code == _NOT_FOUND else f"ended with status {code}"
    message = f"{what}; it said: {_short(said)}" if said else f"{what} and said nothing"
    return claim.fails(message, events=events, hint="its whole output is below steps/ in the run folder")


def look_shows_number(history: History, *, step: RehearsedStep, sought: Sought) -> Verdict:
    """Whether the number that the text tells to look for was there to be seen. UNKNOWN where none of its unit was."""
    claim = Claim("look_shows_number", step.name)
    run = run_of(history, step.name)
    if run is None or not run.act.succeeded:
        return claim.unknown("it was not carried out, so it showed nothing", hint="see look_answers")
    said, events = _facts(run).get("said", ""), _events(run)
    wanted = f'line {sought.line} says "{sought.text}"'
    shown = shows(sought, said)
    if shown is None:
        return claim.unknown(
            f"{wanted}, and the output holds no number of that unit; it said: {_short(said) or 'nothing'}",
            events=events,
            hint="have the command print the number with its unit, or say in the text what is to be seen",
        )
    numbers = shown_numbers(said, sought.unit)
    nearest = max(numbers) if sought.above else min(numbers)
    message = f"{wanted}; it showed {_with_unit(nearest, sought)}"
    values = {"bound": sought.bound, "shown": nearest}
    if shown:
        return claim.holds(message, numbers=values, events=events)
    return claim.fails(
        message,
        numbers=values,
        events=events,
        hint="the command does not show the trouble, or the number in the text is not the one that matters",
    )


def _did_not_run(claim: Claim, run: StepRun) -> Verdict:
    if run.act.end is None or run.act.end.kind == "unknown":
        return claim.unknown(f"nobody can say how it ended: {run.act.reason}", events=_events(run), hint=_NO_RECORD)
    return claim.fails(
        f"could not be carried out: {run.act.reason}", events=_events(run), hint="try the command by hand"
    )


def _facts(run: StepRun) -> dict[str, str]:
    return {} if run.act.end is None else dict(run.act.end.more)


def _events(run: StepRun) -> list[int]:
    return [e.index for e in (run.act.begin, run.act.end) if e is not None]


def _short(said: str) -> str:
    return shortened(" ".join(said.split()), _SAID_CHARS)


def _with_unit(number: float, sought: Sought) -> str:
    if sought.unit == "bytes":
        return show_size(number)
    return f"{number:g}{' s' if sought.unit == 's' else sought.unit}"


def _looks(history: History, plan: Rehearsed) -> list[RehearsedStep]:
    skipped = skipped_steps(history)
    return [step for step in plan.rehearsal.steps if not step.changes and step.name not in skipped]


def _answers(history: History, plan: Rehearsed) -> Iterator[Case]:
    for step in _looks(history, plan):
        yield Case(Claim("look_answers", step.name), partial(look_answers, history, step=step))


def _numbers(history: History, plan: Rehearsed) -> Iterator[Case]:
    for step in _looks(history, plan):
        if step.sought is not None:
            claim = Claim("look_shows_number", step.name)
            yield Case(claim, partial(look_shows_number, history, step=step, sought=step.sought))


ANSWERS: Final[Check[Rehearsed]] = Check(
    {"look_answers": "A command of the runbook that only looks ran to its end and answered."}, _answers
)
SHOWS: Final[Check[Rehearsed]] = Check(
    {"look_shows_number": "The number that the text tells to look for was there to be seen."}, _numbers
)
