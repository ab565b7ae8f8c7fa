"""Actions of a step: one model for each thing that an operator does."""

from __future__ import annotations

import re
from signal import Signals
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import ConfigDict, Field, RootModel, WithJsonSchema, field_validator, model_validator

from leakdrill import units
from leakdrill.expression import check_expression
from leakdrill.scenario.given_keys import at_least_one, equals, exactly_one, where
from leakdrill.scenario.http_access import Headers
from leakdrill.scenario.quantities import AnyNumber, Duration, Frozen, Share, Size, WholeNumber, YesOrNo


class Action:
    """An operator's action: the class of every action, whose docstring is its description."""

    undo: ClassVar[str]
    """The way it is undone, or the reason why it need not or cannot be."""
    restarts: ClassVar[bool] = False
    """Whether the service has forgotten afterwards which leaks were on."""


class HttpCall(Action, Frozen):
    """Send one request to the target, with the run's token."""

    undo: ClassVar[str] = "With another step: only the service knows what the request changed."

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = Field("POST", description="The HTTP method.")
    path: str = Field(pattern="^/", description="The path, with its query.", examples=["/admin/flush"])
    body: Any = Field(None, description="The body of the request, sent as JSON.", examples=[{"cache": "all"}])
    headers: Headers = Field(
        default_factory=dict,
        description="Headers besides those of target.http, or instead; ${NAME} is a variable of the environment.",
        examples=[{"Authorization": "Bearer ${SHOP_ADMIN_TOKEN}"}],
    )
    expect_status: WholeNumber = Field(200, description="The status that the response must have.")
    timeout: Duration = Field(10.0, description="How long the response may take.")


class Restart(Action, Frozen):
    """Stop the target and start it again, with the same limits."""

    undo: ClassVar[str] = "Nothing to undo."
    restarts: ClassVar[bool] = True


class CollectGarbage(Action, Frozen):
    """Ask the service to run its garbage collector."""

    undo: ClassVar[str] = "Nothing to undo."

    path: str = Field("/admin/gc", pattern="^/", description="The path that collects garbage when it receives a POST.")


class TruncateLog(Action, Frozen):
    """Empty a file."""

    undo: ClassVar[str] = "It cannot be undone."

    path: str = Field(description="The file: {disk}/… or relative to the disk.", examples=["app.log"])


class RotateLog(Action, Frozen):
    """Archive a log beside itself, then empty it; the newest `keep` archives are kept."""

    undo: ClassVar[str] = "It cannot be undone, but the archive holds what was removed."

    path: str = Field(description="The log: {disk}/… or relative to the disk.", examples=["app.log"])
    keep: WholeNumber = Field(1, ge=0, description="How many archives are kept.")
    compress: YesOrNo = Field(default=True, description="Whether archives are compressed.")


PLACEHOLDERS: Final = ("python", "port", "disk", "scenario_dir", "pid")


_PLACEHOLDER: Final = re.compile(r"\{([a-z_]+)\}")


_KNOWN_PLACEHOLDERS: Final = WithJsonSchema(
    {"type": "string", "not": {"pattern": rf"\{{(?!({'|'.join(PLACEHOLDERS)})\}})[a-z_]+\}}"}}
)


class Exec(Action, Frozen):
    """Run a command as the operator would, beside the service."""

    undo: ClassVar[str] = "With another step; what the command left running is ended."

    command: list[Annotated[str, _KNOWN_PLACEHOLDERS]] = Field(
        min_length=1,
        description="The command and its arguments; {python}, {port}, {disk}, {scenario_dir} and {pid} are filled in.",
        examples=[["{python}", "-m", "shop.cleanup"]],
    )
    expect_exit: WholeNumber = Field(0, ge=0, le=255, description="The exit status that it must end with.")
    service: str | None = Field(
        None,
        description="Another service of the compose file to run it in, such as nginx in front.",
        examples=["nginx"],
    )

    @field_validator("command")
    @classmethod
    def _placeholders_are_known(cls, command: list[str]) -> list[str]:
        for name in _PLACEHOLDER.findall(" ".join(command)):
            if name not in PLACEHOLDERS:
                known = ", ".join(f"{{{known}}}" for known in PLACEHOLDERS)
                raise ValueError(f"{{{name}}} is not a placeholder; expected one of {known}")
        return command


