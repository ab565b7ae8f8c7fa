"""The plan of one drill, as frozen and validated data. `scenario_file.py` reads it from YAML.

Every duration in a scenario is rehearsal time: seconds on the clock of the person who watches the drill. Durations in
rules and routing files are production time, and `alerts.time_scale` converts between the two.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)

from harness import units

if TYPE_CHECKING:
    from collections.abc import Mapping


def _quantity(parse: Any, example: str, pattern: str, help_text: str) -> list[Any]:
    """The pydantic parts of a number that is written with its unit and kept as a bare number."""
    schema = {"type": "string", "pattern": pattern, "examples": [example], "description": help_text}
    return [BeforeValidator(parse), WithJsonSchema(schema)]


def _as(unit: str) -> PlainSerializer:
    return PlainSerializer(lambda number: f"{number:.12g}{unit}", return_type=str)


_NUMBER = r"^\d+(\.\d+)?"
Duration = Annotated[
    float,
    *_quantity(units.parse_duration, "5m", r"^(\d+(\.\d+)?(ms|s|m|h|d|w))+$", units.DURATION_HELP),
    _as("s"),
]
Size = Annotated[int, *_quantity(units.parse_size, "256MiB", _NUMBER + r" ?[kKMGT]?i?B$", units.SIZE_HELP), _as("B")]
Rate = Annotated[float, *_quantity(units.parse_rate, "50/s", _NUMBER + r" ?/ ?(s|m|h)$", units.RATE_HELP), _as("/s")]
Share = Annotated[
    float,
    *_quantity(units.parse_share, "10%", _NUMBER + r" ?%$", units.SHARE_HELP),
    PlainSerializer(lambda ratio: f"{ratio * 100:.12g}%", return_type=str),
]


_ALERT_NAME = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{((?:[^={}]+=[^={},]+,?)*)\})?")


class Frozen(BaseModel):
    """A part of a scenario: immutable, and unknown keys are mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=False)


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


