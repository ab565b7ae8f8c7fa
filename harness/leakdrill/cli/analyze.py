"""`leakdrill analyze`: the verdicts of a stored run, judged again."""

from __future__ import annotations

from leakdrill.cli.options import AsJson, RunFolder  # noqa: TC001 - typer reads the annotations when it runs
from leakdrill.cli.output import print_json
from leakdrill.judging.analyze import analyze as analyze_run
from leakdrill.record.store import open_run
from leakdrill.record.verdict import worst
from leakdrill.record.verdict_file import verdicts_as_json
from leakdrill.reports.console import SafeConsole
from leakdrill.reports.terminal import print_verdicts


def analyze(run_folder: RunFolder, as_json: AsJson = False) -> int:
    """Judge a stored run again; needs nothing but its files."""
    verdicts = analyze_run(open_run(run_folder))
    if as_json:
        print_json(verdicts_as_json(verdicts))
    else:
        print_verdicts(verdicts, SafeConsole())
    return worst(verdicts).exit_code
