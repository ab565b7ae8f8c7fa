"""Steps of a scenario: what an operator does, when, and what should be seen afterwards."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from leakdrill.scenario.actions import (
    ACTIONS,
    Action,
    Autoscale,
    CollectGarbage,
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
from leakdrill.scenario.alerts import AlertName, parse_alert_name
from leakdrill.scenario.quantities import Duration, Frozen
from leakdrill.scenario.seen import Seen


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
    exec: Exec | None = None
    kill: Kill | None = None
    set_limits: SetLimits | None = None
    set_env: SetEnv | None = None
    delete_files: DeleteFiles | None = None
    compress_files: CompressFiles | None = None
    copy_out: CopyOut | None = None
    scale: Scale | None = None
    autoscale: Autoscale | None = None
    delete_pod: DeletePod | None = None
    recreate: Recreate | None = None
    prune: Prune | None = None
    seen: Seen | None = Field(None, description="left out: half of the growth since baseline is gone within 5 s")
    timeout: Duration = 30.0

    @model_validator(mode="after")
    def _one_action(self) -> Step:
        given = [name for name in ACTIONS if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"expected exactly one of {', '.join(ACTIONS)}; found {', '.join(given) or 'none'}")
        return self

    @property
    def action(self) -> Action:
        """The one action that is given."""
        action: Action = getattr(self, self.action_name)
        return action

    @property
    def action_name(self) -> str:
        """Its key in the scenario file."""
        return next(name for name in ACTIONS if getattr(self, name) is not None)
