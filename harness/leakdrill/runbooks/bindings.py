"""Bindings: what the words of a runbook mean in a drill. A YAML file beside the runbook, read with line numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Field, StringConstraints, field_validator, model_validator

from leakdrill.runbooks.sought import told_in
from leakdrill.scenario.alerts import WrittenAlert
from leakdrill.scenario.quantities import Duration, Frozen
from leakdrill.scenario.reader import validated
from leakdrill.scenario.seen import Seen
from leakdrill.scenario.steps import ACTIONS, Step
from leakdrill.yaml_file import Document, read_yaml

if TYPE_CHECKING:
    from pathlib import Path


Text = Annotated[str, StringConstraints(min_length=1, max_length=10_000, strip_whitespace=True)]
Value = Annotated[str, StringConstraints(max_length=4_096)]
_WORDS: Final = (
    "url",
    "prometheus",
    "pid",
    "port",
    "disk",
    "name",
    "token",
    "container",
    "pod",
    "namespace",
    "context",
)
"""What stands in `@{…}`: the words that a line of a rehearsal knows."""


class StepBinding(Frozen):
    """What one command of the runbook is in the drill."""

    text: str | None = Field(None, description="The command as the runbook has it; spaces do not matter.")
    line: int | None = Field(None, description="Instead of text: the line where it begins.")
    do: dict[str, Any] | None = Field(None, description="The step that it is, such as `restart: {}`.")
    run: Text | None = Field(None, description="The line that is run in the target instead.")
    skip: Text | None = Field(None, description="Why it is not carried out.")
    seen: Seen | None = Field(None, description="The effect that a change must show.")
    sought: str | None = Field(None, description='The number that a look must show, such as "above 75%".')
    stays: str = Field("", description="Why a change is not taken back.")

    @model_validator(mode="after")
    def _names_a_command(self) -> StepBinding:
        if (self.text is None) == (self.line is None):
            raise ValueError("expected text or line, to say which command is meant")
        if sum(value is not None for value in (self.do, self.run, self.skip)) > 1:
            raise ValueError("expected at most one of do, run and skip")
        return self

    @field_validator("sought")
    @classmethod
    def _is_a_bound(cls, sought: str | None) -> str | None:
        if sought is not None and len(told_in(sought)) != 1:
            raise ValueError('expected one number that is to be seen, such as "above 75%" or "below 2 GiB"')
        return sought

    @model_validator(mode="after")
    def _does_a_step(self) -> StepBinding:
        if self.do is not None:
            wrong = [key for key in self.do if key not in ACTIONS]
            if wrong:
                raise ValueError(f"do: {wrong[0]} is no action; expected one of {', '.join(ACTIONS)}")
            Step.model_validate({"name": "bound", **self.do})
        return self


class Bindings(Frozen):
    """What the words of a runbook mean."""

    alert: WrittenAlert | None = Field(None, description="The alert that the runbook is for.")
    target: list[Text] = Field(
        default_factory=list, description="The names by which the runbook calls the target: services, containers."
    )
    placeholders: dict[str, Value | None] = Field(
        default_factory=dict, description="The value of each placeholder; null where nobody knows yet."
    )
    hosts: dict[Text, Value | None] = Field(
        default_factory=dict, description="What addresses mean, such as `http://localhost:9090: '@{prometheus}'`."
    )
    within: Duration = Field(5.0, description="How soon a change must show its effect.")
    steps: list[StepBinding] = Field(default_factory=list, description="Commands that mean something of their own.")
    covers: list[str] = Field(
        default_factory=list, description="The ids of a coverage.yaml that a rehearsal of the runbook carries out."
    )

    @field_validator("placeholders", "hosts")
    @classmethod
    def _has_words_that_mean_something(cls, values: dict[str, str | None]) -> dict[str, str | None]:
        for key, value in values.items():
            wrong = [word for word in re.findall(r"@\{([^{}]*)\}", value or "") if word not in _WORDS]
            if wrong:
                raise ValueError(f"{key}: @{{{wrong[0]}}} means nothing; expected one of {', '.join(_WORDS)}")
        return values


class BoundFile:
    """The bindings in a file, or none; says where something stands in it.

    Raises:
        BadInput: for a file that cannot be used; each mistake has its line.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._file = None if path is None else read_yaml(path, expected="bindings of a runbook", scalars="yaml 1.2")
        data = {} if self._file is None or self._file.data is None else self._file.data
        document = self._file
        self.bindings = (
            Bindings() if document is None else validated(lambda: Bindings.model_validate(data), Bindings, document)
        )

    @property
    def document(self) -> Document | None:
        """The file; None where there is none."""
        return self._file
