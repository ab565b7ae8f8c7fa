"""`leakdrill verify`: whether a stored run's record is as the run wrote it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from leakdrill.cli.options import AsJson, RunFolder  # noqa: TC001 - typer reads the annotations when it runs
from leakdrill.cli.output import print_json, print_lines
from leakdrill.cli.record_options import KeyFile  # noqa: TC001 - typer reads the annotations when it runs
from leakdrill.judging.analyze import verify_run
from leakdrill.record.signature import read_key
from leakdrill.record.store import open_run
from leakdrill.record.verdict import Outcome

if TYPE_CHECKING:
    from leakdrill.record.seal import Seal


def verify(run_folder: RunFolder, as_json: AsJson = False, key: KeyFile = None) -> int:
    """Say whether the record of a stored run is as the run wrote it. Exits 0 if it is, 2 if not, 3 if there is none."""
    folder = open_run(run_folder)
    seal = verify_run(folder, key=read_key(key) if key else None)
    outcome = Outcome.UNKNOWN if seal.fault else Outcome.PASS
    if as_json:
        content = {
            "run": str(folder.path),
            "intact": not seal.fault,
            "exit_code": outcome.exit_code,
            "sealed": seal.is_sealed,
            "lines": seal.lines,
            "chain": seal.head,
            "signed_with": seal.signed_with,
            "signature_checked": seal.signature_checked,
            "fault": seal.fault,
            "hint": seal.hint,
        }
        print_json(json.dumps(content, indent=2) + "\n")
    else:
        print_lines("\n".join([f"record     {folder.path}", *_lines(seal, judged=folder.verdicts.exists())]))
    return outcome.exit_code


def _lines(seal: Seal, *, judged: bool) -> list[str]:
    """What was checked, one a line."""
    lines = [f"history    {seal.lines:,} lines; chain {seal.head or 'none'}"]
    if seal.fault:
        return [*lines, f"UNKNOWN: {seal.fault} (exit 2)", f"Hint: {seal.hint}"]
    return [
        *lines,
        "run.json   as it was when the run began",
        f"verdicts   {'follow from the record' if judged else 'none yet'}",
        f"signature  {_signature(seal)}",
        "PASS: the record is as the run wrote it (exit 0)",
    ]


def _signature(seal: Seal) -> str:
    if not seal.signed_with:
        return "none; whoever can write to the folder could have made all of it anew"
    return f"of key {seal.signed_with}" + ("" if seal.signature_checked else ", not checked: no --key was given")
