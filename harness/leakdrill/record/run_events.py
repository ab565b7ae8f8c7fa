"""The drill itself: its phases, its leaks, its steps, the load, and the target."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - get_type_hints evaluates the annotations
from dataclasses import dataclass, field
from typing import Annotated

from leakdrill.record.event_class import ActEvent, Reading, Sample
from leakdrill.record.parts import Entry, Label, Labels, Name, Number, Text


@dataclass(frozen=True)
class RunPhase(
    ActEvent, source="drill", name="phase", written_by=("record",), read_by=("judging", "record", "reports")
):
    """A phase of the run."""

    phase: Annotated[str, Label("the name of the phase")] = ""


@dataclass(frozen=True)
class Notice(
    Sample,
    source="drill",
    name="notice",
    written_by=("alerting", "load", "runs", "targets"),
    read_by=("judging", "reports"),
):
    """A remark that restricts what the verdicts can say."""

    message: Annotated[str, Text("the remark")] = ""
    build: Annotated[str, Label("the gate's build that it is about", optional=True)] = ""


@dataclass(frozen=True)
class RunBroken(Sample, source="drill", name="broken", written_by=("runs",), read_by=("judging", "reports")):
    """The drill was cut short."""

    message: Annotated[str, Text("why")] = ""


@dataclass(frozen=True)
class LeakSwitchOn(
    ActEvent, source="leak", name="switch_on", written_by=("runs",), read_by=("backtest", "judging", "reports")
):
    """A leak was switched on."""

    leak: Annotated[str, Label("the name of the leak")] = ""


@dataclass(frozen=True)
class LeakSwitchOff(
    ActEvent, source="leak", name="switch_off", written_by=("runs",), read_by=("backtest", "judging", "reports")
):
    """A leak was switched off."""

    leak: Annotated[str, Label("the name of the leak")] = ""


@dataclass(frozen=True)
class StepAct(ActEvent, source="step", written_by=("runs",), read_by=("backtest", "judging", "reports")):
    """A step of the scenario was carried out; the last line's labels are what it found, such as a status."""

    step: Annotated[str, Name("the step's name")] = ""
    action: Annotated[str, Label("the key of its action in the scenario file, such as `restart`")] = ""
    more: Annotated[Mapping[str, str], Labels("facts about what was done", at_end=True)] = field(
        default_factory=dict, kw_only=True
    )


@dataclass(frozen=True)
class StepSkipped(Sample, source="drill", name="step_skipped", written_by=("runs",), read_by=("judging", "reports")):
    """A command of a runbook was not carried out when its turn came."""

    step: Annotated[str, Label("the step's name")] = ""
    reason: Annotated[str, Text("why")] = ""


@dataclass(frozen=True)
class LoadStart(ActEvent, source="load", name="start", for_people="identifies the process", written_by=("runs",)):
    """The load generator was started."""

    pid: Annotated[str, Label("Locust's process id", optional=True, at_end=True)] = ""


@dataclass(frozen=True)
class LoadRequests(
    Reading,
    source="load",
    name="requests",
    written_by=("judging", "load"),
    read_by=("alerting", "judging", "reports"),
):
    """Locust's statistics, once a second."""

    failures: Annotated[float | None, Entry("requests that failed", "count")] = None
    rps: Annotated[float | None, Entry("requests a second since the last reading", "1/s")] = None
    fail_per_s: Annotated[float | None, Entry("failed requests a second since the last reading", "1/s")] = None
    p50_ms: Annotated[float | None, Entry("median response time since the last reading", "ms")] = None
    p95_ms: Annotated[float | None, Entry("95th percentile of the response time", "ms")] = None
    p99_ms: Annotated[float | None, Entry("99th percentile of the response time", "ms")] = None
    users: Annotated[float | None, Entry("simulated users", "count")] = None
    workers: Annotated[float | None, Entry("worker processes", "count")] = None
    wanted_users: Annotated[float | None, Entry("users that should run now, if a load shape says so", "count")] = None
    users_started: Annotated[float | None, Entry("users started so far", "count")] = None
    users_ended: Annotated[float | None, Entry("users that have ended so far", "count")] = None
    tasks: Annotated[float | None, Entry("tasks begun", "count")] = None
    exceptions: Annotated[float | None, Entry("exceptions of tasks and of `on_start`", "count")] = None
    listener_exceptions: Annotated[float | None, Entry("exceptions of listeners to requests", "count")] = None
    event_exceptions: Annotated[float | None, Entry("exceptions of listeners to other events", "count")] = None
    errors_as_success: Annotated[float | None, Entry("responses 400 to 499 marked as success", "count")] = None
    crashes_as_success: Annotated[float | None, Entry("responses from 500 on marked as success", "count")] = None
    empty: Annotated[float | None, Entry("GET requests answered with 200 and no content", "count")] = None
    diverted: Annotated[float | None, Entry("requests led to a login page or a common page", "count")] = None
    elsewhere: Annotated[float | None, Entry("requests to another host than the target", "count")] = None
    completed: Annotated[float | None, Entry("requests that got a response", "count")] = None
    oldest_s: Annotated[float | None, Entry("longest time of a user in a task without an answer", "seconds")] = None
    build: Annotated[str, Label("`baseline` or `candidate`, in a gate run", optional=True)] = ""
    corpus: Annotated[str, Label("`open`, `closed` or `recording`, in a gate run", optional=True)] = ""


