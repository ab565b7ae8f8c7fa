"""Judges a stored run from its files alone. `leakdrill run`, `gate` and `watch` end with exactly this call."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from leakdrill import __version__
from leakdrill.errors import BadInput, EnvironmentProblem
from leakdrill.files import read_below, write_below
from leakdrill.judging.drill import judge
from leakdrill.judging.evidence.rehearsed import Rehearsed
from leakdrill.judging.leak.gate import judge_gate
from leakdrill.judging.leak.gate_baseline import read_baseline
from leakdrill.judging.rehearsal import judge_rehearsal
from leakdrill.judging.watch.judge import judge_watch
from leakdrill.judging.watch.run_files import is_watch, read_watch_info
from leakdrill.record.history import History, read_history
from leakdrill.record.seal import JUDGE_AGAIN, STORED_BASELINE, Seal, check_seal
from leakdrill.record.store import read_run_info
from leakdrill.record.verdict import Outcome, Verdict, worst
from leakdrill.record.verdict_file import read_verdicts, verdicts_as_json, write_verdicts
from leakdrill.record.writing import writing

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakdrill.record.signature import Key
    from leakdrill.record.store import RunFolder

RECORD_IS_INTACT: Final = "record_is_intact"
"""The claim that is UNKNOWN, with every other one, when the record is not as the run wrote it."""

DISPUTED: Final = "verdicts.disputed.json"
"""What `analyze` found in the place of `verdicts.json`, when that did not follow from the record."""

UNSEALED_NOTE: Final = "the record is unsealed: nothing shows whether it was changed"


@dataclass(frozen=True, slots=True)
class JudgedRun:
    """A stored run with its verdicts.

    Attributes:
        verdicts: one for each claim; all UNKNOWN when the record is not as the run wrote it.
        seal: what the seal of its record says.
        history: the record that they rest on; None when it is not as the run wrote it.
    """

    verdicts: list[Verdict]
    seal: Seal
    history: History | None = None


def analyze(folder: RunFolder) -> list[Verdict]:
    """The verdicts on the run in `folder`; they are also written to its `verdicts.json`.

    Raises:
        BadInput: when a file of the run cannot be read.
        EnvironmentProblem: when `verdicts.json` cannot be written.
    """
    return judge_run(folder).verdicts


def judge_run(
    folder: RunFolder,
    *,
    unsealed: bool = False,
    key: Key | None = None,
    unwritten: Callable[[str], object] | None = None,
) -> JudgedRun:
    """The verdicts on the run in `folder`, as `analyze` gives them, and what the seal of its record says.

    Args:
        folder: the run.
        unsealed: whether a record of a version that had no hash chain is judged all the same.
        key: the record must be signed with this one, if given.
        unwritten: called with a sentence when `verdicts.json` cannot be written, for whom the verdicts themselves do.

    Raises:
        BadInput: when a file of the run cannot be read.
        EnvironmentProblem: when `verdicts.json` cannot be written, and `unwritten` is not given.
    """
    seal = check_seal(folder, unsealed=unsealed, key=key)
    history = None if seal.fault else read_history(folder.history)
    if seal.verdicts_edited:
        seal = _with_line(folder, seal, stored_verdicts(folder, read_history(folder.history)))
        seal = replace(seal, hint=f"{seal.hint}; the file as it was found is kept as {DISPUTED}")
    verdicts = _all_unknown(folder, seal) if history is None else stored_verdicts(folder, history)
    try:
        with writing(folder.verdicts):
            if seal.verdicts_edited:
                _keep_disputed(folder)
            write_verdicts(folder.verdicts, verdicts, chain=seal.head, sealed=not seal.verdicts_edited)
    except EnvironmentProblem as e:
        if unwritten is None:
            raise
        unwritten(e.message)
    return JudgedRun(verdicts, seal, history)


def _keep_disputed(folder: RunFolder) -> None:
    """Keep a `verdicts.json` that does not follow from the record; the first one, which is the evidence."""
    if not (folder.path / DISPUTED).exists():
        write_below(folder.path, DISPUTED, read_below(folder.path, folder.verdicts.name).decode("utf-8", "replace"))


def verify_run(folder: RunFolder, *, key: Key | None = None) -> Seal:
    """Compare the record in `folder` with its seal, and its verdicts with those that it gives; writes nothing.

    The latter also where `verdicts.json` was sealed again, as whoever forges one would; not where another version of
    Leakdrill judged.

    Raises:
        BadInput: when a file of the run cannot be read.
    """
    seal = check_seal(folder, key=key)
    if seal.verdicts_edited:
        return _with_line(folder, seal, stored_verdicts(folder, read_history(folder.history)))
    if seal.fault or not folder.verdicts.exists():
        return seal
    stored = read_verdicts(folder.verdicts)
    if stored.leakdrill != __version__:
        return seal
    given = {(v.check, v.subject): v.outcome for v in stored_verdicts(folder, read_history(folder.history))}
    found = {(v.check, v.subject): v.outcome for v in stored.verdicts}
    wrong = next((claim for claim in [*found, *given] if found.get(claim) != given.get(claim)), None)
    if wrong is None and stored.outcome is worst(stored.verdicts):
        return seal
    check = " ".join(wrong or ("the worst of all",)).strip()
    fault = f"{folder.verdicts}: {check}: says otherwise than this record gives"
    return replace(seal, fault=fault, hint=JUDGE_AGAIN, verdicts_edited=True)


def _with_line(folder: RunFolder, seal: Seal, verdicts: list[Verdict]) -> Seal:
    """`seal`, whose fault is in `verdicts.json`, with the first line that does not say what the record gives."""
    text = verdicts_as_json(verdicts, chain=seal.head).splitlines()
    found = read_below(folder.path, folder.verdicts.name).decode("utf-8", "replace").splitlines()
    line = next((n for n, (a, b) in enumerate(zip_longest(found, text), 1) if a != b), 0)
    if not line or '"leakdrill"' in text[min(line, len(text)) - 1]:  # of another version, whose sentences differ
        return seal
    place = f"{folder.verdicts}:"
    return replace(seal, fault=seal.fault.replace(f"{place} ", f"{place}{line}: ", 1))


def stored_verdicts(folder: RunFolder, history: History) -> list[Verdict]:
    """The verdicts on `history`, judged by what was asked for in the `run.json` of `folder`; writes nothing.

    Raises:
        BadInput: when a file of the run cannot be read.
    """
    if is_watch(folder):
        return judge_watch(history, read_watch_info(folder).watch)
    info = read_run_info(folder)
    if info.kind == "gate":
        copy = folder.path / STORED_BASELINE
        return judge_gate(history, info.scenario, read_baseline(copy) if copy.exists() else None, info.machine)
    if info.rehearsal is not None:
        return judge_rehearsal(history, Rehearsed(info.scenario, info.rehearsal), info.machine)
    return judge(history, info.scenario, info.machine)


def _all_unknown(folder: RunFolder, seal: Seal) -> list[Verdict]:
    """The claims of the run, as far as its files still tell them, each UNKNOWN with what is wrong with the record."""
    try:
        claims = stored_verdicts(folder, History(()))
    except BadInput:
        claims = []
    intact = Verdict(check=RECORD_IS_INTACT, outcome=Outcome.UNKNOWN, message=seal.fault, hint=seal.hint)
    return [intact, *(_unknown(claim, seal) for claim in claims)]


def _unknown(claim: Verdict, seal: Seal) -> Verdict:
    return Verdict(check=claim.check, subject=claim.subject, outcome=Outcome.UNKNOWN, message=seal.fault)