class Command(Action, Frozen):
    """Run a line of shell in the target, as a runbook has it, and keep its output; any exit status will do."""

    undo: ClassVar[str] = "With another step; what the command left running is ended."

    shell: str = Field(
        min_length=1,
        description="The line. @{url}, @{prometheus}, @{pid}, @{port}, @{disk}, @{name} and @{token} are filled in, "
        "on this machine also @{container}, or @{pod}, @{namespace} and @{context}; all else stays as it is written.",
        examples=["curl -s @{url}/health"],
    )
    on_machine: YesOrNo = Field(
        default=False,
        description="Whether it runs on this machine instead: for programs that look at a container from outside.",
    )
    keeps: str | None = Field(
        None,
        pattern=r"^[A-Za-z_]\w*$",
        description="The variable that the line sets, for the lines after it; its value is what the line says.",
        examples=["BEFORE"],
    )


Signal = Literal["TERM", "KILL", "INT", "HUP", "QUIT", "USR1", "USR2", "STOP", "CONT"]


class Kill(Action, Frozen):
    """Send a signal to processes of the target."""

    model_config = ConfigDict(
        json_schema_extra=where(equals("by", "gpu_memory"), {"properties": {"which": {"const": "heaviest"}}})
    )

    undo: ClassVar[str] = "It cannot be undone."

    match: str = Field(
        description="A regular expression, without look-around, that is searched for in the command line.",
        examples=["worker"],
    )
    signal: Signal = Field("KILL", description="The signal.")
    which: Literal["heaviest", "oldest", "newest", "all"] = Field(
        "heaviest",
        description="Which of the processes that match; the heaviest has the most resident memory, or what `by` says.",
    )
    by: Literal["memory", "gpu_memory"] = Field(
        "memory",
        description="What makes a process the heaviest; gpu_memory: memory of the GPUs in target.gpu. "
        "If a process that is not the target's holds more, nothing is killed and the step fails.",
    )

    @model_validator(mode="after")
    def _gpu_needs_heaviest(self) -> Kill:
        if self.by == "gpu_memory" and self.which != "heaviest":
            raise ValueError(f"by: gpu_memory finds the heaviest; found which: {self.which}")
        return self

    @field_validator("match")
    @classmethod
    def _is_an_expression(cls, value: str) -> str:
        try:
            check_expression(value)
        except ValueError as e:
            raise ValueError(f"{units.quoted(value)} is not a regular expression: {e}") from e
        return value

    @property
    def number(self) -> Signals:
        """The signal itself."""
        return Signals[f"SIG{self.signal}"]


