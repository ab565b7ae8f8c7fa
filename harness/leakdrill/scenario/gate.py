"""The gate of a scenario: how `leakdrill gate` measures the service, and what it may leave behind."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from leakdrill.scenario.quantities import Duration, Frozen, Rate, Size


class Survive(Frozen):
    """A promise instead of a budget: what the service must live through."""

    lasts: Duration = Field(description="how long, such as 30d")
    rate: Rate = Field(description="at which load, such as 50/s")
    within: Size = Field(description="within how much memory, such as 2GiB")


class GateWarmup(Frozen):
    """How long load runs before anything is measured."""

    at_least: Duration = 10.0
    at_most: Duration = Field(15.0, description="a leak never settles, so warm-up is bounded")


class Gate(Frozen):
    """How `leakdrill gate` measures this service."""

    budget: Size | None = Field(None, description="bytes that each request may leave behind; 32B when left out")
    survive: Survive | None = Field(None, description="instead of a budget")
    rate: Rate | None = Field(None, description="left out: as fast as the service answers; load.rate is for drills")
    corpus: Literal["open", "closed", "both"] = Field(
        "open", description="closed: the same recorded requests again and again, in whole passes"
    )
    longest_ttl: Duration = Field(10.0, description="the longest time for which the service keeps anything on purpose")
    warmup: GateWarmup = GateWarmup()
    slots: int = Field(24, ge=8, le=600, description="quiet points; more, within at_most, where they could settle it")
    slot: Duration = Field(1.2, description="load between two quiet points")
    at_most: Duration = Field(50.0, description="each corpus of each build; slow rests cost slots, never under 8")
    agent: Literal["auto", "off"] = Field("auto", description="whether a Python target is asked to collect and trim")
    tracemalloc: bool = Field(default=True, description="after a leak was found, one more slot names the lines")

    @model_validator(mode="after")
    def _one_of(self) -> Gate:
        if self.budget is not None and self.survive is not None:
            raise ValueError("expected one of budget and survive; found both")
        return self
