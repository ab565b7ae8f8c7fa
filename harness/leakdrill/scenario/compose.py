"""A service of a compose file as the target of a drill."""

from __future__ import annotations

from pathlib import Path

from pydantic import ConfigDict, Field, model_validator

from leakdrill.scenario.given_keys import has, where
from leakdrill.scenario.quantities import Frozen, WholeNumber


class ComposeForm(Frozen):
    """The service of a compose file, and the way by which the load reaches it."""

    model_config = ConfigDict(
        json_schema_extra=where(
            {"required": ["replicas"], "properties": {"replicas": {"exclusiveMinimum": 1}}}, has("entrance")
        )
    )

    file: Path = Field(description="The compose file, relative to the scenario file.", examples=["docker-compose.yml"])
    service: str = Field(description="The service that is measured, scaled and restarted.", examples=["shop"])
    replicas: WholeNumber = Field(1, ge=1, description="How many containers of the service run.")
    port: WholeNumber = Field(8000, ge=1, le=65535, description="The port that the service listens on inside.")
    entrance: str | None = Field(
        None, description="The service that the load goes to, such as nginx in front.", examples=["nginx"]
    )
    entrance_port: WholeNumber = Field(
        8080, ge=1, le=65535, description="The port that the entrance listens on inside."
    )
    project: str | None = Field(
        None,
        description="A project that is up already, such as staging: used as it is, and left up.",
        examples=["staging"],
    )

    @model_validator(mode="after")
    def _something_spreads_the_load(self) -> ComposeForm:
        if self.replicas > 1 and self.entrance is None:
            raise ValueError("several replicas need an entrance that spreads the load over them")
        return self