class SetLimits(Action, Frozen):
    """Change the limits of the running target."""

    model_config = ConfigDict(json_schema_extra=at_least_one(("memory", "cpus", "cpu_shares", "cpu_set")))

    undo: ClassVar[str] = "Nothing to undo: the limits end with the target."

    memory: Size | None = Field(None, description="The new memory limit.", examples=["512MiB"])
    cpus: Annotated[AnyNumber, Field(gt=0)] | None = Field(
        None, description="The new CPU limit, in cores.", examples=[2]
    )
    cpu_shares: WholeNumber | None = Field(
        None,
        ge=2,
        le=262144,
        description="The weight when cores are contended; 1024 is the usual one. In containers only.",
        examples=[512],
    )
    cpu_set: str | None = Field(
        None,
        pattern=r"^\d+(-\d+)?(,\d+(-\d+)?)*$",
        description="The cores that it may use. In containers only.",
        examples=["0-1,3"],
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


class Scale(Action, Frozen):
    """Change how many replicas of the target run."""

    undo: ClassVar[str] = "The target restores the number, or ends with its replicas."

    replicas: WholeNumber = Field(ge=1, description="How many replicas run afterwards.", examples=[3])


class Recreate(Action, Frozen):
    """Replace the target's containers with new ones."""

    undo: ClassVar[str] = "Nothing to undo: the containers end with the target."

    memory: Size | None = Field(None, description="The memory limit of the new containers.")
    cpus: Annotated[AnyNumber, Field(gt=0)] | None = Field(
        None, description="The CPU limit of the new containers, in cores.", examples=[1]
    )


class Prune(Action, Frozen):
    """Remove stopped containers, unused networks and volumes that carry the run's label."""

    undo: ClassVar[str] = "It cannot be undone."


class Autoscale(Action, Frozen):
    """Let the platform choose how many replicas run: a HorizontalPodAutoscaler."""

    model_config = ConfigDict(json_schema_extra=at_least_one(("cpu", "memory")))

    undo: ClassVar[str] = "The target removes the autoscaler, or it ends with the target."

    min: WholeNumber = Field(1, ge=1, description="The fewest replicas.")
    max: WholeNumber = Field(ge=1, description="The most replicas.", examples=[4])
    cpu: Share | None = Field(
        None, description="The CPU usage to aim for, as a share of each pod's request, on average.", examples=["70%"]
    )
    memory: Share | None = Field(
        None, description="The memory usage to aim for, as a share of each pod's request, on average.", examples=["80%"]
    )

    @model_validator(mode="after")
    def _makes_sense(self) -> Autoscale:
        if self.cpu is None and self.memory is None:
            raise ValueError("expected cpu, memory or both")
        if self.max < self.min:
            raise ValueError(f"expected max to be at least min ({self.min}); found {self.max}")
        return self


class DeletePod(Action, Frozen):
    """Delete pods of the target; the platform replaces them."""

    undo: ClassVar[str] = "It cannot be undone, but other pods replace them."

    which: Literal["heaviest", "oldest", "newest", "all"] = Field(
        "oldest", description="Which pods; the heaviest has the most anonymous memory."
    )


_TextOrNumber = Annotated[str, WithJsonSchema({"type": ["string", "number"]})]


class SetEnv(Action, RootModel[Annotated[dict[str, _TextOrNumber], Field(min_length=1)]]):
    """Restart the target with these variables in its environment."""

    undo: ClassVar[str] = "Nothing to undo: the variables end with the target."
    restarts: ClassVar[bool] = True

    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True)


class DeleteFiles(Action, Frozen):
    """Delete files on the target's disk."""

    undo: ClassVar[str] = "It cannot be undone."

    path: str = Field(description="A pattern relative to the disk; ** matches folders.", examples=["tmp/*.part"])
    older_than: Duration = Field(0.0, description="Only files that were not written to for this long.")


class CompressFiles(Action, Frozen):
    """Compress files on the target's disk, each where it is."""

    undo: ClassVar[str] = "It cannot be undone, but nothing is lost."

    path: str = Field(
        description="A pattern relative to the disk; what ends in .gz is left alone.", examples=["*.log.*"]
    )
    older_than: Duration = Field(0.0, description="Only files that were not written to for this long.")


class CopyOut(Action, Frozen):
    """Save a file of the target, or a response from it, in the run folder; an empty one fails the step."""

    model_config = ConfigDict(json_schema_extra=exactly_one(("path", "http")))

    undo: ClassVar[str] = "Nothing to undo: it only reads."

    path: str | None = Field(None, description="A file, relative to the disk.", examples=["profile.bin"])
    http: str | None = Field(
        None, pattern="^/", description="A path that is requested with GET.", examples=["/debug/pprof/heap"]
    )

    @model_validator(mode="after")
    def _one_of(self) -> CopyOut:
        if (self.path is None) == (self.http is None):
            raise ValueError("expected exactly one of path and http")
        return self
