"""`leakdrill comment`: one comment about a run on its pull request or merge request, edited and never added to."""

from __future__ import annotations

import os
import re
from pathlib import Path  # noqa: TC003 - typer reads the annotation when it runs
from typing import TYPE_CHECKING, Annotated, Final

import typer

from leakdrill.cli.options import RunFolder  # noqa: TC001 - typer reads the annotations when it runs
from leakdrill.cli.output import complain, print_lines
from leakdrill.code_hosts.comment import keep_comment, marker
from leakdrill.code_hosts.github import github_pull_request, job_address
from leakdrill.code_hosts.gitlab import gitlab_merge_request
from leakdrill.judging.analyze import judge_run
from leakdrill.judging.compare.comparison import compare
from leakdrill.judging.compare.stored_run import read_stored_run, stored_run_of
from leakdrill.record.store import open_run
from leakdrill.reports.comparison import comparison_markdown
from leakdrill.reports.markdown import fitting_markdown, markdown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakdrill.code_hosts.comment import CommentHost
    from leakdrill.record.verdict import Verdict

_ADDRESS: Final = re.compile(r"https?://[\w./:-]+", re.ASCII)
_NO_PULL_REQUEST: Final = "this job is about no pull request or merge request: nothing to comment on"


def comment(
    run_folder: RunFolder,
    against: Annotated[
        Path | None, typer.Option(metavar="RUN", help="An earlier run of the scenario, to compare this one with.")
    ] = None,
    number: Annotated[
        int | None, typer.Option(min=1, help="The pull request or merge request; default: the one of this job.")
    ] = None,
) -> int:
    """Keep one comment about a run up to date on the pull request of a GitHub or GitLab job."""
    host = _host(number)
    if host is None:
        print_lines(_NO_PULL_REQUEST)
        return 0
    folder = open_run(run_folder)
    judged = judge_run(folder, unwritten=complain)
    name = folder.path.parent.name
    compared = ""
    if against is not None:
        compared = comparison_markdown(compare(read_stored_run(open_run(against)), stored_run_of(folder, judged)))
    room = host.most_bytes - len(marker(name)) - 1
    kept = keep_comment(host, name, _body(judged.verdicts, name, compared, room))
    print_lines(f"comment: {kept.done} {kept.address}".rstrip())
    return 0


def _body(verdicts: Sequence[Verdict], name: str, compared: str, room_bytes: int) -> str:
    """The report, the comparison where there is room for both, and where the job is."""
    address = job_address(os.environ) or os.environ.get("CI_JOB_URL", "")
    foot = f"\n[The job]({address}) keeps the page of this run.\n" if _ADDRESS.fullmatch(address) else ""
    room_bytes -= len(foot.encode())
    both = f"{markdown(verdicts, name=name)}\n{compared}"
    if len(both.encode()) < room_bytes:
        return both + foot
    return fitting_markdown(verdicts, name=name, room_bytes=room_bytes) + foot


def _host(number: int | None) -> CommentHost | None:
    if os.environ.get("GITHUB_ACTIONS") == "true":
        return github_pull_request(os.environ, number=number)
    return gitlab_merge_request(os.environ, number=number)
