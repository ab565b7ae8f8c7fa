"""What a rehearsal carries out of a runbook: its steps as the drill plays them, and what is left out."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field

from leakdrill.scenario.alerts import AlertName
from leakdrill.scenario.quantities import Frozen

CLEARED: Final = "the alert had cleared"
"""Why a change is left out once the runbook has done its work."""
CONTROL: Final = "it is left out: this is its control run"
"""Why the change is left out that a control run is about."""


class Sought(Frozen):
    """A number that the text tells to look for in what a command prints."""

    line: int = Field(description="Where the text says so.")
    text: str = Field(description="The words that say so.")
    above: bool = Field(description="Whether the number is to be above the bound; else below it.")
    bound: float = Field(description="The bound; a size in bytes, a time in seconds.")
    unit: Literal["%", "bytes", "s", ""] = Field(description="What the number counts.")


class RehearsedStep(Frozen):
    """A command of the runbook that is carried out: what it is, and as which step of the drill."""

    name: str = Field(description="The name of the step in the drill.")
    line: int = Field(description="Where the command stands in the runbook.")
    text: str = Field(description="The command as it is written.")
    kind: Literal["look", "change", "destructive"]
    where: str = Field(description="Where it is carried out, for people.")
    sought: Sought | None = Field(None, description="The number that a look is to show.")
    undo: str | None = Field(None, description="How a change is taken back, where something stays changed.")
    subject: str = Field("", description="What a change sets: two changes of one subject take each other back.")
    takes_back: str | None = Field(None, description="The step that it takes back.")
    stays: str = Field("", description="Why the change is to stay, where it is.")

    @property
    def changes(self) -> bool:
        """Whether it is more than a look."""
        return self.kind != "look"


class LeftOut(Frozen):
    """A command of the runbook that is not carried out."""

    line: int
    text: str
    kind: str
    why: str


class Rehearsal(Frozen):
    """One way through a runbook."""

    runbook: str = Field(description="The file.")
    alert: AlertName = Field(description="The alert that the runbook is for.")
    option: str = Field("", description="The heading of the option that is rehearsed; empty where there is none.")
    without: str = Field("", description="The change that a control run leaves out.")
    steps: list[RehearsedStep]
    left_out: list[LeftOut] = Field(default_factory=list)

    def step(self, name: str) -> RehearsedStep | None:
        """The step called `name`; None where there is none."""
        return next((step for step in self.steps if step.name == name), None)
