"""`leakdrill report`: a stored run as an HTML page, JUnit XML, Markdown, JSON and OpenMetrics."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotation when it runs
from typing import Annotated

import typer

from leakdrill.cli.compare import comparison_reports
from leakdrill.cli.options import RunFolder  # noqa: TC001 - typer reads the annotations when it runs
from leakdrill.cli.output import complain, print_lines, unwritable
from leakdrill.cli.picture import pictures
from leakdrill.cli.record_options import KeyFile, Unsealed  # noqa: TC001 - typer reads the annotations when it runs
from leakdrill.files import make_parents, write_together
from leakdrill.judging.analyze import UNSEALED_NOTE, judge_run
from leakdrill.judging.compare.stored_run import read_stored_run, stored_run_of
from leakdrill.printable import printable_json
from leakdrill.record.signature import read_key
from leakdrill.record.store import open_run
from leakdrill.record.verdict import worst
from leakdrill.record.verdict_file import verdicts_as_json
from leakdrill.reports.junit import junit_xml
from leakdrill.reports.markdown import markdown
from leakdrill.reports.openmetrics import openmetrics
from leakdrill.reports.page.run_page import PAGE, run_page


def report(
    run_folder: RunFolder,
    out: Annotated[Path | None, typer.Option(help="Where to write the reports; default: the run folder.")] = None,
    unsealed: Unsealed = False,
    key: KeyFile = None,
    svg: Annotated[bool, typer.Option("--svg", help="Write the timeline as timeline.svg, too.")] = False,
    png: Annotated[bool, typer.Option("--png", help="Write it as timeline.png; needs leakdrill[png].")] = False,
    against: Annotated[
        Path | None, typer.Option(metavar="RUN", help="An earlier run of the scenario, to compare this one with.")
    ] = None,
) -> int:
    """Write an HTML page, JUnit XML, Markdown, JSON and OpenMetrics of a run; the exit code is the run's."""
    folder = open_run(run_folder)
    used_key = read_key(key) if key else None
    judged = judge_run(folder, unsealed=unsealed, key=used_key, unwritten=complain)
    verdicts = judged.verdicts
    name = folder.path.parent.name if judged.seal.is_sealed else f"{folder.path.parent.name} ({UNSEALED_NOTE})"
    target = out or folder.path
    reports: dict[str, str | bytes] = {
        PAGE: run_page(folder, verdicts, judged.seal, judged.history),
        "report.xml": junit_xml(verdicts, name=name),
        "report.md": markdown(verdicts, name=name),
        "report.json": printable_json(verdicts_as_json(verdicts, chain=judged.seal.head)),
        "metrics.txt": openmetrics(verdicts, name=name),
    }
    reports |= pictures(folder, judged, svg=svg, png=png)
    if against is not None:
        reports |= comparison_reports(
            read_stored_run(open_run(against), unsealed=unsealed, key=used_key), stored_run_of(folder, judged)
        )
    try:
        make_parents(target / "report")
        write_together(target, reports)
    except OSError as e:
        raise unwritable(e, f"{target}: reports") from e
    for file in reports:
        print_lines(str(target / file))
    return worst(verdicts).exit_code
