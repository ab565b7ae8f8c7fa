"""Prometheus, Alertmanager, and the alerts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping  # noqa: TC003 - get_type_hints evaluates the annotations
from dataclasses import dataclass, field
from typing import Annotated

from leakdrill.record.event_class import ActEvent, Reading, Sample
from leakdrill.record.parts import Entry, Label, Labels, Number, Text


@dataclass(frozen=True)
class PrometheusStart(
    ActEvent,
    source="prometheus",
    name="start",
    written_by=("alerting",),
    read_by=("judging",),
):
    """The drill's own Prometheus was started."""

    pid: Annotated[str, Label("process id", optional=True, at_end=True)] = ""
    url: Annotated[str, Label("its address", optional=True, at_end=True)] = ""


@dataclass(frozen=True)
class PrometheusExited(
    Sample, source="prometheus", name="exited", written_by=("alerting",), read_by=("judging", "reports")
):
    """The drill's own Prometheus ended unexpectedly."""

    exit_code: Annotated[float | None, Number("exit code; if negative, the number of the signal that ended it")] = None


@dataclass(frozen=True)
class PrometheusPoll(Reading, source="prometheus", name="poll", written_by=("alerting",), read_by=("judging",)):
    """Prometheus was asked for rules and alerts."""

    up: Annotated[float | None, Entry("1 if it answered; else missing")] = None
    alerts_firing: Annotated[float | None, Entry("alerts that are firing", "count")] = None
    alerts_pending: Annotated[float | None, Entry("alerts that are pending", "count")] = None
    rules_failing: Annotated[float | None, Entry("rules that it cannot evaluate", "count")] = None
    evaluation_late_s: Annotated[float | None, Entry("by how much a rule group is late", "s")] = None
    scrape_late_s: Annotated[float | None, Entry("age of the newest sample of the drill's own readings", "s")] = None
    clock_ahead_s: Annotated[float | None, Entry("by how much the wall clock gained on the run's", "s")] = None


@dataclass(frozen=True)
class AlertTransition(
    Sample,
    source="prometheus",
    name="alert",
    written_by=("alerting", "mutation"),
    read_by=("backtest", "judging", "mutation", "reports", "runs"),
):
    """An alert changed its state; `at` is Prometheus' evaluation time."""

    state: Annotated[str, Text("`pending`, `firing`, `resolved` or `inactive`")] = ""
    labels: Annotated[Mapping[str, str], Labels("the alert's labels")] = field(default_factory=dict)


@dataclass(frozen=True)
class RuleError(
    Sample, source="prometheus", name="rule_error", written_by=("alerting",), read_by=("judging", "reports")
):
    """Prometheus could not evaluate a rule."""

    message: Annotated[str, Text("Prometheus' error")] = ""
    group: Annotated[str, Label("the rule's group")] = ""
    rule: Annotated[str, Label("the rule's name")] = ""
    file: Annotated[str, Label("the rule's file")] = ""


@dataclass(frozen=True)
class ScrapeError(Sample, source="prometheus", name="scrape_error", written_by=("alerting",), read_by=("judging",)):
    """A scrape failed, or succeeds again, each time that what Prometheus says of it has changed."""

    error: Annotated[str, Text("Prometheus' error; missing when it succeeds again")] = ""
    job: Annotated[str, Label("the scrape job")] = ""
    url: Annotated[str, Label("what is scraped")] = ""


@dataclass(frozen=True)
class SelectorMatches(Sample, source="prometheus", name="selector", written_by=("alerting",), read_by=("judging",)):
    """The number of series that a selector of a rule matches."""

    series: Annotated[float | None, Number("series; missing when Prometheus did not answer", "count")] = None
    alert: Annotated[str, Label("the alert's name")] = ""
    selector: Annotated[str, Label("the selector")] = ""
    severity: Annotated[str, Label("the alert's severity")] = ""
    rule: Annotated[str, Label("the rule's file and line")] = ""
    error: Annotated[str, Label("why Prometheus did not answer", optional=True)] = ""
    optional: Annotated[
        str,
        Label(
            "`true` if it matches none and the alert can fire all the same, as with `or` and `unless`", optional=True
        ),
    ] = ""
    jobs: Annotated[
        str,
        Label(
            "the scrape jobs that publish the series, separated by commas; a list in JSON where a name has one",
            optional=True,
        ),
    ] = ""

    @property
    def job_names(self) -> tuple[str, ...]:
        """The scrape jobs, whose names may be any text."""
        if not self.jobs.startswith("["):
            return tuple(filter(None, self.jobs.split(",")))
        try:
            names = json.loads(self.jobs)
        except ValueError:
            return ()
        return tuple(map(str, names)) if isinstance(names, list) else ()


def jobs_text(names: Iterable[str]) -> str:
    """The field `jobs` of `SelectorMatches` for the scrape jobs `names`."""
    listed = sorted(set(names) - {""})
    plain = not any("," in name or name.startswith("[") for name in listed)
    return ",".join(listed) if plain else json.dumps(listed, ensure_ascii=False)


@dataclass(frozen=True)
class MemoryThreshold(
    Sample, source="prometheus", name="threshold", written_by=("alerting",), read_by=("judging", "reports")
):
    """The threshold of an alert on memory."""

    ratio: Annotated[float | None, Entry("the share of the limit above which the rule matches")] = None
    for_s: Annotated[float | None, Entry("the rule's `for`, in production time", "seconds")] = None
    alert: Annotated[str, Label("the alert's name")] = ""
    severity: Annotated[str, Label("the alert's severity")] = ""
    rule: Annotated[str, Label("the rule's file and line")] = ""