class ProcessTarget(Frozen):
    """A command on this machine."""

    kind: Literal["process", "docker"] = Field(
        "process", description="where it runs; `leakdrill run --on` says otherwise"
    )
    name: str = Field(description="published as the label `container`")
    command: list[str] = Field(
        min_length=1,
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
    labels: dict[str, str] = Field(default_factory=dict, description="more labels on the published series")
    container: ContainerForm | None = Field(None, description="left out: it cannot run on Docker")
    stop_timeout: Duration = Field(10.0, description="between SIGTERM and SIGKILL")


class HttpCall(Frozen):
    """One request to the target."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    path: str
    body: Any = Field(None, description="sent as JSON")
    expect_status: int = 200
    timeout: Duration = 10.0


class Switch(Frozen):
    """How a leak is switched on and off."""

    on: HttpCall
    off: HttpCall


class Leak(Frozen):
    """What grows on purpose."""

    name: str
    resource: Literal["memory", "disk"] = "memory"
    per_request: Size = Field(description="declared growth of the resource per completed request")
    switch: Switch | None = Field(None, description="left out: POST /admin/leaks, as the sample services understand it")
    stops: Literal["first_step", "recover", "never"] = Field(
        "recover",
        description="when the cause ends: as the first step begins, when recovery begins, or never",
    )


class Load(Frozen):
    """What sends the requests."""

    locustfile: Path = Field(description="any Locust file, run unmodified; relative to the scenario file")
    users: int = Field(10, ge=1)
    spawn_rate: Annotated[float, Field(gt=0)] | None = Field(
        None, description="users a second; all at once if left out"
    )
    rate: Rate | None = Field(None, description="total; left out: as fast as the locustfile's own wait times allow")
    workers: int = Field(1, ge=1, description="Locust processes; more than 1 runs them distributed")
    args: list[str] = Field(default_factory=list, description="more arguments for Locust")
    env: dict[str, str] = Field(default_factory=dict)


class Phases(Frozen):
    """How long each part of the drill lasts."""

    warmup: Duration = Field(3.0, description="load, not measured: caches fill, lazy imports happen")
    baseline: Duration = Field(10.0, description="load without the leak: what memory must come back to")
    load: Duration = Field(60.0, description="load with the leak; ends early when every expected alert was delivered")
    mitigate: Duration = Field(30.0, description="at most; ends when the last step is done")
    recover: Duration = Field(15.0, description="load after the steps: alerts must clear, memory must be back")


class AlertName(Frozen):
    """An alert by its name, and labels to tell its levels apart."""

    alert: str
    labels: dict[str, str] = Field(default_factory=dict)

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether `labels`, as Prometheus puts them on a firing alert, belong to this one."""
        wanted = {"alertname": self.alert, **self.labels}
        return all(labels.get(key) == value for key, value in wanted.items())

    def __str__(self) -> str:
        inner = ",".join(f"{key}={value}" for key, value in self.labels.items())
        return f"{self.alert}{{{inner}}}" if inner else self.alert


def parse_alert_name(text: Any) -> Any:
    """An alert written as `HighMemoryUsage` or `HighMemoryUsage{severity=warning}`, as the fields of `AlertName`.

    Raises:
        ValueError: when it is neither.
    """
    if not isinstance(text, str):
        return text
    match = _ALERT_NAME.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{units.quoted(text)} is no alert; expected Name or Name{{label=value,…}}")
    pairs = [pair.split("=", 1) for pair in (match[2] or "").split(",") if pair]
    return {"alert": match[1], "labels": {key.strip(): value.strip().strip('"') for key, value in pairs}}


class ExpectedAlert(AlertName):
    """An alert that must fire."""

    fires_within: Duration = Field(description="after the leak began, in rehearsal time")
    resolves_within: Duration = Field(15.0, description="after the last step, in rehearsal time")
    receiver: str | None = Field(None, description="the Alertmanager receiver that must get it; any when left out")


class Alerts(Frozen):
    """The rules that a real Prometheus evaluates, and what is expected of them."""

    rules: list[Path] = Field(
        default_factory=list, description="rules files as deployed; relative to the scenario file"
    )
    routing: Path | None = Field(None, description="an Alertmanager configuration; its receivers become our webhook")
    time_scale: Annotated[float, Field(ge=1)] = Field(1.0, description="60: a production minute takes a second")
    scrape_interval: Duration = Field(0.5, description="in rehearsal time")
    evaluation_interval: Duration = Field(0.5, description="in rehearsal time")
    expect: list[ExpectedAlert] = Field(default_factory=list)
    silent: list[AlertName] | None = Field(None, description="left out: every alert that is not expected")
    may_fire: list[AlertName] = Field(default_factory=list, description="neither expected nor forbidden")


class Seen(Frozen):
    """What should be seen on the target after a step."""

    metric: Literal["memory", "disk"] = "memory"
    falls_by: Share | None = Field(None, description="of the growth since baseline")
    falls_below: Size | None = None
    within: Duration = 5.0

    @model_validator(mode="after")
    def _one_of(self) -> Seen:
        if (self.falls_by is None) == (self.falls_below is None):
            raise ValueError("expected exactly one of falls_by and falls_below")
        return self


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


ACTIONS = ("http", "restart", "gc", "truncate_log", "rotate_log")


class Step(Frozen):
    """One runbook action: when, what, and what should be seen afterwards."""

    name: str
    on: Annotated[AlertName, BeforeValidator(parse_alert_name)] | None = Field(
        None, description="wait until this alert fires: its name, or name{label=value}"
    )
    after: Duration | None = Field(None, description="wait this long after the phase began")
    http: HttpCall | None = None
    restart: Restart | None = None
    gc: CollectGarbage | None = None
    truncate_log: TruncateLog | None = None
    rotate_log: RotateLog | None = None
    seen: Seen | None = Field(None, description="left out: half of the growth since baseline is gone within 5 s")
    timeout: Duration = 30.0

    @model_validator(mode="after")
    def _one_action(self) -> Step:
        given = [name for name in ACTIONS if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"expected exactly one of {', '.join(ACTIONS)}; found {', '.join(given) or 'none'}")
        return self

    @property
    def action(self) -> Frozen:
        """The one action that is given."""
        action: Frozen = getattr(self, self.action_name)
        return action

    @property
    def action_name(self) -> str:
        """Its key in the scenario file."""
        return next(name for name in ACTIONS if getattr(self, name) is not None)


class Baseline(Frozen):
    """How close to its baseline a resource must come back."""

    level: Share = Field(0.10, description="margin of the level: of the memory at baseline, of the disk's size")
    slope: Size = Field(1024, description="margin of the slope: bytes per request still growing")


class Expect(Frozen):
    """What must hold besides the alerts and the steps."""

    memory: Baseline | None = Baseline()
    disk: Baseline | None = Field(None, description="left out: checked when a leak grows on the disk")
    error_rate: Share = Field(0.01, description="of all requests outside the steps' own windows")
    p99: Duration = Field(0.5, description="median of the 99th percentiles of each second outside the steps' windows")
    step_errors: Share = Field(1.0, description="failed requests while a step is carried out, as a share")
    oom_kills: int = Field(0, ge=0)


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
    slots: int = Field(24, ge=8, le=600, description="quiet points")
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
    target: ProcessTarget
    leaks: list[Leak] = Field(default_factory=list)
    load: Load
    phases: Phases = Phases()
    alerts: Alerts = Alerts()
    steps: list[Step] = Field(default_factory=list)
    expect: Expect = Expect()
    gate: Gate = Gate()

    @model_validator(mode="after")
    def _names_are_unique(self) -> Scenario:
        for what, names in (("steps", [s.name for s in self.steps]), ("leaks", [leak.name for leak in self.leaks])):
            twice = {name for name in names if names.count(name) > 1}
            if twice:
                raise ValueError(f"two {what} are called {units.quoted(min(twice))}; expected names of their own")
        return self


def scenario_schema() -> dict[str, object]:
    """The JSON Schema of a scenario file, as `leakdrill schema` prints it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Scenario.model_json_schema(by_alias=True),
    }
