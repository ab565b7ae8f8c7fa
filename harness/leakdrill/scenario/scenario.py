"""The plan of one drill, as frozen and validated data. `reader.py` reads it from YAML.

Every duration in a scenario is rehearsal time: seconds on the clock of the person who watches the drill. Durations in
rules and routing files are production time, and `alerts.time_scale` converts between the two.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from pydantic import Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from leakdrill import units
from leakdrill.scenario.alerts import Alerts
from leakdrill.scenario.expectations import MARGINS, Expect, Margin
from leakdrill.scenario.gate import Gate
from leakdrill.scenario.leaks import Leak
from leakdrill.scenario.load import Load, Phases
from leakdrill.scenario.quantities import SIZED, TORCH, AsWritten, Frozen, ResourceName, YesOrNo
from leakdrill.scenario.steps import Step
from leakdrill.scenario.target import ProcessTarget
from leakdrill.scenario.torch import Torch

TWIN_KEYS: Final = ("name", "twin_of", "summary", "rehearses", "covers", "subset", "phases")
"""The keys that a file with `twin_of` may have; the rest is as in the original (twin.py)."""


NAME: Final = r"^[A-Za-z0-9]+([-._/][A-Za-z0-9]+)*$"
LONGEST_NAME: Final = 100


class Scenario(Frozen):
    """The plan of one drill."""

    name: str = Field(
        pattern=NAME,
        max_length=LONGEST_NAME,
        description="The name of the drill: letters and digits, with `-`, `.`, `_` and `/` between them.",
        examples=["gateway/unbounded-cache"],
    )
    summary: str = Field(
        "", description="One line that says what the drill is about.", examples=["A cache without a bound"]
    )
    rehearses: str = Field(
        "",
        description="The document and section that the drill rehearses.",
        examples=["runbooks/memory.md, High memory usage"],
    )
    covers: list[str] = Field(
        default_factory=list,
        description="The ids of instructions in coverage.yaml that the drill covers.",
        examples=[["memory-restart"]],
    )
    subset: YesOrNo = Field(default=False, description="Whether it is part of the subset that CI runs.")
    exclusive: YesOrNo = Field(default=False, description="Whether it runs alone when drills run side by side.")
    twin_of: str | None = Field(
        None,
        description="The file of the drill whose healthy twin this is; it replaces target, load and the rest.",
        examples=["unbounded-cache.yaml"],
    )
    target: ProcessTarget
    leaks: list[Leak] = Field(default_factory=list, description="The leaks that are switched on for the load phase.")
    load: Load
    phases: Phases = Phases()
    alerts: Alerts = Alerts()
    steps: list[Step] = Field(default_factory=list, description="The runbook: what the operator does, in order.")
    expect: Expect = Expect()
    torch: Torch | None = Field(
        None, description="Where the service shows PyTorch's memory. Left out: it is not asked."
    )
    gate: Gate = Gate()

    @model_validator(mode="after")
    def _names_are_unique(self) -> Scenario:
        for noun, names in (("steps", [s.name for s in self.steps]), ("leaks", [leak.name for leak in self.leaks])):
            twice = {name for name, times in Counter(names).items() if times > 1}
            if twice:
                raise ValueError(f"two {noun} are called {units.quoted(min(twice))}; expected names of their own")
        return self

    @model_validator(mode="after")
    def _device_memory_needs_gpu(self) -> Scenario:
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
                problem = PydanticCustomError("unit", f"no level of {metric}; expected {wanted}")
                place = ("steps", index, "seen", "falls_below")
                raise ValidationError.from_exception_data("Scenario", [{"type": problem, "loc": place, "input": level}])
        return self

    def metric_of(self, step: Step) -> ResourceName:
        """The resource that is measured after `step`: the one that it names, else that of the first leak."""
        if step.seen is not None and step.seen.metric is not None:
            return step.seen.metric
        return self.leaks[0].resource if self.leaks else "memory"

    def margin(self, resource: ResourceName) -> Margin | None:
        """The margin within which `resource` must return to its baseline; None when it is not checked."""
        given: Margin | None = getattr(self.expect, resource)
        if given is not None or resource in self.expect.model_fields_set:
            return given
        if self.torch is not None and resource in TORCH:
            return MARGINS[resource]
        return MARGINS[resource] if any(leak.resource == resource for leak in self.leaks) else None


def scenario_schema() -> dict[str, object]:
    """The JSON Schema of a scenario file, as `leakdrill schema` prints it: a whole plan, or the twin of one."""
    schema = Scenario.model_json_schema(by_alias=True, schema_generator=AsWritten)
    required = set(schema.pop("required"))
    twin = {
        "required": ["name", "twin_of"],
        "propertyNames": {"enum": list(TWIN_KEYS)},
        "properties": {"twin_of": {"type": "string"}},
    }
    whole = {"required": sorted(required), "not": {"required": ["twin_of"]}}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "anyOf": [whole, twin]}
