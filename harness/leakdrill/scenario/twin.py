"""The healthy twin of a drill: the same service under the same load, with every leak off."""

from __future__ import annotations

from typing import Any, Final

from pydantic import Field

from leakdrill.resources import RESOURCES
from leakdrill.scenario.expectations import Expect
from leakdrill.scenario.quantities import Duration, Frozen, YesOrNo
from leakdrill.scenario.scenario import LONGEST_NAME, NAME, Scenario

TWIN_LOAD_S: Final = 15.0
TWIN_RECOVER_S: Final = 5.0
"""A twin has nothing to wait for, and its growth shows while the load runs."""


class TwinPhases(Frozen):
    """The phases that differ from the original's; load is 15s and recover 5s unless they are given."""

    warmup: Duration | None = Field(None, description="Left out: as in the original.")
    baseline: Duration | None = Field(None, description="Left out: as in the original.")
    load: Duration = Field(TWIN_LOAD_S, description="How long the load runs.")
    mitigate: Duration | None = Field(None, description="Left out: as in the original.")
    recover: Duration = Field(TWIN_RECOVER_S, description="How long recovery lasts.")


class Twin(Frozen):
    """A scenario file that names the drill whose twin it is, and nothing of what it has from there."""

    name: str = Field(
        pattern=NAME, max_length=LONGEST_NAME, description="The name of the twin.", examples=["gateway/healthy"]
    )
    twin_of: str = Field(
        description="The file of the original, relative to this one.", examples=["unbounded-cache.yaml"]
    )
    summary: str = Field(
        "", description="One line that says what the drill is about.", examples=["The gateway without a leak"]
    )
    rehearses: str = Field(
        "", description="The document and section that the drill rehearses.", examples=["runbooks/memory.md"]
    )
    covers: list[str] = Field(
        default_factory=list,
        description="The ids of instructions in coverage.yaml that it covers.",
        examples=[["memory-restart"]],
    )
    subset: YesOrNo = Field(default=False, description="Whether it is part of the subset that CI runs.")
    phases: TwinPhases = TwinPhases()

    def of(self, original: Scenario) -> Scenario:
        """The drill of `original` without its leaks and steps: every alert must stay silent, and nothing may grow.

        What the original's leaks grow is watched too. Errors, latency and the end of the process are judged as in a
        drill that expects no damage, but for the latency that its requests need.

        Raises:
            ValidationError: when the name is none.
        """
        own = {name: value for name, value in self if name != "phases"}
        phases = {name: value for name, value in self.phases if value is not None}
        changed: dict[str, Any] = {
            **{name: value for name, value in original if name not in ("leaks", "steps")},
            **own,
            "phases": original.phases.model_copy(update=phases),
            "alerts": original.alerts.model_copy(update={"expect": [], "may_fire": [], "silent": None}),
            "expect": _healthy(original),
            "torch": original.torch and original.torch.model_copy(update={"out_of_memory": "never"}),
        }
        return Scenario.model_validate(changed)


def _healthy(original: Scenario) -> Expect:
    margins: dict[str, Any] = {name: margin for name in RESOURCES if (margin := original.margin(name)) is not None}
    return Expect().model_copy(update={**margins, "p99": original.expect.p99})
