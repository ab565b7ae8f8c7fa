"""`leakdrill analyze`: the verdicts of a stored run, judged again."""

from __future__ import annotations

from leakdrill.cli.options import AsJson, RunFolder, Verbose  # noqa: TC001 - typer reads the annotations when it runs
from leakdrill.cli.output import complain, print_json
from leakdrill.cli.record_options import KeyFile, Unsealed  # noqa: TC001 - typer reads the annotations when it runs
from leakdrill.judging.analyze import UNSEALED_NOTE, judge_run
from leakdrill.record.signature import read_key
from leakdrill.record.store import open_run
from leakdrill.record.verdict import worst
from leakdrill.record.verdict_file import verdicts_as_json
from leakdrill.reports.console import SafeConsole
from leakdrill.reports.terminal import print_verdicts


def analyze(
    run_folder: RunFolder,
    as_json: AsJson = False,
    verbose: Verbose = False,
    unsealed: Unsealed = False,
    key: KeyFile = None,
) -> int:
    """Judge a stored run again; needs nothing but its files."""
    folder, used_key = open_run(run_folder), read_key(key) if key else None
    judged = judge_run(folder, unsealed=unsealed, key=used_key, unwritten=complain)
    if as_json:
        print_json(verdicts_as_json(judged.verdicts, chain=judged.seal.head))
    else:
        console = SafeConsole()
        print_verdicts(judged.verdicts, console, verbose=verbose)
        if not judged.seal.is_sealed:
            console.print(UNSEALED_NOTE, markup=False)
    return worst(judged.verdicts).exit_code
