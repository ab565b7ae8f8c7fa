"""The load of a scenario: the source of the requests, and how long each phase lasts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, JsonValue, model_validator

from leakdrill.address import Address
from leakdrill.scenario.quantities import AnyNumber, Duration, Frozen, Rate, WholeNumber

Oddity = Literal[
    "client errors",
    "empty answers",
    "redirects",
    "other hosts",
    "idle tasks",
    "idle users",
    "lower rate",
    "uncounted requests",
]
"""What a load may do on purpose that otherwise shows that it is not what was asked for."""


_ALL_ADDRESSES: Final[list[JsonValue]] = ["0.0.0.0", "::", "*", ""]  # noqa: S104 - compared with, and never bound to


class Load(Frozen):
    """The source of the requests."""

    locustfile: Path = Field(
        description="A Locust file, run unmodified; relative to the scenario file.", examples=["locustfile.py"]
    )
    python: Path | None = Field(
        None,
        description="An interpreter that has Locust and what the locustfile imports, or a virtual environment. "
        "Left out: Leakdrill's own.",
        examples=[".venv"],
    )
    cwd: Path | None = Field(
        None,
        description="The folder in which Locust runs: where the locustfile's imports and files are looked for. "
        "Left out: the one in which the drill was started.",
        examples=["."],
    )
    users: WholeNumber = Field(10, ge=1, description="How many users send requests at the same time.")
    spawn_rate: Annotated[AnyNumber, Field(gt=0)] | None = Field(
        None, description="Users started per second. Left out: all at once.", examples=[5]
    )
    rate: Rate | None = Field(
        None, description="The rate of all users together. Left out: as fast as the locustfile's wait times allow."
    )
    workers: WholeNumber = Field(1, ge=1, description="Locust processes; more than 1 runs them distributed.")
    workers_on: Literal["target", "here"] = Field(
        "target", description="Where several workers run: beside the target, as pods or containers, or on this machine."
    )
    image: str = Field("leakdrill", description="The image of workers beside the target: any with Python and Locust.")
    master_host: str | None = Field(
        None,
        json_schema_extra={"not": {"enum": list(_ALL_ADDRESSES)}},
        description="The address at which such workers reach this machine. Left out: the one that routes to them.",
        examples=["192.168.1.10"],
    )
    service: Address | None = Field(
        None,
        description="Where such workers send their requests. Left out: the target's own addresses.",
        examples=["http://shop:8000"],
    )
    args: list[str] = Field(
        default_factory=list, description="Additional arguments for Locust.", examples=[["--tags", "read"]]
    )
    env: dict[str, str] = Field(
        default_factory=dict, description="Variables added to Locust's environment.", examples=[{"BASKETS": "5"}]
    )

    allow: list[Oddity] = Field(
        default_factory=list,
        description="What this load does on purpose, and is not to be taken for a load that went wrong.",
        examples=[["redirects", "idle tasks"]],
    )

    @model_validator(mode="after")
    def _the_master_listens_on_one_address(self) -> Load:
        if self.master_host in _ALL_ADDRESSES:
            raise ValueError("master_host: expected one address of this machine, not all of them")
        return self


class Phases(Frozen):
    """The length of each part of the drill."""

    warmup: Duration = Field(3.0, description="Load that is not measured, while caches fill and lazy imports happen.")
    baseline: Duration = Field(10.0, description="Load without the leak: the baseline that memory must return to.")
    load: Duration = Field(60.0, description="Load with the leak; ends early once every expected alert was delivered.")
    mitigate: Duration = Field(
        30.0, description="The most time that the steps may take; ends when the last one is done."
    )
    recover: Duration = Field(
        15.0, description="Load after the steps: alerts must resolve and memory must return to baseline."
    )
