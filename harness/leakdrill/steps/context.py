"""The surroundings of a step: the target that it acts on, its time limit, and the folder of what it keeps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from leakdrill.steps.failure import StepFailed
from leakdrill.targets.kinds import capability, find_capability

if TYPE_CHECKING:
    from pathlib import Path

    from leakdrill.record.journal import Journal
    from leakdrill.targets.base.capabilities import Target

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a step finds beside the target.

    Attributes:
        journal: gets what the step starts on this machine, before it does.
        run_id: marks it.
        prometheus: where the drill's Prometheus answers; None where there is none.
        variables: what lines of shell have set so far, for those after them.
    """

    journal: Journal
    run_id: str
    prometheus: str | None
    variables: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepContext:
    """One step that is carried out.

    Attributes:
        key: its action, as the scenario file calls it.
        target: the service under drill.
        timeout_s: how long it may take.
        kept_in: the folder of what it keeps; None where there is no run folder.
        surroundings: what runs beside the target; None where nothing does.
    """

    key: str
    target: Target
    timeout_s: float
    kept_in: Path | None = None
    surroundings: Surroundings | None = None

    def require(self, wanted: type[C], *, detail: str = "") -> C:
        """Returns the target, or the part of it, that has the capability `wanted`.

        Raises:
            BadInput: when it has not; says which kinds of target have it.
        """
        return capability(self.target, wanted, step=f"{self.key}{detail}")

    def find(self, wanted: type[C]) -> C | None:
        """Returns the target, or the part of it, that has the capability `wanted`; None when nothing of it has."""
        return find_capability(self.target, wanted)

    @property
    def folder(self) -> Path:
        """The folder of what the step keeps; made when it is asked for.

        Raises:
            StepFailed: when there is no run folder.
        """
        if self.kept_in is None:
            raise StepFailed("there is no run folder to keep anything in")
        self.kept_in.mkdir(parents=True, exist_ok=True)
        if self.kept_in.is_symlink() or self.kept_in.parent.is_symlink():
            raise StepFailed(f"{self.kept_in}: somebody has put a link there, which is not followed")
        return self.kept_in
