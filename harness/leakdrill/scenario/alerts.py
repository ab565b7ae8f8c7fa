"""Alerts of a scenario: the rules that are evaluated, and the alerts that must fire or stay silent."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from leakdrill import units
from leakdrill.address import Address
from leakdrill.scenario.given_keys import given, has, where
from leakdrill.scenario.quantities import AlsoAsText, AnyNumber, Duration, Frozen, Quantity

if TYPE_CHECKING:
    from collections.abc import Mapping

_IN_QUOTES: Final = r'"(?:\\.|[^"\\])*"'
_WRITTEN_ALERT: Final = re.compile(
    rf"(?P<name>{_IN_QUOTES}|[^{{}}]*[^{{}}\s])\s*(?:\{{(?P<labels>(?:{_IN_QUOTES}|[^{{}}\"])*)\}})?", re.DOTALL
)
_WRITTEN_LABEL: Final = re.compile(
    rf"\s*(?P<key>{_IN_QUOTES}|[^=,\"\s](?:[^=,\"]*[^=,\"\s])?)\s*=\s*(?P<value>{_IN_QUOTES}|[^,\"]*?)\s*(?:,|$)",
    re.DOTALL,
)

_PLAIN_NAME: Final = r"[^{}]*[^{}\s]"
_PAIR: Final = rf"({_IN_QUOTES}|[^={{}},\"\s]([^={{}},\"]*[^={{}},\"\s])?)\s*=\s*({_IN_QUOTES}|[^{{}},\"]*)"
_AS_TEXT: Final = rf"^\s*({_IN_QUOTES}|{_PLAIN_NAME})\s*(\{{\s*({_PAIR}\s*(,\s*{_PAIR}\s*)*,?\s*)?\}})?\s*$"
"""An alert as text, for the JSON Schema."""


class AlertName(Frozen):
    """An alert by its name, and labels that distinguish its levels."""

    alert: str = Field(min_length=1, description="The name of the alert.", examples=["HighMemoryUsage"])
    labels: dict[str, str] = Field(
        default_factory=dict, description="Labels that the alert must have.", examples=[{"severity": "warning"}]
    )

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether `labels`, as Prometheus puts them on a firing alert, belong to this one."""
        wanted = {"alertname": self.alert, **self.labels}
        return all(labels.get(key) == value for key, value in wanted.items())

    def __str__(self) -> str:
        """The alert in short, as `parse_alert_name` reads it."""
        name = _written(self.alert, "{}")
        inner = ",".join(f"{_written(key, '={},')}={_written(value, '{},')}" for key, value in self.labels.items())
        return f"{name}{{{inner}}}" if inner else name


def parse_alert_name(text: Any) -> Any:
    """An alert written as `HighMemoryUsage` or `HighMemoryUsage{severity=warning}`, as the fields of `AlertName`.

    Names and values may stand in double quotes, in which escapes are those of JSON: so they may be any text.

    Raises:
        ValueError: when it is neither.
    """
    if not isinstance(text, str):
        return text
    match = _WRITTEN_ALERT.fullmatch(text.strip())
    labels = _labels((match["labels"] or "").strip()) if match else None
    if match is None or labels is None:
        raise ValueError(
            f"{units.quoted(text)} is no alert; expected Name or Name{{label=value,…}}, "
            'and a name with braces in quotes: "Disk {full}"'
        )
    return {"alert": _meant(match["name"]), "labels": labels}


def _meant(written: str) -> str:
    """The text that `written` stands for: of one in double quotes, the text in them."""
    if not re.fullmatch(_IN_QUOTES, written, re.DOTALL):
        return written
    try:
        return str(json.loads(written, strict=False))
    except ValueError:  # a backslash that begins no escape
        return written[1:-1]


def _written(text: str, special: str) -> str:
    """`text` as `_meant` reads it: in quotes where it has signs that are `special`, or that nobody sees."""
    plain = text == text.strip() and text.isprintable() and not any(sign in text for sign in f'"{special}')
    return text if plain else json.dumps(text, ensure_ascii=not text.isprintable())


