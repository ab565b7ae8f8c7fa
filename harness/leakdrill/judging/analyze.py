"""Judges a stored run from its files alone. `leakdrill run`, `gate` and `watch` end with exactly this call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from leakdrill.errors import BadInput, EnvironmentProblem
from leakdrill.judging.drill import judge
from leakdrill.judging.leak.gate import judge_gate
from leakdrill.judging.leak.gate_baseline import read_baseline
from leakdrill.judging.watch.judge import judge_watch
from leakdrill.judging.watch.run_files import is_watch, read_watch_info
from leakdrill.record.history import History, read_history
from leakdrill.record.seal import STORED_BASELINE, Seal, check_seal
from leakdrill.record.store import read_run_info
from leakdrill.record.verdict import Outcome, Verdict
from leakdrill.record.verdict_file import write_verdicts

if TYPE_CHECKING:
    from leakdrill.record.store import RunFolder

RECORD_IS_INTACT: Final = "record_is_intact"
"""The claim that is UNKNOWN, with every other one, when the record is not as the run wrote it."""

UNSEALED_NOTE: Final = "the record is unsealed: nothing shows whether it was changed"


@dataclass(frozen=True, slots=True)
class JudgedRun:
    """A stored run with its verdicts.

    Attributes:
        verdicts: one for each claim; all UNKNOWN when the record is not as the run wrote it.
        seal: what the seal of its record says.
    """

    verdicts: list[Verdict]
    seal: Seal


def analyze(folder: RunFolder) -> list[Verdict]:
    """The verdicts on the run in `folder`; they are also written to its `verdicts.json`.

    Raises:
        BadInput: when a file of the run cannot be read.
        EnvironmentProblem: when `verdicts.json` cannot be written.
    """
    return judge_run(folder).verdicts


def judge_run(folder: RunFolder, *, unsealed: bool = False) -> JudgedRun:
    """The verdicts on the run in `folder`, as `analyze` gives them, and what the seal of its record says.

    Args:
        folder: the run.
        unsealed: whether a record of a version that had no hash chain is judged all the same.

    Raises:
        BadInput: when a file of the run cannot be read.
        EnvironmentProblem: when `verdicts.json` cannot be written.
    """
    seal = check_seal(folder, unsealed=unsealed)
    verdicts = _all_unknown(folder, seal) if seal.fault else _judged(folder, read_history(folder.history))
    try:
        write_verdicts(folder.verdicts, verdicts, chain=seal.head, sealed=not seal.verdicts_edited)
    except OSError as e:
        raise EnvironmentProblem(f"{folder.verdicts}: cannot be written: {e.strerror}") from e
    return JudgedRun(verdicts, seal)


def _judged(folder: RunFolder, history: History) -> list[Verdict]:
    if is_watch(folder):
        return judge_watch(history, read_watch_info(folder).watch)
    info = read_run_info(folder)
    if info.kind == "gate":
        copy = folder.path / STORED_BASELINE
        return judge_gate(history, info.scenario, read_baseline(copy) if copy.exists() else None)
    return judge(history, info.scenario)


def _all_unknown(folder: RunFolder, seal: Seal) -> list[Verdict]:
    """The claims of the run, as far as its files still tell them, each UNKNOWN with what is wrong with the record."""
    try:
        claims = _judged(folder, History(()))
    except BadInput:
        claims = []
    intact = Verdict(check=RECORD_IS_INTACT, outcome=Outcome.UNKNOWN, message=seal.fault, hint=seal.hint)
    return [intact, *(_unknown(claim, seal) for claim in claims)]


def _unknown(claim: Verdict, seal: Seal) -> Verdict:
    return Verdict(check=claim.check, subject=claim.subject, outcome=Outcome.UNKNOWN, message=seal.fault)
