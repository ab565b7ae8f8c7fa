"""The load of a scenario: what sends the requests, and how long each phase lasts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from leakdrill.scenario.quantities import Duration, Frozen, Rate


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
