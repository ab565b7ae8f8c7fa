"""`leakdrill watch`: a command under observation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from leakdrill.record.event_class import ActEvent, Sample
from leakdrill.record.parts import Entry, Label, Text


@dataclass(frozen=True)
class WatchAttempt(ActEvent, source="watch", name="attempt", written_by=("runs",), read_by=("judging",)):
    """The command was run."""

    number: Annotated[str, Label("the attempt's number, from 1")] = ""
    mode: Annotated[str, Label("the mode's name; empty when there are none")] = ""
    available_bytes: Annotated[str, Label("memory available when it began", "bytes")] = ""


@dataclass(frozen=True)
class WatchExited(Sample, source="watch", name="exited", written_by=("judging", "runs"), read_by=("judging",)):
    """The command ended."""

    status: Annotated[float | None, Entry("exit code; if negative, the number of the signal that ended it")] = None
    largest_process_bytes: Annotated[float | None, Entry("largest resident set of one process", "bytes")] = None
    number: Annotated[str, Label("the attempt's number")] = ""
    signal: Annotated[str, Label("the signal's name; empty when there was none")] = ""
    oom_kill: Annotated[str, Label("`true` or `false`; empty if that is not known")] = ""


@dataclass(frozen=True)
class WatchInterrupted(Sample, source="watch", name="interrupted", written_by=("runs",), read_by=("judging",)):
    """A signal was received and passed on to the command."""

    signal: Annotated[str, Text("the name of the signal")] = ""


@dataclass(frozen=True)
class WatchThreshold(
    Sample,
    source="watch",
    name="threshold",
    for_people="shows when a share of the limit was exceeded",
    written_by=("runs",),
):
    """The command's memory exceeded a share of its limit."""

    share: Annotated[float | None, Entry("share of the limit")] = None
    pss_bytes: Annotated[float | None, Entry("PSS of all its processes", "bytes")] = None
    heaviest: Annotated[str, Label("the process that held most")] = ""


@dataclass(frozen=True)
class WatchNotice(Sample, source="watch", name="notice", for_people="a remark about the watch", written_by=("runs",)):
    """A remark that restricts what the verdicts can say."""

    message: Annotated[str, Text("the remark")] = ""
