"""The run folder: `runs/<scenario>/<UTC start>/`, and what lies where in it."""

from __future__ import annotations

import hashlib
import os
import platform
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from leakdrill import __version__
from leakdrill.errors import BadInput
from leakdrill.files import is_file, real_path, write_below
from leakdrill.masking import masked_json
from leakdrill.record.history import SCHEMA_VERSION
from leakdrill.record.journal_header import JOURNAL_FILE
from leakdrill.record.run_identity import RunId, WallClock, read_run_json
from leakdrill.record.writing import DISK_IS_LOST, unwritable, writing
from leakdrill.scenario.rehearsal import Rehearsal
from leakdrill.scenario.scenario import Scenario

if TYPE_CHECKING:
    from pathlib import Path

_PACKAGES: Final = ("locust", "numpy", "scipy", "prometheus-client", "promql-parser", "psutil")
_OTHER: Final = "name another with --runs"


@dataclass(frozen=True, slots=True)
class RunFolder:
    """One run's files."""

    path: Path

    @property
    def run_json(self) -> Path:
        """The file that says which scenario ran, with which versions, on which machine; written at the start."""
        return self.path / "run.json"

    @property
    def history(self) -> Path:
        """The events, written as they happen."""
        return self.path / "history.jsonl"

    @property
    def verdicts(self) -> Path:
        """The file with the verdicts; written at the end and by `leakdrill analyze`."""
        return self.path / "verdicts.json"

    @property
    def journal(self) -> Path:
        """The file that lists everything that must be undone."""
        return self.path / JOURNAL_FILE

    @property
    def run_id(self) -> str:
        """The id that everything the run creates is labelled with: scenario, start, and where its record lies.

        Two drills of one scenario may start in the same second, each with a `--runs` of its own. In a cluster it is
        part of names that know neither dots nor capitals; where the scenario's name has such, it is told by the digest.
        """
        words = re.sub(r"[^a-z0-9]+", "-", self.path.parent.name.lower())
        unlike = words != self.path.parent.name
        place = bytes(self.path.parent if unlike else self.path.parent.parent)
        return f"{words}-{self.path.name}-{hashlib.blake2b(place, digest_size=3).hexdigest()}".lower()


class RunInfo(BaseModel):
    """The content of `run.json`."""

    model_config = ConfigDict(frozen=True)

    schema_version: int = SCHEMA_VERSION
    leakdrill: str = __version__
    kind: Literal["drill", "gate"] = "drill"
    run_id: RunId
    started: WallClock
    scenario_file: str
    scenario: Scenario
    versions: dict[str, str]
    machine: dict[str, str | Annotated[int, Field(ge=0, lt=1 << 63)]]
    rehearsal: Rehearsal | None = None


def create_run(root: Path, scenario_name: str) -> RunFolder:
    """A new folder for a run that starts now, with `latest` beside it pointing there.

    Raises:
        BadInput: when the folder cannot be made.
        EnvironmentProblem: when that is because the disk is full or gone.
    """
    parent = real_path(root) / scenario_name.replace("/", "-")
    if not _is_utf8(str(parent)):
        raise BadInput(f"{parent}: its name is not valid UTF-8, in which a run writes down what it makes", hint=_OTHER)
    start = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    try:
        if parent.is_symlink():
            raise BadInput(f"{parent}: is a symbolic link, behind which `leakdrill clean` finds no run", hint=_OTHER)
        path = _make_unique(parent, start)
        _point_latest(parent / "latest", path.name)
    except OSError as e:
        if e.errno in DISK_IS_LOST:
            raise unwritable(parent, e) from e
        raise BadInput(f"{parent}: cannot make the run folder: {e.strerror}", hint=_OTHER) from e
    return RunFolder(path)


def _is_utf8(text: str) -> bool:
    """Returns whether a path, or another text of the system, is valid UTF-8."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _make_unique(parent: Path, start: str) -> Path:
    parent.mkdir(parents=True, exist_ok=True)
    for suffix in ("", *(f"-{n}" for n in range(2, 100))):
        try:
            (path := parent / f"{start}{suffix}").mkdir()
        except FileExistsError:
            continue
        return path
    raise FileExistsError(17, "a hundred runs started within this second")


def _point_latest(link: Path, name: str) -> None:
    fresh = link.with_name(f".latest-{os.getpid()}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(name)
    fresh.replace(link)


def open_run(path: Path) -> RunFolder:
    """The run at `path`: a run folder, its `latest`, or the scenario's folder above it.

    Raises:
        BadInput: when there is no run.
    """
    for candidate in (path, path / "latest"):
        if is_file(candidate / "history.jsonl"):
            return RunFolder(candidate.resolve())
    raise BadInput(
        f"{path}: is not a run folder: it has no history.jsonl",
        hint="a run is in runs/SCENARIO/START; try runs/SCENARIO/latest",
    )


def write_run_info(
    folder: RunFolder,
    scenario: Scenario,
    scenario_file: Path,
    versions: dict[str, str],
    *,
    kind: Literal["drill", "gate"] = "drill",
    rehearsal: Rehearsal | None = None,
) -> RunInfo:
    """Write `run.json`.

    Raises:
        EnvironmentProblem: when it cannot be written.
    """
    info = RunInfo(
        kind=kind,
        run_id=folder.run_id,
        started=datetime.now(UTC),
        scenario_file=str(scenario_file),
        scenario=scenario,
        versions={"python": platform.python_version(), **_package_versions(), **versions},
        machine=_machine(),
        rehearsal=rehearsal,
    )
    with writing(folder.run_json):
        write_below(folder.path, folder.run_json.name, masked_json(info.model_dump(mode="json")))
    return info


def read_run_info(folder: RunFolder) -> RunInfo:
    """Read `run.json`.

    Raises:
        BadInput: when it is missing or of another schema.
    """
    return read_run_json(folder.run_json, RunInfo)


def _package_versions() -> dict[str, str]:
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


def _machine() -> dict[str, str | int]:
    return {
        "system": platform.system(),
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "cpus": os.cpu_count() or 0,
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "libc": " ".join(platform.libc_ver()),
    }
