"""Actions of a step: one model for each thing that an operator does."""

from __future__ import annotations

import re
from signal import Signals
from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field, RootModel, field_validator, model_validator

from leakdrill import units
from leakdrill.scenario.quantities import Duration, Frozen, Share, Size


class HttpCall(Frozen):
    """One request to the target."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    path: str
    body: Any = Field(None, description="sent as JSON")
    expect_status: int = 200
    timeout: Duration = 10.0


class Restart(Frozen):
    """Stop the target and start it again, with the same limits."""


class CollectGarbage(Frozen):
    """Ask the service to run its garbage collector."""

    path: str = "/admin/gc"


class TruncateLog(Frozen):
    """Cut a file to nothing."""

    path: str = Field(description="{disk}/… or relative to it")


class RotateLog(Frozen):
    """Copy a log away, compressed, then truncate it; keep the newest `keep`."""

    path: str = Field(description="{disk}/… or relative to it")
    keep: int = Field(1, ge=0)
    compress: bool = True


PLACEHOLDERS: Final = ("python", "port", "disk", "scenario_dir", "pid")


_PLACEHOLDER: Final = re.compile(r"\{([a-z_]+)\}")


class Exec(Frozen):
    """Run a command as the operator would, beside the service."""

    command: list[str] = Field(
        min_length=1, description="argv; {python}, {port}, {disk}, {scenario_dir} and {pid} are filled in"
    )
    expect_exit: int = Field(0, ge=0, le=255)
    service: str | None = Field(None, description="another service of the compose file, such as nginx in front")

    @field_validator("command")
    @classmethod
    def _placeholders_are_known(cls, command: list[str]) -> list[str]:
        for name in _PLACEHOLDER.findall(" ".join(command)):
            if name not in PLACEHOLDERS:
                known = ", ".join(f"{{{known}}}" for known in PLACEHOLDERS)
                raise ValueError(f"{{{name}}} is not a placeholder; expected one of {known}")
        return command


Signal = Literal["TERM", "KILL", "INT", "HUP", "QUIT", "USR1", "USR2", "STOP", "CONT"]


class Kill(Frozen):
    """Send a signal to processes of the target."""

    match: str = Field(description="a regular expression, searched in the command line")
    signal: Signal = "KILL"
    which: Literal["heaviest", "oldest", "newest", "all"] = Field(
        "heaviest", description="of those that match; the heaviest has the most resident memory, or what `by` says"
    )
    by: Literal["memory", "gpu_memory"] = Field(
        "memory",
        description="what the heaviest has most of; gpu_memory: of the cards of target.gpu, as NVML says; nothing is "
        "done where a process that is not the target's holds more of them",
    )

    @model_validator(mode="after")
    def _a_card_knows_the_heaviest_only(self) -> Kill:
        if self.by == "gpu_memory" and self.which != "heaviest":
            raise ValueError(f"by: gpu_memory finds the heaviest; found which: {self.which}")
        return self

    @field_validator("match")
    @classmethod
    def _is_an_expression(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as e:
            raise ValueError(f"{units.quoted(value)} is not a regular expression: {e}") from e
        return value

    @property
    def number(self) -> Signals:
        """The signal itself."""
        return Signals[f"SIG{self.signal}"]


class SetLimits(Frozen):
    """Give the running target other limits."""

    memory: Size | None = None
    cpus: Annotated[float, Field(gt=0)] | None = None
    cpu_shares: int | None = Field(
        None, ge=2, le=262144, description="its weight where cores are contended; 1024 is usual; in containers alone"
    )
    cpu_set: str | None = Field(
        None,
        pattern=r"^\d+(-\d+)?(,\d+(-\d+)?)*$",
        description="the cores it may use, such as 0-1,3; likewise",
    )

    @property
    def shared(self) -> bool:
        """Whether it says something of cores that others use, too."""
        return self.cpu_shares is not None or self.cpu_set is not None

    @model_validator(mode="after")
    def _at_least_one(self) -> SetLimits:
        if self.memory is None and self.cpus is None and not self.shared:
            raise ValueError("expected memory, cpus, cpu_shares or cpu_set")
        return self


class Scale(Frozen):
    """Run so many replicas of the target."""

    replicas: int = Field(ge=1)


class Recreate(Frozen):
    """Put other containers in the target's place."""

    memory: Size | None = None
    cpus: Annotated[float, Field(gt=0)] | None = None


class Prune(Frozen):
    """Remove stopped containers, unused networks and volumes that carry the run's label."""


class Autoscale(Frozen):
    """Let the platform choose how many replicas run: a HorizontalPodAutoscaler."""

    min: int = Field(1, ge=1)
    max: int = Field(ge=1)
    cpu: Share | None = Field(None, description="of what each pod requests, on average")
    memory: Share | None = Field(None, description="likewise")

    @model_validator(mode="after")
    def _makes_sense(self) -> Autoscale:
        if self.cpu is None and self.memory is None:
            raise ValueError("expected cpu, memory or both")
        if self.max < self.min:
            raise ValueError(f"expected max to be at least min ({self.min}); found {self.max}")
        return self


class DeletePod(Frozen):
    """Delete pods of the target; the platform puts others in their place."""

    which: Literal["heaviest", "oldest", "newest", "all"] = Field(
        "oldest", description="the heaviest has the most anonymous memory"
    )


class SetEnv(RootModel[Annotated[dict[str, str], Field(min_length=1)]]):
    """Restart the target with these variables in its environment."""

    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True)


class DeleteFiles(Frozen):
    """Delete files on the target's disk."""

    path: str = Field(description="a pattern relative to the disk, such as tmp/*.part; ** goes into folders")
    older_than: Duration = Field(0.0, description="only those that were not written to for so long")


class CompressFiles(Frozen):
    """Compress files on the target's disk, each in its place."""

    path: str = Field(description="a pattern relative to the disk, such as *.log.*; what ends in .gz is left alone")
    older_than: Duration = Field(0.0, description="only those that were not written to for so long")


class CopyOut(Frozen):
    """Keep a file of the target, or an answer of it, in the run folder; fails when it is empty."""

    path: str | None = Field(None, description="relative to the disk")
    http: str | None = Field(None, description="a path that is asked with GET")

    @model_validator(mode="after")
    def _one_of(self) -> CopyOut:
        if (self.path is None) == (self.http is None):
            raise ValueError("expected exactly one of path and http")
        return self


Action = (
    HttpCall | Restart | CollectGarbage | TruncateLog | RotateLog
    | Exec | Kill | SetLimits | SetEnv | DeleteFiles | CompressFiles | CopyOut | Scale | Autoscale | DeletePod
    | Recreate | Prune
)  # fmt: skip


ACTIONS: Final = (
    "http",
    "restart",
    "gc",
    "truncate_log",
    "rotate_log",
    "exec",
    "kill",
    "set_limits",
    "set_env",
    "delete_files",
    "compress_files",
    "copy_out",
    "scale",
    "autoscale",
    "delete_pod",
    "recreate",
    "prune",
)


RESTARTS: Final = frozenset({"restart", "set_env"})
"""Actions after which the service has forgotten which leaks were on."""