def _labels(text: str) -> dict[str, str] | None:
    """The labels in `text`, such as `severity=warning, team="a, b"`; None where it is something else."""
    labels, place = {}, 0
    while place < len(text):
        pair = _WRITTEN_LABEL.match(text, place)
        if pair is None:
            return None
        labels[_meant(pair["key"])] = _meant(pair["value"])
        place = pair.end()
    return labels


WrittenAlert = Annotated[
    AlertName,
    BeforeValidator(parse_alert_name),
    Quantity("alert", "", "HighMemoryUsage{severity=warning}"),
    AlsoAsText("HighMemoryUsage{severity=warning}", pattern=_AS_TEXT),
]


class ExpectedAlert(AlertName):
    """An alert that must fire."""

    fires_within: Duration = Field(
        description="How soon it must fire after the leak began, in rehearsal time.", examples=["30s"]
    )
    resolves_within: Duration = Field(
        15.0, description="How soon it must resolve after the last step, in rehearsal time."
    )
    receiver: str | None = Field(
        None, description="The Alertmanager receiver that must be notified. Left out: any.", examples=["oncall"]
    )


_TOGETHER: Final[dict[str, Any]] = {
    "allOf": [
        where(has("alertmanager"), has("prometheus")),
        where(
            has("prometheus"),
            {"not": {"anyOf": [given("rules"), given("routing")]}, "properties": {"time_scale": {"const": 1}}},
        ),
    ]
}
"""What may stand together, for the JSON Schema."""


class Alerts(Frozen):
    """The rules that a real Prometheus evaluates, and the alerts that must fire or stay silent."""

    model_config = ConfigDict(json_schema_extra=_TOGETHER)

    rules: list[Path] = Field(
        default_factory=list,
        description="Rules files as deployed, relative to the scenario file.",
        examples=[["rules.yaml"]],
    )
    routing: Path | None = Field(
        None,
        description="An Alertmanager configuration; its receivers become the drill's webhook.",
        examples=["alertmanager.yml"],
    )
    prometheus: Address | None = Field(
        None,
        description="An existing Prometheus, watched instead of starting one.",
        examples=["http://127.0.0.1:9090"],
    )
    alertmanager: Address | None = Field(
        None,
        description="The Alertmanager of that Prometheus; it is never changed.",
        examples=["http://127.0.0.1:9093"],
    )
    time_scale: Annotated[AnyNumber, Field(ge=1)] = Field(
        1.0, description="By how much production time is divided; at 60 a minute takes a second.", examples=[60]
    )
    scrape_interval: Duration = Field(0.5, description="The time between two scrapes, in rehearsal time.")
    scrape_timeout: Duration | None = Field(
        None,
        description="How long the service's own metrics may take, in rehearsal time; they are then scraped at most so "
        "often. Left out: as long as they are seen to take, up to 10 s.",
        examples=["10s"],
    )
    evaluation_interval: Duration = Field(0.5, description="The time between two evaluations, in rehearsal time.")
    expect: list[ExpectedAlert] = Field(default_factory=list, description="The alerts that must fire.")
    silent: list[AlertName] | None = Field(
        None, description="The alerts that must not fire. Left out: every one that is not expected."
    )
    may_fire: list[AlertName] = Field(
        default_factory=list, description="The alerts that are neither expected nor forbidden."
    )

    @property
    def evaluated(self) -> bool:
        """Whether a Prometheus is part of the drill."""
        return bool(self.rules or self.expect or self.prometheus)

    @property
    def delivery_observable(self) -> bool:
        """Whether notifications can be seen: not where another's Prometheus is watched and its Alertmanager is not."""
        return self.prometheus is None or self.alertmanager is not None

    @model_validator(mode="after")
    def _anothers_is_only_watched(self) -> Alerts:
        if self.prometheus is None:
            if self.alertmanager is not None:
                raise ValueError("alertmanager is watched together with the Prometheus that it serves; expected both")
            return self
        if self.rules or self.routing:
            raise ValueError("expected either prometheus, which has rules and routing of its own, or rules and routing")
        if self.time_scale != 1:
            raise ValueError(
                f"a Prometheus that others use runs in production time; expected time_scale: 1, "
                f"found {self.time_scale:g}"
            )
        if not self.delivery_observable and any(one.receiver for one in self.expect):
            raise ValueError("a receiver can only be seen at the Alertmanager; expected alertmanager: http://…")
        return self
