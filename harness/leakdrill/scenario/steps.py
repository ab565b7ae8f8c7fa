"""Steps of a scenario: an action of the operator, when it is carried out, and the effect that must show."""

from __future__ import annotations

from typing import Any, Final, get_args

from pydantic import ConfigDict, Field, model_validator

from leakdrill.scenario.actions import (
    Action,
    Autoscale,
    CollectGarbage,
    Command,
    CompressFiles,
    CopyOut,
    DeleteFiles,
    DeletePod,
    Exec,
    HttpCall,
    Kill,
    Prune,
    Recreate,
    Restart,
    RotateLog,
    Scale,
    SetEnv,
    SetLimits,
    TruncateLog,
)
from leakdrill.scenario.alerts import WrittenAlert
from leakdrill.scenario.given_keys import exactly_one
from leakdrill.scenario.quantities import Duration, Frozen
from leakdrill.scenario.seen import Seen


def _one_action(schema: dict[str, Any]) -> None:
    """Say in the JSON Schema of a step that it has one action."""
    schema.update(exactly_one(ACTIONS))


class Step(Frozen):
    """One action of the runbook, when it is carried out, and the effect that must show."""

    model_config = ConfigDict(json_schema_extra=_one_action)

    name: str = Field(description="The name of the step, as verdicts mention it.", examples=["restart the service"])
    on: WrittenAlert | None = Field(
        None, description="Wait until this alert fires: its name, or name{label=value}.", examples=["HighMemoryUsage"]
    )
    after: Duration | None = Field(None, description="Wait this long after the phase began.")
    http: HttpCall | None = None
    restart: Restart | None = None
    gc: CollectGarbage | None = None
    truncate_log: TruncateLog | None = None
    rotate_log: RotateLog | None = None
    exec: Exec | None = None
    command: Command | None = None
    kill: Kill | None = None
    set_limits: SetLimits | None = None
    set_env: SetEnv | None = Field(None, examples=[{"CACHE_ENTRIES": "100"}])
    delete_files: DeleteFiles | None = None
    compress_files: CompressFiles | None = None
    copy_out: CopyOut | None = None
    scale: Scale | None = None
    autoscale: Autoscale | None = None
    delete_pod: DeletePod | None = None
    recreate: Recreate | None = None
    prune: Prune | None = None
    seen: Seen | None = Field(
        None, description="The effect that must show. Left out: half of the growth since baseline is gone within 5 s."
    )
    timeout: Duration = Field(30.0, description="How long the step may take.")

    @model_validator(mode="after")
    def _has_one_action(self) -> Step:
        given = [name for name in ACTIONS if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"expected exactly one of {', '.join(ACTIONS)}; found {', '.join(given) or 'none'}")
        return self

    @property
    def action(self) -> Action:
        """The one action of the step."""
        action: Action = getattr(self, self.action_name)
        return action

    @property
    def action_name(self) -> str:
        """The key of the action in the scenario file."""
        return next(name for name in ACTIONS if getattr(self, name) is not None)


ACTIONS: Final = tuple(
    name
    for name, field in Step.model_fields.items()
    if any(isinstance(kind, type) and issubclass(kind, Action) for kind in get_args(field.annotation))
)
"""The keys of a step that are actions, in the order of the fields."""