@dataclass(frozen=True)
class LoadErrors(Sample, source="load", name="errors", written_by=("load",), read_by=("judging",)):
    """Requests of one kind failed with one error."""

    count: Annotated[float | None, Number("how many times since the start", "count")] = None
    error: Annotated[str, Label("the error")] = ""
    method: Annotated[str, Label("the HTTP method")] = ""
    request: Annotated[str, Label("the request's name", key="name")] = ""


@dataclass(frozen=True)
class LoadWorkerRequests(Sample, source="load", name="worker_requests", written_by=("load",), read_by=("judging",)):
    """What one of several load workers did, at the end of the load."""

    requests: Annotated[float | None, Entry("requests that ended", "count")] = None
    failures: Annotated[float | None, Entry("requests that failed", "count")] = None
    exceptions: Annotated[float | None, Entry("exceptions of tasks and of `on_start`", "count")] = None
    users_started: Annotated[float | None, Entry("users started", "count")] = None
    users_ended: Annotated[float | None, Entry("users that ended", "count")] = None
    worker: Annotated[str, Label("the worker: its process id, or its number")] = ""


@dataclass(frozen=True)
class LoadIdle(Sample, source="load", name="idle", written_by=("load",), read_by=("judging",)):
    """A user class or a task of the locustfile that never ran, though the load was long enough for it."""

    part: Annotated[str, Text("the user class, or the task with its owner")] = ""
    build: Annotated[str, Label("`baseline` or `candidate`, in a gate run", optional=True)] = ""
    corpus: Annotated[str, Label("`open`, `closed` or `recording`, in a gate run", optional=True)] = ""


@dataclass(frozen=True)
class LoadNamesBounded(
    Sample, source="load", name="names_bounded", for_people="explains requests under one name", written_by=("load",)
):
    """The locustfile gives its requests more names than Locust keeps apart; the rest is under `(other names)`."""


@dataclass(frozen=True)
class LoadExited(Sample, source="load", name="exited", written_by=("load",), read_by=("judging", "reports")):
    """The load generator ended unexpectedly."""

    exit_code: Annotated[float | None, Number("exit code; if negative, the number of the signal that ended it")] = None
    reason: Annotated[str, Label("what ended it, where that is known", optional=True)] = ""


@dataclass(frozen=True)
class WorkerLost(Sample, source="load", name="worker_lost", written_by=("load",), read_by=("judging",)):
    """Locust lost workers."""

    lost: Annotated[float | None, Number("workers lost so far", "count")] = None
    wanted: Annotated[str, Label("workers that the scenario asks for")] = ""


@dataclass(frozen=True)
class WorkerEnded(
    Sample, source="load", name="worker_ended", for_people="explains a lost worker", written_by=("load",)
):
    """A load worker in a pod or a container ended."""

    message: Annotated[str, Text("how it ended")] = ""
    worker: Annotated[str, Label("the pod or the container")] = ""


@dataclass(frozen=True)
class TargetStart(ActEvent, source="target", name="start", written_by=("targets",), read_by=("alerting", "judging")):
    """The target was started, or an existing one was found."""

    port: Annotated[str, Label("port on this machine", optional=True)] = ""
    more: Annotated[Mapping[str, str], Labels("where it runs: image, project, context, found")] = field(
        default_factory=dict, kw_only=True
    )


@dataclass(frozen=True)
class TargetRestart(
    ActEvent,
    source="target",
    name="restart",
    written_by=("targets",),
    read_by=("alerting", "backtest", "judging", "reports"),
):
    """The target was restarted or replaced."""


