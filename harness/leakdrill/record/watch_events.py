"""`leakdrill watch`: a command under observation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from leakdrill.record.event_class import ActEvent, Reading, Sample
from leakdrill.record.parts import Entry, Label, Text


@dataclass(frozen=True)
class WatchAttempt(ActEvent, source="watch", name="attempt", written_by=("runs",), read_by=("judging",)):
    """The command was run."""

    number: Annotated[str, Label("the attempt's number, from 1")] = ""
    mode: Annotated[str, Label("the mode's name; empty when there are none")] = ""
    available_bytes: Annotated[str, Label("memory available when it began", "bytes")] = ""
    followed: Annotated[
        str,
        Label(
            "how its processes are followed: `cgroup` or `processes`; missing in older records",
            optional=True,
        ),
    ] = ""


@dataclass(frozen=True)
class WatchMemory(Reading, source="watch", name="memory", written_by=("runs",), read_by=("judging", "reports")):
    """All memory that counts of the command, and its peak since the reading before."""

    memory_bytes: Annotated[float | None, Entry("memory of all kinds that count, now", "bytes")] = None
    low_bytes: Annotated[float | None, Entry("its peak since the reading before: at least this", "bytes")] = None
    high_bytes: Annotated[
        float | None, Entry("its peak since the reading before: at most this; missing where nobody can say", "bytes")
    ] = None
    cache_bytes: Annotated[float | None, Entry("page cache, which does not count", "bytes")] = None
    anon_bytes: Annotated[float | None, Entry("anonymous memory", "bytes")] = None
    shmem_bytes: Annotated[float | None, Entry("files in memory: tmpfs, memfd, shared mappings", "bytes")] = None
    swap_bytes: Annotated[float | None, Entry("swapped out", "bytes")] = None
    kernel_bytes: Annotated[float | None, Entry("the kernel's own memory for the command", "bytes")] = None
    hugetlb_bytes: Annotated[float | None, Entry("huge pages", "bytes")] = None
    clock_s: Annotated[float | None, Entry("when it was read, on a clock of its own", "seconds")] = None


@dataclass(frozen=True)
class WatchExited(
    Sample, source="watch", name="exited", written_by=("judging", "runs"), read_by=("judging", "reports")
):
    """The command ended."""

    status: Annotated[float | None, Entry("exit code; if negative, the number of the signal that ended it")] = None
    largest_process_bytes: Annotated[float | None, Entry("largest resident set of one process", "bytes")] = None
    low_bytes: Annotated[float | None, Entry("the peak of all memory, by the kernel: at least this", "bytes")] = None
    high_bytes: Annotated[
        float | None, Entry("the peak of all memory: at most this; missing where nobody can say", "bytes")
    ] = None
    left_bytes: Annotated[float | None, Entry("files in memory that it left behind", "bytes")] = None
    unseen: Annotated[float | None, Entry("processes outside the control group, or too short to be read", "count")] = (
        None
    )
    growing: Annotated[
        float | None, Entry("1 if what outlived the command still took more memory when it was ended; else 0")
    ] = None
    number: Annotated[str, Label("the attempt's number")] = ""
    signal: Annotated[str, Label("the signal's name; empty when there was none")] = ""
    oom_kill: Annotated[str, Label("`true` or `false`; empty if that is not known")] = ""


@dataclass(frozen=True)
class WatchInterrupted(
    Sample, source="watch", name="interrupted", written_by=("runs",), read_by=("judging", "reports")
):
    """A signal was received and passed on to the command."""

    signal: Annotated[str, Text("the name of the signal")] = ""


@dataclass(frozen=True)
class WatchThreshold(Sample, source="watch", name="threshold", written_by=("runs",), read_by=("judging", "reports")):
    """The command's memory exceeded a share of its limit."""

    share: Annotated[float | None, Entry("share of the limit")] = None
    pss_bytes: Annotated[float | None, Entry("PSS of all its processes", "bytes")] = None
    heaviest: Annotated[str, Label("the process that held most")] = ""


@dataclass(frozen=True)
class WatchNotice(Sample, source="watch", name="notice", for_people="a remark about the watch", written_by=("runs",)):
    """A remark that restricts what the verdicts can say."""

    message: Annotated[str, Text("the remark")] = ""
