"""The gate of a scenario: how `leakdrill gate` measures the service, and its budget per request."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field, model_validator

from leakdrill.scenario.given_keys import at_most_one
from leakdrill.scenario.quantities import Duration, Frozen, Rate, Share, Size, WholeNumber, YesOrNo


class Survive(Frozen):
    """A promise instead of a budget: the load and time that the service must survive."""

    lasts: Duration = Field(description="How long the service must run.", examples=["30d"])
    rate: Rate = Field(description="The load under which it runs.")
    within: Size = Field(description="The memory that it may use.", examples=["2GiB"])


class GateWarmup(Frozen):
    """Load before anything is measured."""

    at_least: Duration = Field(10.0, description="The shortest warm-up.")
    at_most: Duration = Field(15.0, description="The longest warm-up: a leak never settles.")


class Gate(Frozen):
    """The way in which `leakdrill gate` measures this service."""

    model_config = ConfigDict(json_schema_extra=at_most_one(("budget", "survive")))

    budget: Size | None = Field(
        None, description="Bytes that each request may leave behind. Left out: 32B.", examples=["64B"]
    )
    survive: Survive | None = Field(
        None, description="The load and time that the service must survive, instead of a budget."
    )
    rate: Rate | None = Field(
        None,
        description="The rate of all users together. Left out: as fast as the service answers.",
    )
    error_rate: Share = Field(
        0.05, description="Failed requests, as a share of all; with more, the load says nothing about the service."
    )
    corpus: Literal["open", "closed", "both"] = Field(
        "open", description="Which requests are sent; closed: the same recorded ones, pass after pass."
    )
    longest_ttl: Duration = Field(10.0, description="The longest time for which the service keeps anything on purpose.")
    warmup: GateWarmup = GateWarmup()
    slots: WholeNumber = Field(
        24,
        ge=8,
        le=600,
        description="How many slots are measured; more are added, within at_most, if they could settle the verdict.",
    )
    slot: Duration = Field(1.2, ge=0.001, description="How long load runs between two quiescent points.")
    at_most: Duration = Field(
        180.0,
        description="The most time for each corpus of each build, which only an UNKNOWN takes; long pauses cost slots.",
    )
    agent: Literal["auto", "off"] = Field(
        "auto", description="Whether a Python target is asked to collect garbage and to trim its heap."
    )
    tracemalloc: YesOrNo = Field(
        default=True, description="After a leak was found, one more slot names the lines that allocated it."
    )

    @model_validator(mode="after")
    def _one_of(self) -> Gate:
        if self.budget is not None and self.survive is not None:
            raise ValueError("expected one of budget and survive; found both")
        return self