@dataclass(frozen=True)
class TargetScale(ActEvent, source="target", name="scale", written_by=("targets",), read_by=("judging",)):
    """The number of replicas was changed."""

    replicas: Annotated[str, Label("how many replicas were asked for")] = ""


@dataclass(frozen=True)
class TargetStop(ActEvent, source="target", name="stop", written_by=("targets",), read_by=("judging",)):
    """The target was stopped and what was made for it removed."""


@dataclass(frozen=True)
class TargetLeave(
    ActEvent,
    source="target",
    name="leave",
    read_by=("judging",),
    written_by=("targets",),
):
    """A service that ran before the drill was left as it was found."""


@dataclass(frozen=True)
class TargetReady(
    Sample, source="target", name="ready", written_by=("alerting", "targets"), read_by=("alerting", "judging")
):
    """The target is ready to serve."""

    process: Annotated[float | None, Entry("process id; 0 where there is none", key="pid")] = None
    took_s: Annotated[float | None, Entry("from start to ready", "seconds")] = None
    restarts: Annotated[float | None, Entry("restarts of the pod's container", "count")] = None
    replicas: Annotated[float | None, Entry("containers that serve", "count")] = None
    pod: Annotated[str, Label("the pod", optional=True)] = ""


@dataclass(frozen=True)
class TargetExited(
    Sample,
    source="target",
    name="exited",
    written_by=("alerting", "targets"),
    read_by=("alerting", "backtest", "judging", "reports"),
):
    """The target, or a pod of it, ended unexpectedly."""

    exit_code: Annotated[float | None, Number("exit code; if negative, the number of the signal that ended it")] = None
    pod: Annotated[str, Label("the pod", optional=True)] = ""
    pid: Annotated[str, Label("the id of the process or the container, or the name of the pod", optional=True)] = ""
    signal: Annotated[str, Label("the signal's name; empty when there was none")] = ""
    oom_kill: Annotated[str, Label("`true` or `false`; empty if that is not known")] = ""
    reason: Annotated[str, Label("the platform's reason, if it gives one", optional=True)] = ""


@dataclass(frozen=True)
class TargetUnwatched(Sample, source="target", name="unwatched", written_by=("targets",), read_by=("judging",)):
    """The platform stopped answering; `at` is when it answered last."""

    message: Annotated[str, Text("the error")] = ""


@dataclass(frozen=True)
class TargetWatchedAgain(Sample, source="target", name="watched_again", written_by=("targets",), read_by=("judging",)):
    """The platform answers again, and told how the target fared meanwhile: nothing of its life was missed."""


@dataclass(frozen=True)
class TargetTrouble(
    Sample,
    source="target",
    name="trouble",
    for_people="explains a pod that does not become ready",
    written_by=("targets",),
):
    """A pod cannot start."""

    message: Annotated[str, Text("the reason that Kubernetes gives")] = ""
    pod: Annotated[str, Label("the pod")] = ""


@dataclass(frozen=True)
class TargetLimits(
    Sample,
    source="target",
    name="limits",
    written_by=("targets",),
    read_by=("alerting", "backtest", "judging", "reports"),
):
    """The target's limits were changed."""

    memory_bytes: Annotated[float | None, Entry("the new memory limit", "bytes", "memory_bytes")] = None
    cpus: Annotated[float | None, Entry("the new CPU limit, in cores")] = None


@dataclass(frozen=True)
class TargetReplicas(
    Sample,
    source="target",
    name="replicas",
    written_by=("targets",),
    read_by=("alerting", "backtest", "judging", "reports"),
):
    """The number of replicas changed."""

    replicas: Annotated[float | None, Entry("how many there are now", "count")] = None


@dataclass(frozen=True)
class KubernetesEvent(
    Sample, source="kubernetes", name="event", for_people="explains what the cluster did", written_by=("targets",)
):
    """A warning of the cluster about the workload."""

    message: Annotated[str, Text("the event's reason and message")] = ""
    object: Annotated[str, Label("the kind and name of the object that it is about")] = ""
    count: Annotated[str, Label("how many times it has occurred")] = ""


@dataclass(frozen=True)
class KubernetesRefused(
    Sample,
    source="kubernetes",
    name="refused",
    for_people="explains what could not be watched",
    written_by=("targets",),
):
    """The API server refused a request."""

    message: Annotated[str, Text("the server's answer")] = ""
