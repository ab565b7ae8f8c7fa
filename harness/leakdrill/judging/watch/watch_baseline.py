"""The memory that accepted runs of a command used: a file that people review, and what may be compared with it.

Several runs are kept instead of one number, because a build's peak varies by itself: the parallel jobs meet differently
each time. A run is judged against the highest of them.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated, Final, Self

from pydantic import Field, field_validator, model_validator

from leakdrill.errors import BadInput
from leakdrill.files import make_parents, write_named
from leakdrill.json_file import read_json
from leakdrill.masking import masked_tree
from leakdrill.scenario.quantities import Frozen

if TYPE_CHECKING:
    from pathlib import Path

KEPT_RUNS: Final = 10
"""The newest accepted runs that the file keeps."""

_BASELINE_VERSION: Final = 1
_SAME_MEMORY: Final = 1.10  # two machines of one class rarely report the same number of bytes


Bytes = Annotated[int, Field(ge=0, lt=1 << 63, strict=True)]


class MachineClass(Frozen):
    """A machine as a build's memory depends on it: parallel jobs follow the CPUs, caches and heaps the memory."""

    system: str
    architecture: str
    cpus: Annotated[int, Field(gt=0, lt=1 << 31, strict=True)]
    memory_bytes: Annotated[Bytes, Field(gt=0)]

    def difference(self, other: MachineClass) -> str:
        """The difference of `other` from this class; empty when there is none."""
        for field in ("system", "architecture", "cpus"):
            if getattr(self, field) != getattr(other, field):
                return f"{field} {getattr(self, field)}, and this run has {getattr(other, field)}"
        low, high = sorted((self.memory_bytes, other.memory_bytes))
        if high > low * _SAME_MEMORY:
            return (
                f"{self.memory_bytes / 2**30:.1f} GiB of memory, and this run has {other.memory_bytes / 2**30:.1f} GiB"
            )
        return ""


class BaselineRun(Frozen):
    """One accepted run.

    Attributes:
        started: UTC.
        mode: the memory mode it ran in; empty without modes.
        peak_bytes: most that the process tree used at once, shared pages counted once; by the kernel between readings.
        area_byte_s: memory times time.
        duration_s: wall time.
        programs: bytes of the peak by program, the largest first.
    """

    started: str
    mode: str = ""
    peak_bytes: Annotated[Bytes, Field(gt=0)]
    area_byte_s: Annotated[float, Field(ge=0, lt=1e30)]
    duration_s: Annotated[float, Field(ge=0, lt=1e12)]
    programs: dict[str, Bytes] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _programs_fit(self) -> Self:
        held = sum(self.programs.values())
        if held > self.peak_bytes + len(self.programs):  # each is rounded
            raise ValueError(f"programs hold {held} bytes of a peak of {self.peak_bytes}")
        return self


class Baseline(Frozen):
    """The content of a baseline file: one command on one class of machine."""

    schema_version: Annotated[int, Field(strict=True)] = _BASELINE_VERSION
    command: tuple[str, ...]
    machine: MachineClass
    runs: Annotated[tuple[BaselineRun, ...], Field(min_length=1)]

    @field_validator("schema_version")
    @classmethod
    def _is_known(cls, version: int) -> int:
        if version != _BASELINE_VERSION:
            raise ValueError(f"is {str(version)[:20]}; this version reads {_BASELINE_VERSION}")
        return version

    def is_of(self, command: tuple[str, ...]) -> bool:
        """Whether it holds runs of `command`, whatever its passwords are."""
        return _without_secrets(self.command) == _without_secrets(command)

    @property
    def low_bytes(self) -> int:
        """The lowest recorded peak."""
        return min(run.peak_bytes for run in self.runs)

    @property
    def high_bytes(self) -> int:
        """The highest recorded peak."""
        return max(run.peak_bytes for run in self.runs)

    def in_mode(self, mode: str) -> Baseline | None:
        """The baseline with only the runs in `mode`; None when there is none."""
        runs = tuple(run for run in self.runs if run.mode == mode)
        return self.model_copy(update={"runs": runs}) if runs else None

    def usual(self, program: str) -> int:
        """The most that `program` held of a recorded peak."""
        return max(run.programs.get(program, 0) for run in self.runs)


def incomparable_reason(baseline: Baseline, command: tuple[str, ...], machine: MachineClass) -> str:
    """The reason why a run of `command` on `machine` cannot be compared with `baseline`; empty when it can."""
    if not baseline.is_of(command):
        return f"it is of another command: {shlex.join(_without_secrets(baseline.command))}"
    difference = baseline.machine.difference(machine)
    return f"it is of another class of machine: {difference}" if difference else ""


def accept(
    old: Baseline | None, run: BaselineRun, *, command: tuple[str, ...], machine: MachineClass, tolerance: float
) -> tuple[Baseline, str]:
    """The baseline with `run` in it, and why the earlier runs were dropped, if they were.

    They are dropped when they are not comparable, and when `run` is further than `tolerance` from all in its mode: a
    level that was accepted as the new one must not leave a range behind in which both fit.
    """
    shown = _without_secrets(command)
    fresh = Baseline(command=shown, machine=machine, runs=(run,))
    if old is None:
        return fresh, ""
    reason = incomparable_reason(old, command, machine)
    if reason:
        return fresh, reason
    same = old.in_mode(run.mode)
    if same and not same.low_bytes * (1 - tolerance) <= run.peak_bytes <= same.high_bytes * (1 + tolerance):
        others = tuple(r for r in old.runs if r.mode != run.mode)
        return old.model_copy(update={"command": shown, "runs": (*others, run)}), "its peak lies outside of their range"
    return old.model_copy(update={"command": shown, "runs": (*old.runs, run)[-KEPT_RUNS:]}), ""


def _without_secrets(command: tuple[str, ...]) -> tuple[str, ...]:
    """The command as it may stand in a repository."""
    return tuple(masked_tree(list(command)))


def read_baseline(path: Path) -> Baseline:
    """The baseline in `path`.

    Raises:
        BadInput: when it is not there, or is no baseline file.
    """
    return read_json(
        path, Baseline, expected="a file that --baseline FILE --update wrote", hint="--update writes --baseline"
    )


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Write `baseline`, whole or not at all, laid out so that a diff shows one fact a line.

    Raises:
        BadInput: when the place cannot be written.
    """
    try:
        make_parents(path)
        write_named(path, baseline.model_dump_json(indent=2) + "\n")
    except OSError as e:
        raise BadInput(f"--baseline {path}: cannot be written: {e.strerror}") from e
