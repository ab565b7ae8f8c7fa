"""`leakdrill runbook documents`: messages, root-cause analysis and time to resolve, filled from stored runs."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path  # noqa: TC003 - typer reads the annotations when it runs
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leakdrill.cli.option_value import option_value
from leakdrill.cli.options import AsJson  # noqa: TC001 - typer reads the annotations when it runs
from leakdrill.cli.output import complain, print_json, print_lines, unwritable
from leakdrill.cli.record_options import KeyFile, Unsealed  # noqa: TC001 - typer reads the annotations when it runs
from leakdrill.errors import BadInput
from leakdrill.files import make_parents, write_together
from leakdrill.judging.analyze import judge_run
from leakdrill.judging.incidents.incident import incident
from leakdrill.judging.incidents.recorded import RecordedRun
from leakdrill.judging.incidents.resolution_times import resolution_times
from leakdrill.judging.watch.run_files import is_watch
from leakdrill.machine.limited_child import ChildLost, in_limited_child
from leakdrill.printable import printable_json
from leakdrill.record.signature import read_key
from leakdrill.record.store import open_run, read_run_info
from leakdrill.reports.documents import OURS, DocumentTemplates, Lost
from leakdrill.units import parse_duration

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakdrill.judging.incidents.incident import Incident
    from leakdrill.record.signature import Key
    from leakdrill.record.store import RunFolder
    from leakdrill.reports.documents import Document


def runbook_documents(
    runs: Annotated[
        list[Path] | None, typer.Argument(metavar="RUN...", help="Run folders of drills or rehearsals.")
    ] = None,
    templates: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Your own templates; ours are used for what has none there.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where to write the documents; default: they are printed.")
    ] = None,
    update_every: Annotated[
        str | None, typer.Option(metavar="DURATION", help="How often a channel is told how things stand, such as 5m.")
    ] = None,
    write_templates: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write our templates there, to begin with, and end.")
    ] = None,
    as_json: AsJson = False,
    unsealed: Unsealed = False,
    key: KeyFile = None,
) -> int:
    """Fill messages, a root-cause analysis and the average time to resolve from the records of runs."""
    if write_templates is not None:
        _write_ours(write_templates)
    elif not runs:
        raise BadInput("no RUN is given; expected run folders, such as runs/NAME/latest")
    if not runs:
        return 0
    every_s = None if update_every is None else option_value("--update-every", update_every, parse_duration)
    prepared, signed_with = DocumentTemplates(templates, place=_apart), read_key(key) if key else None
    folders = {folder.path: folder for folder in map(open_run, runs)}.values()
    incidents = [_incident(folder, every_s, unsealed=unsealed, key=signed_with) for folder in folders]
    times = resolution_times(incidents)
    documents = prepared.documents(incidents, times)
    if as_json:
        content = {
            "runs": [one.as_dict() for one in incidents],
            "time_to_resolve": [one.as_dict() for one in times],
            "documents": [_as_data(one) for one in documents],
        }
        print_json(printable_json(json.dumps(content, indent=2) + "\n"))
    if out is not None:
        _write(out, documents, quiet=as_json)
    elif not as_json:
        _print(documents)
    return 0


def _apart(fill: Callable[[], str]) -> str:
    """What `fill` returns, in a process of its own: templates come from anywhere."""
    try:
        return in_limited_child(fill)
    except ChildLost as e:
        raise Lost(str(e)) from e


def _incident(folder: RunFolder, every_s: float | None, *, unsealed: bool, key: Key | None) -> Incident:
    if is_watch(folder) or (info := read_run_info(folder)).kind != "drill":
        raise BadInput(f"{folder.path}: is no drill; expected the record of a drill or a rehearsal")
    judged = judge_run(folder, unsealed=unsealed, key=key, unwritten=complain)
    if judged.history is None:
        raise BadInput(
            f"{judged.seal.fault}; no documents are filled from a record that is not as the run wrote it",
            hint=judged.seal.hint,
        )
    return incident(RecordedRun(info, judged.history, judged.verdicts), update_every_s=every_s)


def _as_data(document: Document) -> dict[str, Any]:
    return {
        "name": document.name,
        "run": document.run_id or None,
        "text": document.text if not document.left_out else None,
        "left_out": document.left_out or None,
    }


def _print(documents: list[Document]) -> None:
    for one in documents:
        of = f" of {one.run_id}" if one.run_id else ""
        print_lines(f"--- {one.name}{of}{f': not made: {one.left_out}' if one.left_out else ''}")
        if not one.left_out:
            print_lines(one.text)


def _write(out: Path, documents: list[Document], *, quiet: bool) -> None:
    """Writes the documents of each run together, below `out`, and says where each is."""
    folders: dict[Path, dict[str, str | bytes]] = {}
    for one in documents:
        if not one.left_out:
            folders.setdefault(out / one.run_id if one.run_id else out, {})[one.name] = one.text
    try:
        make_parents(out / "document")
        for folder_path, contents in folders.items():
            _demand_no_link(folder_path, out)
            make_parents(folder_path / "document")
            write_together(folder_path, contents)
    except OSError as e:
        raise unwritable(e, f"{out}: documents") from e
    for one in documents if not quiet else []:
        folder_path = out / one.run_id if one.run_id else out
        print_lines(f"{folder_path / one.name}{f': not made: {one.left_out}' if one.left_out else ''}")


def _demand_no_link(folder: Path, out: Path) -> None:
    """The folder of a run is called as the record says: it leads nowhere else."""
    if folder != out and folder.is_symlink():
        raise OSError(errno.ELOOP, f"{folder.name} is a symbolic link, which is not followed", str(folder))


def _write_ours(folder: Path) -> None:
    ours = {path.name: path.read_text(encoding="utf-8") for path in sorted(OURS.iterdir())}
    try:
        make_parents(folder / "template")
        for name in ours:
            if os.path.lexists(folder / name):
                raise BadInput(f"{folder / name}: is there already; nothing is written over it")
        write_together(folder, ours)
    except OSError as e:
        raise unwritable(e, f"{folder}: templates") from e
    for name in ours:
        print_lines(str(folder / name))
