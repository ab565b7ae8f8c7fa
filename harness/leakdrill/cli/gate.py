"""`leakdrill gate`: the memory gate's command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from leakdrill.cli.options import Verbose  # noqa: TC001 - typer reads the annotations when it runs
from leakdrill.cli.output import deliver, print_json
from leakdrill.cli.page import OpenPage, leave_page, name_page, open_page
from leakdrill.cli.run_json import run_as_json
from leakdrill.errors import BadInput
from leakdrill.judging.leak.gate import CANDIDATE, MEMORY_CLAIM, measured_conditions
from leakdrill.judging.leak.gate_baseline import read_baseline, write_baseline
from leakdrill.judging.leak.slots import corpora, slot_trace
from leakdrill.record.history import read_history
from leakdrill.record.verdict import Outcome, worst
from leakdrill.reports.console import SafeConsole
from leakdrill.reports.page.gate_page import WORDS
from leakdrill.reports.step_summary import append_step_summary
from leakdrill.reports.terminal import print_verdicts
from leakdrill.runs.catalogue.catalogue import find_scenario
from leakdrill.runs.gate.against import read_against
from leakdrill.runs.gate.run import run_gate
from leakdrill.runs.placement import placed
from leakdrill.scenario.reader import read_scenario

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakdrill.record.verdict import Verdict
    from leakdrill.runs.session import FinishedRun


def gate(  # noqa: PLR0913, PLR0917 - one for each option of the command line
    service: Annotated[str, typer.Argument(help="A scenario file, or a name from `leakdrill scenarios`.")],
    against: Annotated[
        str | None,
        typer.Option(
            help="Another build, whose slots alternate: a scenario file, a virtual environment, a command, or an image."
        ),
    ] = None,
    baseline: Annotated[Path | None, typer.Option(help="A stored baseline to compare with.")] = None,
    update: Annotated[bool, typer.Option(help="Write this run to --baseline, if it passes.")] = False,
    runs: Annotated[Path, typer.Option(help="Where run folders are kept.")] = Path("runs"),
    on: Annotated[
        Literal["process", "docker"] | None, typer.Option(help="Where it runs, instead of what the scenario says.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    verbose: Verbose = False,
    show: OpenPage = False,
) -> int:
    """Judge whether a service leaks memory, in about a minute."""
    console = SafeConsole(stderr=as_json)
    path = find_scenario(service)
    done = _measure(path, against, baseline, update=update, runs=runs, on=on, console=console)
    if done.error is not None:
        deliver(0, lambda: leave_page(done))
        name_page(done, console)
        raise done.error
    code = deliver(
        worst(done.verdicts).exit_code,
        *([lambda: _write(baseline, done, console)] if baseline and update else []),
        lambda: append_step_summary(done.verdicts, name=done.scenario().name),
        lambda: leave_page(done),
    )
    if show:
        open_page(done)
    if as_json:
        print_json(run_as_json(done.verdicts, done.folder, scenario=done.scenario().name, chain=done.seal.head))
    else:
        print_verdicts(done.verdicts, console, verbose=verbose)
        name_page(done, console)
        console.print(leak_word(done.verdicts), markup=False, soft_wrap=True)
    return code


def leak_word(verdicts: Sequence[Verdict]) -> str:
    """The last line: LEAK, CLEAN or UNKNOWN, and what else keeps the gate from passing."""
    memory = worst([verdict for verdict in verdicts if verdict.check == MEMORY_CLAIM])
    word, outcome = WORDS[memory], worst(verdicts)
    if outcome is memory:
        return f"{word} (exit {outcome.exit_code})"
    others = ", ".join(verdict.check for verdict in verdicts if verdict.outcome is outcome)
    return f"{word} of memory, but {outcome}: {others} (exit {outcome.exit_code})"


def _measure(
    path: Path,
    against: str | None,
    baseline: Path | None,
    *,
    update: bool,
    runs: Path,
    on: str | None,
    console: SafeConsole,
) -> FinishedRun:
    if update and baseline is None:
        raise BadInput("--update: there is no file to write; expected --baseline FILE beside it")
    if against is not None and baseline is not None:
        raise BadInput("--against and --baseline: expected one of them")
    stored = read_baseline(baseline) if baseline is not None and not update else None
    scenario = placed(read_scenario(path), on)
    other = read_against(against, scenario, path.resolve().parent) if against is not None else None
    return run_gate(path, runs=runs, console=console, against=other, stored=stored, whole=update, on=on)


def _write(path: Path, done: FinishedRun, console: SafeConsole) -> None:
    """Write the baseline; only a run that passes may become one."""
    if worst(done.verdicts) is not Outcome.PASS:
        console.print(f"{path}: not written: only a run that passes becomes a baseline", markup=False)
        return
    history = read_history(done.folder.history)
    corpus = corpora(history, build=CANDIDATE)[0]
    growth = done.verdicts[0].numbers.get("growth_bytes_per_request")
    write_baseline(
        path,
        slot_trace(history, build=CANDIDATE, corpus=corpus),
        measured_conditions(history, done.scenario(), corpus),
        bytes_per_request=float(growth or 0.0),
    )
    console.print(f"{path}: written", markup=False)
