"""The cells of a matrix: `matrix.yaml` beside the scenarios of a service, and one drill for each cell.

leaks: {unbounded-cache: unbounded-cache.yaml}       the drill that the leak, its target and its load are taken from
steps: {clear-cache: {http: {path: /admin/clear-cache}}}
cures: {unbounded-cache: {clear-cache: cured}}       what is declared; whatever is left out must not cure
only: {clear-cache: [unbounded-cache]}               a step that is tried on these leaks alone
phases: {load: 20s}                                  where a cell's usual times are too short for the service
phases_of: {log-flood: {load: 24s}}                  or for one of its leaks
memory: 240MiB                                       where the limit of the drills would end a cell before its step
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import Field, ValidationError

from leakdrill.files import is_file
from leakdrill.judging.matrix_cell import Effect
from leakdrill.scenario.quantities import Duration, Frozen, Size
from leakdrill.scenario.reader import read_scenario
from leakdrill.scenario.scenario import Scenario
from leakdrill.yaml_file import dump_yaml, read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from leakdrill.scenario.leaks import Leak
    from leakdrill.scenario.target import ProcessTarget
    from leakdrill.yaml_file import Document, Loc

FILE_NAME: Final = "matrix.yaml"
"""Beside the scenarios of the service."""

Phase = Literal["warmup", "baseline", "load", "mitigate", "recover"]

PHASES: Final[dict[Phase, str]] = {
    "warmup": "2s",
    "baseline": "4s",
    "load": "10s",
    "mitigate": "20s",
    "recover": "6s",
}
"""Long enough for fifty requests at a slow load, for growth that stands out of what a collection frees, and for a leak
that goes on to show that it does."""

_Name = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]


class _Plan(Frozen):
    leaks: dict[_Name, str] = Field(min_length=1)
    steps: dict[_Name, dict[str, Any]] = Field(min_length=1)
    cures: dict[_Name, dict[_Name, Effect]] = Field(default_factory=dict)
    only: dict[_Name, list[_Name]] = Field(default_factory=dict)
    phases: dict[Phase, Duration] = Field(default_factory=dict)
    phases_of: dict[_Name, dict[Phase, Duration]] = Field(default_factory=dict)
    memory: Size | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One leak against one step.

    Attributes:
        service: folder of the scenarios.
        leak: its name.
        step: its name in the matrix.
        declared: what the step must do.
        scenario: the drill that shows it.
        folder: what the drill calls its scenario's folder.
    """

    service: str
    leak: str
    step: str
    declared: Effect
    scenario: Scenario
    folder: Path

    def as_yaml(self) -> str:
        """The drill as a scenario file that may lie anywhere."""
        plain = self.scenario.model_dump(mode="json", by_alias=True, exclude_none=True)
        return dump_yaml(plain).replace("{scenario_dir}", str(self.folder))


def read_matrix(path: Path) -> list[Cell]:
    """The cells of the matrix in `path`, leak by leak.

    Raises:
        BadInput: `file:line: place: what was found; what is expected`.
    """
    file = read_yaml(path, expected="a matrix of leaks and steps")
    try:
        plan = _Plan.model_validate(file.data)
    except ValidationError as e:
        first = e.errors()[0]
        raise file.wrong(first["loc"], first["msg"]) from e
    _check_names(file, plan)
    pairs = [(leak, step) for leak in plan.leaks for step in plan.steps]
    return [_cell(file, plan, leak, step) for leak, step in pairs if leak in plan.only.get(step, [leak])]


def _check_names(file: Document, plan: _Plan) -> None:
    for key, leaks in (("cures", plan.cures), ("phases_of", plan.phases_of)):
        for leak in leaks:
            _known(file, (key, leak), leak, plan.leaks, "leak")
    for leak, steps in plan.cures.items():
        for step in steps:
            _known(file, ("cures", leak, step), step, plan.steps, "step")
            if leak not in plan.only.get(step, [leak]):
                tried = ", ".join(plan.only[step])
                raise file.wrong(("cures", leak, step), f"is never tried; `only` tries it on {tried or 'nothing'}")
    for step, tried_on in plan.only.items():
        _known(file, ("only", step), step, plan.steps, "step")
        for index, leak in enumerate(tried_on):
            _known(file, ("only", step, index), leak, plan.leaks, "leak")


def _known(file: Document, loc: Loc, name: str, among: Iterable[str], what: str) -> None:
    if name not in among:
        raise file.wrong(loc, f"is no {what} here; expected one of {', '.join(among)}")


def _cell(file: Document, plan: _Plan, leak: str, step: str) -> Cell:
    folder = file.path.resolve().parent
    service = re.sub(r"[^a-z0-9]+", "-", folder.name.lower()).strip("-")  # any folder's name, as scenarios are named
    if not is_file(folder / plan.leaks[leak]):
        raise file.wrong(("leaks", leak), f"there is no {plan.leaks[leak]}; expected a scenario file in {folder}")
    original = read_scenario(folder / plan.leaks[leak])
    leak_spec = next((one for one in original.leaks if one.name == leak), None)
    if leak_spec is None:
        known = ", ".join(one.name for one in original.leaks) or "none"
        raise file.wrong(("leaks", leak), f"{plan.leaks[leak]} has no such leak; it has {known}")
    try:
        scenario = _short(original, leak_spec, service=service, step=step, plan=plan)
    except ValidationError as e:
        raise file.wrong(("steps", step), e.errors()[0]["msg"].removeprefix("Value error, ")) from e
    declared = plan.cures.get(leak, {}).get(step, "not")
    return Cell(service=service, leak=leak, step=step, declared=declared, scenario=scenario, folder=folder)


def _short(original: Scenario, leak: Leak, *, service: str, step: str, plan: _Plan) -> Scenario:
    """The drill of one cell: no alerts, one step, and a leak that never ends, so that what comes back is seen."""
    written = plan.model_dump()
    kept = {field: getattr(original, field) for field in ("load", "exclusive", "torch")}
    return Scenario.model_validate(
        {
            **kept,
            "name": f"matrix/{service}/{leak.name}/{step}",
            "target": _roomy(original.target, original.load.locustfile.parent, plan.memory),
            "leaks": [leak.model_copy(update={"stops": "never"})],
            "phases": {**PHASES, **written["phases"], **written["phases_of"].get(leak.name, {})},
            "steps": [{"name": step, **plan.steps[step], "seen": {"nothing": True}}],
        }
    )


def _roomy(target: ProcessTarget, folder: Path, memory_bytes: int | None) -> ProcessTarget:
    """The target as it is, with as much memory as the matrix says: or the kill would answer for the step."""
    limits = target.limits
    if memory_bytes is not None:
        limits = limits.model_copy(update={"memory": memory_bytes})
    return target.model_copy(update={"limits": limits, "cwd": target.cwd or folder})
