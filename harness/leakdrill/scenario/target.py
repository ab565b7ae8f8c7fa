"""The target of a scenario: its command, limits and readiness, and how the same service runs elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from leakdrill.scenario.compose import ComposeForm
from leakdrill.scenario.gpu import Gpu
from leakdrill.scenario.kubernetes import KubernetesForm
from leakdrill.scenario.quantities import Duration, Frozen, Size


class Ready(Frozen):
    """When the target counts as started."""

    path: str = Field("/health", description="answers 2xx when the service is ready")
    timeout: Duration = Field(30.0, description="how long it may take")


class Limits(Frozen):
    """What the target may use. Enforced where the machine allows; watched, and said so, where not."""

    memory: Size | None = Field(None, description="the OOM killer acts above this")
    cpus: Annotated[float, Field(gt=0)] | None = Field(None, description="cores, such as 0.5")
    disk: Size | None = Field(None, description="size of the filesystem at {disk}")


class ContainerForm(Frozen):
    """How the same service runs in a container; used with `--on docker`."""

    image: str = Field(description="its name; built under this name where `build` is given")
    build: Path | None = Field(None, description="a folder with a Dockerfile; relative to the scenario file")
    command: list[str] | None = Field(
        None, description="argv inside; {python}, {port} and {disk} are filled in; the image's own when left out"
    )
    port: int = Field(8000, ge=1, le=65535, description="where it listens inside; published on loopback only")
    disk: str = Field("/data", pattern="^/", description="where the disk is mounted inside")
    publish: str = Field("127.0.0.1", description="the address of the engine's machine that the port is published on")


class ProcessTarget(Frozen):
    """A command on this machine."""

    kind: Literal["process", "docker", "kubernetes", "compose"] = Field(
        "process", description="where it runs; `leakdrill run --on` says otherwise"
    )
    name: str = Field(description="published as the label `container`")
    command: list[str] = Field(
        default_factory=list,
        description="argv; {python}, {port}, {disk} and {scenario_dir} are filled in",
    )
    python: Path | None = Field(
        None,
        description="the interpreter, or its virtual environment, that {python} means; Leakdrill's own if left out",
    )
    cwd: Path | None = Field(None, description="working folder; relative to the scenario file")
    env: dict[str, str] = Field(default_factory=dict, description="added to the environment; the same placeholders")
    port: int | None = Field(None, ge=1, le=65535, description="a fixed port; a free one when left out")
    ready: Ready = Ready()
    metrics: str | None = Field(None, description="path of the service's own Prometheus metrics, such as /metrics")
    limits: Limits = Limits()
    gpu: Gpu | None = Field(None, description="the cards it computes on; left out: none is read")
    labels: dict[str, str] = Field(default_factory=dict, description="more labels on the published series")
    container: ContainerForm | None = Field(None, description="left out: it cannot run on Docker")
    kubernetes: KubernetesForm | None = Field(None, description="left out: what `container` says is run in a cluster")
    compose: ComposeForm | None = Field(None, description="a service of a compose file, instead of a command")
    stop_timeout: Duration = Field(10.0, description="between SIGTERM and SIGKILL")

    @property
    def platform(self) -> str:
        """What must be there for it to run: `process`, which is always there, `docker` or `kubernetes`."""
        return "docker" if self.kind == "compose" else self.kind

    @model_validator(mode="before")
    @classmethod
    def _a_service_of_a_compose_file_runs_there(cls, data: Any) -> Any:
        return {"kind": "compose", **data} if isinstance(data, dict) and data.get("compose") else data

    @model_validator(mode="after")
    def _something_runs(self) -> ProcessTarget:
        if not self.command and self.compose is None:
            raise ValueError("expected a command of at least one word, or compose")
        return self
