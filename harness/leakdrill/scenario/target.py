"""The target of a scenario: its command, limits and readiness, and how the same service runs elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from leakdrill.scenario.compose import ComposeForm
from leakdrill.scenario.existing import ExistingService
from leakdrill.scenario.given_keys import equals, given, has
from leakdrill.scenario.gpu import Gpu
from leakdrill.scenario.http_access import HttpAccess
from leakdrill.scenario.kubernetes import KubernetesForm
from leakdrill.scenario.quantities import (
    AlsoAsText,
    AnyNumber,
    Duration,
    Frozen,
    SeriesLabelMap,
    Size,
    WholeNumber,
)


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


_ONLY_OF_AN_IMAGE: Final = ("image", "build", "command", "publish")


class ContainerForm(Frozen):
    """The form of the service in a container, made from an image or running already; used with `--on docker`."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["image"]}, {"required": ["existing"]}]})

    image: str = Field(
        "", description="The image; with `build`, the name that it is built under.", examples=["shop:latest"]
    )
    existing: str | None = Field(
        None,
        min_length=1,
        description="The name or id of a container that runs already, instead of an image: measured, and left alone.",
        examples=["shop-web-1"],
    )
    engine: str | None = Field(
        None,
        min_length=1,
        description="The engine on which the existing container runs. Left out: DOCKER_HOST, or the default one.",
        examples=["unix:///run/user/1000/docker.sock"],
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
        8000,
        ge=1,
        le=65535,
        description="The port that the service listens on inside; published on loopback only. "
        "Left out, an existing container's only port.",
    )
    disk: str = Field("/data", pattern="^/", description="Where the disk is mounted inside.")
    publish: str = Field("127.0.0.1", description="The address of the engine's machine on which the port is published.")

    @model_validator(mode="after")
    def _made_or_there(self) -> ContainerForm:
        if self.existing is None and not self.image:
            raise ValueError("expected an image, or an existing container")
        fields = type(self).model_fields
        given = [name for name in _ONLY_OF_AN_IMAGE if getattr(self, name) != fields[name].default]
        if self.existing is not None and given:
            raise ValueError(f"an existing container is used as it is; expected no {' and no '.join(given)}")
        if self.existing is None and self.engine is not None:
            raise ValueError("engine says where an existing container runs; expected existing, or no engine")
        return self


def _named(container: Any) -> Any:
    return {"existing": container} if isinstance(container, str) else container


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
        has("url"),
        {"required": ["kubernetes"], "properties": {"kubernetes": given("existing")}},
        {"required": ["container"], "properties": {"container": {"anyOf": [{"type": "string"}, given("existing")]}}},
        {
            "allOf": [
                equals("kind", "docker", "kubernetes", "compose"),
                {"anyOf": [has("container"), has("kubernetes")]},
            ]
        },
    ]
}
"""What there must be to run, for the JSON Schema."""


class ProcessTarget(ExistingService, Frozen):
    """The service under drill: a command on this machine, or the same in a container or a cluster, or one that runs."""

    model_config = ConfigDict(json_schema_extra=_SOMETHING_RUNS)

    kind: Literal["process", "docker", "kubernetes", "compose", "existing"] = Field(
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
    http: HttpAccess = HttpAccess()
    limits: Limits = Limits()
    gpu: Gpu | None = Field(None, description="The GPUs that it computes on. Left out: none is read.")
    labels: SeriesLabelMap = Field(
        default_factory=dict,
        description="Additional labels on the container's and the cards' series.",
        examples=[{"team": "search"}],
    )
    series_labels: SeriesLabels = SeriesLabels()
    container: Annotated[ContainerForm, BeforeValidator(_named), AlsoAsText("shop-web-1")] | None = Field(
        None,
        description="How it runs in a container, or the name of one that runs already. "
        "Left out: it cannot run on Docker.",
    )
    kubernetes: KubernetesForm | None = Field(
        None, description="How it runs in a cluster. Left out: as `container` says."
    )
    compose: ComposeForm | None = Field(None, description="A service of a compose file, instead of a command.")
    stop_timeout: Duration = Field(10.0, description="The time between SIGTERM and SIGKILL.")

    @property
    def platform(self) -> str:
        """The platform that it needs: `process`, which is always there, `docker` or `kubernetes`."""
        return {"compose": "docker", "existing": "process"}.get(self.kind, self.kind)

    @property
    def existing_container(self) -> str | None:
        """The name or id of the container that runs already and is the target; None where it is none."""
        return self.container.existing if self.kind == "docker" and self.container else None

    @property
    def existing_pod(self) -> str | None:
        """The name of the pod that runs already and is the target; None where it is none."""
        existing = self.kubernetes.existing if self.kind == "kubernetes" and self.kubernetes else None
        return existing.pod if existing else None

    @property
    def disk_is_read(self) -> bool:
        """Whether its disk is measured: where the drill made it, or knows where the container has it."""
        if self.existing_container and self.container:
            return "disk" in self.container.model_fields_set
        return self.kind not in ("existing", "compose") and self.existing_pod is None

    @property
    def disk_is_made(self) -> bool:
        """Whether the drill makes its disk: of what it starts from a command or an image."""
        if self.kind == "kubernetes" and self.kubernetes:
            return not (self.kubernetes.manifests or self.kubernetes.existing)
        return self.kind not in ("existing", "compose") and self.existing_container is None

    @property
    def goes_by(self) -> str:
        """What `--allow` must name before a service that runs already is changed."""
        if self.existing_pod and self.kubernetes and self.kubernetes.existing:
            return self.kubernetes.existing.context
        project = self.compose.project if self.kind == "compose" and self.compose else None
        return self.existing_container or project or super().goes_by

    @property
    def runs_here(self) -> bool:
        """Whether its processes are this machine's, and nothing lies between them and the kernel."""
        return self.kind in ("process", "existing")

    @model_validator(mode="before")
    @classmethod
    def _it_runs_where_its_keys_say(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        implied = next((kind for key, kind in _IMPLIED if data.get(key)), None)
        container = _named(data.get("container"))
        cluster = data.get("kubernetes")
        if implied is None and isinstance(cluster, dict) and cluster.get("existing") and not data.get("command"):
            implied = "kubernetes"
        if implied is None and isinstance(container, dict) and container.get("existing") and not data.get("command"):
            implied = "docker"
        return {"kind": implied, **data} if implied else data

    @model_validator(mode="after")
    def _certificates_need_https(self) -> ProcessTarget:
        if self.http.uses_tls and not (self.url or "").startswith("https:"):
            raise ValueError("http.ca, http.certificate and http.key are for an https url; the drill's own are http")
        return self

    @model_validator(mode="after")
    def _something_runs(self) -> ProcessTarget:
        elsewhere = self.kind != "process" and (self.container or self.kubernetes)
        if self.kind == "existing":
            self._check_existing()
        elif self.url or self.unit:
            raise ValueError(f"a service that runs already is of kind existing; found {self.kind}")
        elif not self.command and self.compose is None and not elsewhere:
            raise ValueError(
                "expected a command of at least one word, compose, or the url or container of one that runs"
            )
        return self

    def _check_existing(self) -> None:
        self.check_way_to_find()
        ours: list[str] = [key for key in _STARTED_BY_US if getattr(self, key)]
        if self.limits.disk is not None:
            ours.append("limits.disk")
        if ours:
            raise ValueError(f"{ours[0]} is for a service that the drill starts; found url, of one that runs already")


_IMPLIED: Final = (("compose", "compose"), ("url", "existing"), ("unit", "existing"))
_STARTED_BY_US: Final = ("command", "python", "cwd", "env", "port", "compose")
