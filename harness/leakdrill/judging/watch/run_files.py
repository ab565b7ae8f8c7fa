"""The files of a watched run: `run.json`, its verdicts, and how often the same command succeeded so far."""

from __future__ import annotations

import hashlib
import platform
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

import orjson
from pydantic import BaseModel, ConfigDict

from leakdrill import __version__
from leakdrill.errors import BadInput
from leakdrill.files import read_below, write_below
from leakdrill.judging.watch.naming import program_name
from leakdrill.judging.watch.plan import WatchPlan
from leakdrill.masking import masked_json
from leakdrill.record.history import SCHEMA_VERSION
from leakdrill.record.run_identity import RunId, WallClock, read_run_json
from leakdrill.record.seal import check_seal
from leakdrill.record.signature import users_key
from leakdrill.record.store import RunFolder
from leakdrill.record.verdict import Outcome
from leakdrill.record.verdict_file import read_verdicts
from leakdrill.record.writing import writing

if TYPE_CHECKING:
    from pathlib import Path


class WatchInfo(BaseModel):
    """The content of a watched run's `run.json`."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["watch"] = "watch"
    schema_version: int = SCHEMA_VERSION
    leakdrill: str = __version__
    run_id: RunId
    started: WallClock
    watch: WatchPlan
    versions: dict[str, str]


def run_name(command: tuple[str, ...]) -> str:
    """The folder of a command's runs: its program, and what distinguishes it from the program's other commands."""
    program = re.sub(r"[^a-z0-9]+", "-", program_name(command).lower()).strip("-")[:40]
    digest = hashlib.sha256("\0".join(command).encode(errors="surrogateescape")).hexdigest()[:8]
    return f"watch-{program}-{digest}"


def write_watch_info(folder: RunFolder, plan: WatchPlan) -> WatchInfo:
    """Write `run.json`."""
    info = WatchInfo(
        run_id=folder.run_id,
        started=datetime.now(UTC),
        watch=plan,
        versions={"python": platform.python_version(), "kernel": platform.release()},
    )
    with writing(folder.run_json):
        write_below(folder.path, folder.run_json.name, masked_json(info.model_dump(mode="json")))
    return info


def is_watch(folder: RunFolder) -> bool:
    """Whether `folder` holds a watched run; False when its `run.json` cannot be read as JSON."""
    try:
        content = orjson.loads(read_below(folder.path, folder.run_json.name))
    except (OSError, orjson.JSONDecodeError):
        return False
    return isinstance(content, dict) and content.get("kind") == "watch"


def read_watch_info(folder: RunFolder) -> WatchInfo:
    """Read `run.json`.

    Raises:
        BadInput: when it is missing, or of no watched run.
    """
    return read_run_json(folder.run_json, WatchInfo)


def success_line(runs_of_command: Path) -> str:
    """The share of the runs in that folder that failed no claim, and those that needed a retry.

    What was stopped does not count, nor does a run whose record is unsealed, or not as the run wrote it.
    """
    passed = retried = total = 0
    for path in sorted(runs_of_command.glob("*/verdicts.json")):
        if path.parent.is_symlink():
            continue
        result = _outcome(path)
        if result is None:
            continue
        total += 1
        passed += result[0]
        retried += result[0] and result[1]
    again = f"; {retried} of them after a retry" if retried else ""
    if not total:
        return "no recorded runs"
    return f"{passed} of {total} recorded runs of this command failed no claim ({passed / total:.0%}){again}"


def _outcome(path: Path) -> tuple[bool, bool] | None:
    """Whether the run kept to its claims, and whether after a retry; None when nobody can say."""
    try:
        if check_seal(RunFolder(path.parent), key=users_key()).fault:
            return None
        content = read_verdicts(path)
    except BadInput:
        return None
    ended = next((v for v in content.verdicts if v.check == "command_succeeds"), None)
    if ended is None or ended.outcome is Outcome.UNKNOWN:
        return None
    return content.outcome is not Outcome.FAIL, (ended.numbers.get("attempts") or 0) not in (0, 1)
