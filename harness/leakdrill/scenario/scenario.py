"""The plan of one drill, as frozen and validated data. `scenario_file.py` reads it from YAML.

Every duration in a scenario is rehearsal time: seconds on the clock of the person who watches the drill. Durations in
rules and routing files are production time, and `alerts.time_scale` converts between the two.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    create_model,
    model_serializer,
    model_validator,
)
from pydantic_core import PydanticCustomError

from leakdrill import units
from leakdrill.resources import RESOURCES
from leakdrill.scenario.alerts import AlertName, Alerts, ExpectedAlert, parse_alert_name
from leakdrill.scenario.compose import ComposeForm
from leakdrill.scenario.gpu import Gpu
from leakdrill.scenario.kubernetes import KubernetesForm
from leakdrill.scenario.leaks import Leak, Switch
from leakdrill.scenario.quantities import SIZED, TORCH, Duration, Frozen, Rate, ResourceName, Share, Size
from leakdrill.scenario.steps import (
    CollectGarbage,
    HttpCall,
    Restart,
    RotateLog,
    Seen,
    Step,
    TruncateLog,
)
from leakdrill.scenario.torch import Torch

if TYPE_CHECKING:
    from collections.abc import Mapping

TWIN_KEYS: Final = ("name", "twin_of", "summary", "rehearses", "covers", "subset", "phases")
"""What a file with `twin_of` may say; the rest is as in the original (scenario_twin.py)."""

__all__ = [
    "TWIN_KEYS",
    "AlertName",
    "Alerts",
    "Baseline",
    "CollectGarbage",
    "CountBaseline",
    "CpuBaseline",
    "Expect",
    "ExpectedAlert",
    "Frozen",
    "Gate",
    "GateWarmup",
    "Gpu",
    "HttpCall",
    "Leak",
    "Limits",
    "Load",
    "Phases",
    "ProcessTarget",
    "Ready",
    "Restart",
    "RotateLog",
    "Scenario",
    "Seen",
    "Step",
    "Survive",
    "Switch",
    "TruncateLog",
    "parse_alert_name",
    "scenario_schema",
]


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


class Load(Frozen):
    """What sends the requests."""

    locustfile: Path = Field(description="any Locust file, run unmodified; relative to the scenario file")
    users: int = Field(10, ge=1)
    spawn_rate: Annotated[float, Field(gt=0)] | None = Field(
        None, description="users a second; all at once if left out"
    )
    rate: Rate | None = Field(None, description="total; left out: as fast as the locustfile's own wait times allow")
    workers: int = Field(1, ge=1, description="Locust processes; more than 1 runs them distributed")
    workers_on: Literal["target", "here"] = Field(
        "target", description="where several workers run: as pods or containers beside the target, or on this machine"
    )
    image: str = Field("leakdrill", description="of workers beside the target: any image with Python and Locust")
    master_host: str | None = Field(
        None, description="the address of this machine that such workers reach; left out: the one that routes to them"
    )
    service: str | None = Field(
        None, pattern="^https?://", description="where such workers send requests; left out: the target's own addresses"
    )
    args: list[str] = Field(default_factory=list, description="more arguments for Locust")
    env: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _the_master_listens_on_one_address(self) -> Load:
        if self.master_host in ("0.0.0.0", "::", "*", ""):  # noqa: S104 - compared with, and never bound to
            raise ValueError("master_host: expected one address of this machine, not all of them")
        return self


class Phases(Frozen):
    """How long each part of the drill lasts."""

    warmup: Duration = Field(3.0, description="load, not measured: caches fill, lazy imports happen")
    baseline: Duration = Field(10.0, description="load without the leak: what memory must come back to")
    load: Duration = Field(60.0, description="load with the leak; ends early when every expected alert was delivered")
    mitigate: Duration = Field(30.0, description="at most; ends when the last step is done")
    recover: Duration = Field(15.0, description="load after the steps: alerts must clear, memory must be back")


class Baseline(Frozen):
    """How close to its baseline a resource that is counted in bytes must come back."""

    level: Share = Field(0.10, description="margin of the level: of the memory at baseline, of the disk's size")
    slope: Size = Field(1024, description="margin of the slope: bytes per request still growing")


class CountBaseline(Frozen):
    """How close to its baseline a number of files or threads must come back."""

    level: Share = Field(0.10, description="margin of the level: of the number at baseline, and at least 4")
    slope: Annotated[float, Field(ge=0)] = Field(0.02, description="margin of the slope: per request still growing")


class CpuBaseline(Frozen):
    """How close to its baseline the use of CPU must come back."""

    level: Share = Field(0.10, description="margin of the level: of the limit, or where there is none of one core")


Margin = Baseline | CountBaseline | CpuBaseline
_MARGINS: Final[Mapping[str, type[Margin]]] = {"bytes": Baseline, "count": CountBaseline, "cores": CpuBaseline}
"""The margins of a resource, by its unit."""


def _keys() -> dict[str, Any]:
    """Returns the key of each resource under `expect`."""
    kinds = {name: _MARGINS[resource.unit] for name, resource in RESOURCES.items()}
    always = {name: kinds[name]() for name, resource in RESOURCES.items() if resource.always_checked}
    help_text = "always checked, unless it is null"
    return {
        name: (kind | None, Field(always[name], description=help_text) if name in always else None)
        for name, kind in kinds.items()
    }


if TYPE_CHECKING:
    _Margins = Frozen
else:
    _Margins = create_model("_Margins", __base__=Frozen, **_keys())


class Expect(_Margins):
    """What must hold besides the alerts and the steps.

    A resource that is left out is checked when a leak grows it; `null` turns the check off.
    """

    error_rate: Share = Field(0.01, description="of all requests outside the steps' own windows")
    p99: Duration = Field(0.5, description="median of the 99th percentiles of each second outside the steps' windows")
    step_errors: Share = Field(1.0, description="failed requests while a step is carried out, as a share")
    oom_kills: int = Field(0, ge=0)

    @model_serializer(mode="wrap")
    def _left_out_stays_left_out(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = handler(self)
        return {name: value for name, value in written.items() if value is not None or name in self.model_fields_set}


class Survive(Frozen):
    """A promise instead of a budget: what the service must live through."""

    lasts: Duration = Field(description="how long, such as 30d")
    rate: Rate = Field(description="at which load, such as 50/s")
    within: Size = Field(description="within how much memory, such as 2GiB")


class GateWarmup(Frozen):
    """How long load runs before anything is measured."""

    at_least: Duration = 10.0
    at_most: Duration = Field(15.0, description="a leak never settles, so warm-up is bounded")


class Gate(Frozen):
    """How `leakdrill gate` measures this service."""

    budget: Size | None = Field(None, description="bytes that each request may leave behind; 32B when left out")
    survive: Survive | None = Field(None, description="instead of a budget")
    rate: Rate | None = Field(None, description="left out: as fast as the service answers; load.rate is for drills")
    corpus: Literal["open", "closed", "both"] = Field(
        "open", description="closed: the same recorded requests again and again, in whole passes"
    )
    longest_ttl: Duration = Field(10.0, description="the longest time for which the service keeps anything on purpose")
    warmup: GateWarmup = GateWarmup()
    slots: int = Field(24, ge=8, le=600, description="quiet points; more, within at_most, where they could settle it")
    slot: Duration = Field(1.2, description="load between two quiet points")
    at_most: Duration = Field(50.0, description="each corpus of each build; slow rests cost slots, never under 8")
    agent: Literal["auto", "off"] = Field("auto", description="whether a Python target is asked to collect and trim")
    tracemalloc: bool = Field(default=True, description="after a leak was found, one more slot names the lines")

    @model_validator(mode="after")
    def _one_of(self) -> Gate:
        if self.budget is not None and self.survive is not None:
            raise ValueError("expected one of budget and survive; found both")
        return self


class Scenario(Frozen):
    """The plan of one drill."""

    name: str = Field(pattern=r"^[a-z0-9]+([-/][a-z0-9]+)*$", description="such as gateway/unbounded-cache")
    summary: str = ""
    rehearses: str = Field("", description="the document and section that this drill rehearses")
    covers: list[str] = Field(default_factory=list, description="ids of the instructions in coverage.yaml")
    subset: bool = Field(default=False, description="part of the subset that CI runs")
    exclusive: bool = Field(default=False, description="runs alone where the catalogue runs side by side")
    twin_of: str | None = Field(
        None,
        description="instead of target, load and the rest: the file of the drill whose healthy twin this is",
    )
    target: ProcessTarget
    leaks: list[Leak] = Field(default_factory=list)
    load: Load
    phases: Phases = Phases()
    alerts: Alerts = Alerts()
    steps: list[Step] = Field(default_factory=list)
    expect: Expect = Expect()
    torch: Torch | None = Field(None, description="what the service says of PyTorch's memory; left out: not asked")
    gate: Gate = Gate()

    @model_validator(mode="after")
    def _names_are_unique(self) -> Scenario:
        for what, names in (("steps", [s.name for s in self.steps]), ("leaks", [leak.name for leak in self.leaks])):
            twice = {name for name in names if names.count(name) > 1}
            if twice:
                raise ValueError(f"two {what} are called {units.quoted(min(twice))}; expected names of their own")
        return self

    @model_validator(mode="after")
    def _device_memory_lies_on_a_card(self) -> Scenario:
        grows = [leak.name for leak in self.leaks if leak.resource == "gpu_memory"]
        if grows and self.target.gpu is None:
            raise ValueError(f"the leak {grows[0]} grows gpu_memory; expected target.gpu to name the cards")
        return self

    @model_validator(mode="after")
    def _levels_have_the_unit_of_their_metric(self) -> Scenario:
        for index, step in enumerate(self.steps):
            level, metric = step.seen.falls_below if step.seen else None, self.metric_of(step)
            if level is not None and isinstance(level, int) != (metric in SIZED):
                wanted = units.SIZE_HELP if metric in SIZED else "a plain number"
                why = PydanticCustomError("unit", f"no level of {metric}; expected {wanted}")
                place = ("steps", index, "seen", "falls_below")
                raise ValidationError.from_exception_data("Scenario", [{"type": why, "loc": place, "input": level}])
        return self

    def metric_of(self, step: Step) -> ResourceName:
        """What is measured after `step`: what it says, else the resource of the first leak."""
        if step.seen is not None and step.seen.metric is not None:
            return step.seen.metric
        return self.leaks[0].resource if self.leaks else "memory"

    def margin(self, resource: ResourceName) -> Margin | None:
        """How close `resource` must come back to its baseline; None when it is not checked."""
        given: Margin | None = getattr(self.expect, resource)
        if given is not None or resource in self.expect.model_fields_set:
            return given
        if self.torch is not None and resource in TORCH:
            return _MARGINS[RESOURCES[resource].unit]()
        return _MARGINS[RESOURCES[resource].unit]() if any(leak.resource == resource for leak in self.leaks) else None


def scenario_schema() -> dict[str, object]:
    """The JSON Schema of a scenario file, as `leakdrill schema` prints it: a whole plan, or the twin of one."""
    schema = Scenario.model_json_schema(by_alias=True)
    required = set(schema.pop("required"))
    twin = {"required": ["name", "twin_of"], "propertyNames": {"enum": list(TWIN_KEYS)}}
    whole = {"required": sorted(required), "not": {"required": ["twin_of"]}}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "anyOf": [whole, twin]}
