"""The target of a scenario: its command, limits and readiness, and how the same service runs elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field, model_validator

from leakdrill.scenario.compose import ComposeForm
from leakdrill.scenario.given_keys import equals, given, has
from leakdrill.scenario.gpu import Gpu
from leakdrill.scenario.kubernetes import KubernetesForm
from leakdrill.scenario.quantities import AnyNumber, Duration, Frozen, SeriesLabelMap, Size, WholeNumber


class Ready(Frozen):
    """The condition under which the target counts as started."""

    path: str = Field(
        "/health",
        pattern="^/",
        description="The path that answers 2xx once the service is ready.",
        examples=["/health"],
    )
    timeout: Duration = Field(30.0, description="How long the service may take to become ready.")


class Limits(Frozen):
    """Limits of the target: enforced where the machine allows it, else watched, and a notice says so."""

    memory: Size | None = Field(None, description="The memory limit; above it, the OOM killer acts.")
    cpus: Annotated[AnyNumber, Field(gt=0)] | None = Field(
        None, description="How many cores it may use.", examples=[0.5]
    )
    disk: Size | None = Field(None, description="The size of the filesystem at {disk}.")


class ContainerForm(Frozen):
    """The form of the service in a container; used with `--on docker`."""

    image: str = Field(
        description="The image; with `build`, the name that it is built under.", examples=["shop:latest"]
    )
    build: Path | None = Field(
        None, description="A folder with a Dockerfile, relative to the scenario file.", examples=["../shop"]
    )
    command: list[str] | None = Field(
        None,
        description="The arguments inside; {python}, {port} and {disk} are filled in. Left out: the image's own.",
        examples=[["python", "app.py", "{port}"]],
    )
    port: WholeNumber = Field(
        8000, ge=1, le=65535, description="The port that the service listens on inside; published on loopback only."
    )
    disk: str = Field("/data", pattern="^/", description="Where the disk is mounted inside.")
    publish: str = Field("127.0.0.1", description="The address of the engine's machine on which the port is published.")


class SeriesLabels(Frozen):
    """Labels of one family of published series each, over those that it has in kube-prometheus."""

    container: SeriesLabelMap = Field(
        default_factory=dict, description="On container_*.", examples=[{"namespace": "shop"}]
    )
    disk: SeriesLabelMap = Field(
        default_factory=dict, description="On node_filesystem_*.", examples=[{"mountpoint": "/data"}]
    )
    host: SeriesLabelMap = Field(
        default_factory=dict, description="On node_memory_*.", examples=[{"instance": "node-7"}]
    )
    process: SeriesLabelMap = Field(
        default_factory=dict, description="On process_*, of a service without metrics.", examples=[{"job": "shop"}]
    )
    card: SeriesLabelMap = Field(default_factory=dict, description="On gpu_memory_*.", examples=[{"Hostname": "gpu-1"}])


_SOMETHING_RUNS: Final[dict[str, Any]] = {
    "anyOf": [
        given("command"),
        has("compose"),
        {
            "allOf": [
                equals("kind", "docker", "kubernetes", "compose"),
                {"anyOf": [has("container"), has("kubernetes")]},
            ]
        },
    ]
}
"""What there must be to run, for the JSON Schema."""


class ProcessTarget(Frozen):
    """The service under drill: a command on this machine, or the same in a container or a cluster."""

    model_config = ConfigDict(json_schema_extra=_SOMETHING_RUNS)

    kind: Literal["process", "docker", "kubernetes", "compose"] = Field(
        "process", description="Where it runs; `leakdrill run --on` overrides it."
    )
    name: str = Field(
        min_length=1,
        description="The name of the service; the exporter publishes it as the label `container`.",
        examples=["shop"],
    )
    command: list[str] = Field(
        default_factory=list,
        description="The command and its arguments; {python}, {port}, {disk} and {scenario_dir} are filled in.",
        examples=[["{python}", "app.py", "--port", "{port}"]],
    )
    python: Path | None = Field(
        None,
        description="The interpreter, or its virtual environment, that {python} stands for. Left out: Leakdrill's own.",
        examples=[".venv"],
    )
    cwd: Path | None = Field(
        None,
        description="Where the command runs, relative to the scenario file. Left out: the scenario file's folder.",
        examples=["../shop"],
    )
    env: dict[str, str] = Field(
        default_factory=dict,
        description="Variables added to the environment; placeholders are filled in.",
        examples=[{"CACHE_ENTRIES": "100"}],
    )
    port: WholeNumber | None = Field(
        None, ge=1, le=65535, description="A fixed port. Left out: a free one.", examples=[8000]
    )
    ready: Ready = Ready()
    metrics: str | None = Field(
        None, pattern="^/", description="The path of the service's own Prometheus metrics.", examples=["/metrics"]
    )
    limits: Limits = Limits()
    gpu: Gpu | None = Field(None, description="The GPUs that it computes on. Left out: none is read.")
    labels: SeriesLabelMap = Field(
        default_factory=dict,
        description="Additional labels on the container's and the cards' series.",
        examples=[{"team": "search"}],
    )
    series_labels: SeriesLabels = SeriesLabels()
    container: ContainerForm | None = Field(
        None, description="How it runs in a container. Left out: it cannot run on Docker."
    )
    kubernetes: KubernetesForm | None = Field(
        None, description="How it runs in a cluster. Left out: as `container` says."
    )
    compose: ComposeForm | None = Field(None, description="A service of a compose file, instead of a command.")
    stop_timeout: Duration = Field(10.0, description="The time between SIGTERM and SIGKILL.")

    @property
    def platform(self) -> str:
        """The platform that it needs: `process`, which is always there, `docker` or `kubernetes`."""
        return "docker" if self.kind == "compose" else self.kind

    @model_validator(mode="before")
    @classmethod
    def _a_service_of_a_compose_file_runs_there(cls, data: Any) -> Any:
        return {"kind": "compose", **data} if isinstance(data, dict) and data.get("compose") else data

    @model_validator(mode="after")
    def _something_runs(self) -> ProcessTarget:
        elsewhere = self.kind != "process" and (self.container or self.kubernetes)
        if not self.command and self.compose is None and not elsewhere:
            raise ValueError("expected a command of at least one word, or compose")
        return self