@dataclass(frozen=True)
class KubeletScrape(Reading, source="prometheus", name="kubelet", written_by=("alerting",), read_by=("judging",)):
    """Prometheus' scrape of the kubelets of the pods' nodes."""

    targets: Annotated[float | None, Entry("kubelets that are scraped", "count")] = None
    series: Annotated[float | None, Entry("series of the pods", "count")] = None
    age_s: Annotated[float | None, Entry("age of the newest sample", "seconds")] = None


@dataclass(frozen=True)
class ServerClock(
    Sample, source="prometheus", name="clock", for_people="explains how times were aligned", written_by=("alerting",)
):
    """The lead of a watched Prometheus's clock over ours."""

    ahead_s: Annotated[float | None, Entry("how far its clock is ahead; negative: behind", "seconds")] = None


@dataclass(frozen=True)
class AlertmanagerStart(
    ActEvent,
    source="alertmanager",
    name="start",
    for_people="identifies the process and its address",
    written_by=("alerting",),
):
    """The drill's own Alertmanager was started."""

    pid: Annotated[str, Label("process id", optional=True, at_end=True)] = ""
    url: Annotated[str, Label("its address", optional=True, at_end=True)] = ""


@dataclass(frozen=True)
class AlertmanagerExited(
    Sample, source="alertmanager", name="exited", written_by=("alerting",), read_by=("judging", "reports")
):
    """The drill's own Alertmanager ended unexpectedly."""

    exit_code: Annotated[float | None, Number("exit code; if negative, the number of the signal that ended it")] = None


@dataclass(frozen=True)
class AlertmanagerPoll(
    Reading,
    source="alertmanager",
    name="poll",
    written_by=("alerting",),
    read_by=("judging",),
):
    """Alertmanager did not answer."""


@dataclass(frozen=True)
class AlertmanagerRequests(
    Sample,
    source="alertmanager",
    name="requests",
    written_by=("alerting",),
    read_by=("judging",),
):
    """A watched Alertmanager's notification requests, each time they have changed."""

    succeeded: Annotated[float | None, Entry("requests that succeeded", "count")] = None
    failed: Annotated[float | None, Entry("requests that failed", "count")] = None
    failing: Annotated[str, Label("the ways to notify, such as `webhook`, of which some failed", optional=True)] = ""


@dataclass(frozen=True)
class Notification(
    Sample, source="alertmanager", name="notification", written_by=("alerting",), read_by=("judging", "reports", "runs")
):
    """Alertmanager sent a notification; `at` is the alert's `startsAt` or `endsAt`."""

    status: Annotated[str, Text("`firing` or `resolved`")] = ""
    receiver: Annotated[str, Label("the receiver's name")] = ""
    via: Annotated[str, Label("`api` if it was read from Alertmanager's API", optional=True)] = ""
    labels: Annotated[Mapping[str, str], Labels("the alert's labels")] = field(default_factory=dict)


@dataclass(frozen=True)
class BadNotification(
    Sample,
    source="alertmanager",
    name="bad_notification",
    written_by=("alerting",),
    read_by=("judging",),
):
    """A request to the drill's receiver could not be read."""

    receiver: Annotated[str, Label("the receiver's name")] = ""
    error: Annotated[str, Label("what is wrong with it")] = ""


@dataclass(frozen=True)
class AlertInhibited(
    Sample, source="alertmanager", name="inhibited", written_by=("alerting",), read_by=("judging", "reports", "runs")
):
    """Alertmanager holds an alert back because another one fires."""

    by: Annotated[str, Text("the other alert's name")] = ""
    by_severity: Annotated[str, Label("the other alert's severity", optional=True)] = ""
    labels: Annotated[Mapping[str, str], Labels("the alert's labels")] = field(default_factory=dict)


@dataclass(frozen=True)
class AlertSilenced(
    Sample, source="alertmanager", name="silenced", written_by=("alerting",), read_by=("judging", "reports")
):
    """Alertmanager holds an alert back because of a silence."""

    silence: Annotated[str, Text("the silence's id")] = ""
    labels: Annotated[Mapping[str, str], Labels("the alert's labels")] = field(default_factory=dict)


@dataclass(frozen=True)
class AlertRouted(Sample, source="alertmanager", name="routed", written_by=("alerting",), read_by=("judging",)):
    """Alertmanager holds an alert for a receiver, by one of its routes."""

    group_wait_s: Annotated[float | None, Entry("how long it waits with a new group", "seconds")] = None
    group_interval_s: Annotated[float | None, Entry("how long it waits with news of a group", "seconds")] = None
    receiver: Annotated[str, Label("the receiver's name")] = ""
    route: Annotated[str, Label("the route's file and line", key="by_route", optional=True)] = ""
    muted: Annotated[str, Label("when the calendar mutes the route; missing: not at that moment", optional=True)] = ""
    ways: Annotated[
        str, Label("how the receiver notifies, such as `slack`; missing: not at all", key="notifies_by", optional=True)
    ] = ""
    labels: Annotated[Mapping[str, str], Labels("the alert's labels")] = field(default_factory=dict)
