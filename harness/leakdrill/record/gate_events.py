"""The gate: two builds side by side."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - get_type_hints evaluates the annotations
from dataclasses import dataclass, field
from typing import Annotated

from leakdrill.record.event_class import Reading, Sample
from leakdrill.record.parts import Entries, Entry, Label, Number

_BYTES, _SECONDS, _COUNT = "bytes", "seconds", "count"


@dataclass(frozen=True)
class GateSlot(Reading, source="gate", name="slot", written_by=("runs",), read_by=("judging", "reports")):
    """A slot of load and the quiescent point after it."""

    round: Annotated[float | None, Entry("the slot's number", _COUNT)] = None
    load_s: Annotated[float | None, Entry("time under load since the start, pauses not counted", _SECONDS)] = None
    rest_s: Annotated[float | None, Entry("length of the pause after the slot", _SECONDS)] = None
    rss_before_bytes: Annotated[float | None, Entry("resident memory before garbage was collected", _BYTES)] = None
    rss_after_bytes: Annotated[float | None, Entry("resident memory after garbage was collected", _BYTES)] = None
    threads: Annotated[float | None, Entry("threads", _COUNT)] = None
    fds: Annotated[float | None, Entry("open file descriptors", _COUNT)] = None
    processes: Annotated[float | None, Entry("processes", _COUNT)] = None
    pss_bytes: Annotated[float | None, Entry("proportional set size (PSS)", _BYTES)] = None
    uss_bytes: Annotated[float | None, Entry("unique set size (USS)", _BYTES)] = None
    anon_bytes: Annotated[float | None, Entry("anonymous memory", _BYTES)] = None
    shmem_bytes: Annotated[
        float | None, Entry("files in memory, whoever has them open, and what is swapped out", _BYTES)
    ] = None
    cpu_seconds: Annotated[float | None, Entry("CPU time of the processes so far", _SECONDS)] = None
    members: Annotated[str, Label("its processes, each as `pid@start`")] = ""
    build: Annotated[str, Label("`baseline` or `candidate`")] = ""
    corpus: Annotated[str, Label("`open` or `closed`")] = ""
    others: Annotated[Mapping[str, float], Entries("figures of the agent in the service: blocks, live_bytes, …")] = (
        field(default_factory=dict, kw_only=True)
    )


@dataclass(frozen=True)
class GateEnd(Sample, source="gate", name="end", written_by=("runs",), read_by=("judging",)):
    """The service after the last slot of a corpus: that it was still there, and still the same."""

    rounds: Annotated[float | None, Number("quiet points of the build so far", _COUNT)] = None
    members: Annotated[str, Label("its processes, each as `pid@start`; empty when it was gone")] = ""
    build: Annotated[str, Label("`baseline` or `candidate`")] = ""
    corpus: Annotated[str, Label("`open` or `closed`")] = ""


@dataclass(frozen=True)
class GateServiceCount(Sample, source="gate", name="service_count", written_by=("runs",), read_by=("judging",)):
    """Requests as the service itself counts them, and as the load does, while no request is under way."""

    counted: Annotated[float | None, Entry("requests that the service has counted", _COUNT)] = None
    completed: Annotated[float | None, Entry("requests of the load that got a response", _COUNT)] = None
    build: Annotated[str, Label("`baseline` or `candidate`")] = ""
    corpus: Annotated[str, Label("`open` or `closed`")] = ""


@dataclass(frozen=True)
class GateRequestsByName(Sample, source="gate", name="requests_by_name", written_by=("runs",), read_by=("judging",)):
    """Requests completed so far, by name."""

    requests: Annotated[Mapping[str, float] | None, Entries("requests by name", _COUNT, optional=True)] = None
    build: Annotated[str, Label("`baseline` or `candidate`")] = ""
    corpus: Annotated[str, Label("`open` or `closed`")] = ""


@dataclass(frozen=True)
class GateAgent(Sample, source="gate", name="agent", written_by=("judging", "runs"), read_by=("judging",)):
    """The agent in a build's service: present, or why it is not or did not answer."""

    present: Annotated[float | None, Number("1 if it answers; else missing")] = None
    build: Annotated[str, Label("`baseline` or `candidate`")] = ""
    python: Annotated[str, Label("the service's Python", optional=True)] = ""
    allocator: Annotated[str, Label("Python's allocator and the C library's", optional=True)] = ""
    error: Annotated[str, Label("why there is no answer", optional=True)] = ""


@dataclass(frozen=True)
class GateTypes(Sample, source="gate", name="types", written_by=("runs",), read_by=("judging", "reports")):
    """Objects in the service, by type."""

    requests: Annotated[float | None, Entry("requests completed so far", _COUNT)] = None
    counts: Annotated[Mapping[str, float], Entries("objects of the type", _COUNT)] = field(default_factory=dict)
    build: Annotated[str, Label("`baseline` or `candidate`")] = ""
    corpus: Annotated[str, Label("`open` or `closed`")] = ""
    moment: Annotated[str, Label("`before` or `after` the slots")] = ""


@dataclass(frozen=True)
class GateSite(Sample, source="gate", name="site", written_by=("runs",), read_by=("judging", "reports")):
    """A place in the code that left memory behind in one slot, by tracemalloc."""

    size_bytes: Annotated[float | None, Entry("bytes left behind", _BYTES)] = None
    count: Annotated[float | None, Entry("blocks left behind", _COUNT)] = None
    build: Annotated[str, Label("`baseline` or `candidate`")] = ""
    corpus: Annotated[str, Label("`open` or `closed`")] = ""
    site: Annotated[str, Label("file and line, followed by its callers", optional=True)] = ""
    error: Annotated[str, Label("why the places are not known", optional=True)] = ""


@dataclass(frozen=True)
class GateTimeIsUp(Sample, source="gate", name="time_is_up", written_by=("runs",), read_by=("judging",)):
    """The gate's time was up before its last slot."""

    slots_done: Annotated[float | None, Number("slots that were completed", _COUNT)] = None
    corpus: Annotated[str, Label("`open` or `closed`")] = ""
