"""Whether the GPUs answered, and whose their memory was: what is not the service's doing is named, and never a PASS.

A GPU that falls off, a driver that is missing or does not fit, another tenant's process that takes the memory: each
makes its claim UNKNOWN, and whatever else failed because of it is not laid on the service (`gpu_blame.py`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import numpy as np

from leakdrill.judging.evidence.check import where
from leakdrill.judging.evidence.claim import Claim
from leakdrill.judging.evidence.trouble import Trouble
from leakdrill.judging.evidence.windows import Span, gaps, watched_until_s
from leakdrill.record.events import GpuAbsent, GpuAnswers, GpuDevice, GpuDevices, GpuSilent, GpuXid
from leakdrill.units import show_count, show_duration, show_share, show_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.record.history import History
    from leakdrill.record.verdict import Number, Verdict
    from leakdrill.scenario.scenario import Scenario

LONGEST_GAP_S: Final = 1.0
"""A GPU that says nothing for longer was not watched."""

_MOST_NAMED: Final = 3
_MEANING: Final = {
    13: "an exception of the computation, often the program's own mistake",
    31: "a memory fault, often the program's own mistake",
    43: "a computation was ended after a fault",
    45: "computations were ended beforehand",
    48: "an error of memory that cannot be corrected",
    63: "a page of memory was retired",
    64: "a page of memory could not be retired",
    79: "the card has fallen off the bus",
    94: "a contained error of memory",
    95: "an error of memory that could not be contained",
}
"""The commoner XID errors, after NVIDIA's XID catalogue."""

_NAME_OF_CLASS: Final = re.compile(r"^[A-Z]\w+: ")
"""Records of before begin with the class of the error."""


def gpu_claims(history: History, scenario: Scenario) -> list[Claim]:
    """The claims about the target's GPUs; none where it names none, or where they may be missing and are."""
    gpu = scenario.target.gpu
    if gpu is None or gpus_are_left_out(history, scenario):
        return []
    return [ANSWERS, *([OWN] if gpu.others < 1 else [])]


def gpus_are_left_out(history: History, scenario: Scenario) -> bool:
    """Whether the scenario's GPUs may be missing, and are: then nothing is claimed of them or of their memory."""
    gpu = scenario.target.gpu
    return gpu is not None and not gpu.required and bool(history.of(GpuAbsent))


ANSWERS: Final = Claim("gpu_answers_throughout")
OWN: Final = Claim("gpu_memory_is_the_targets_own")


def gpu_answers_throughout(history: History, *, scenario: Scenario) -> Verdict:
    """Whether every GPU that the target uses answered from the baseline to the end, without errors of its own."""
    del scenario
    span, read = watched(history), history.series(GpuDevices, "used_bytes")
    troubles = [*gpu_troubles(history), *_silence(history, span)]
    samples = read.between(span.start_s, span.end_s)
    numbers: dict[str, Number] = {"troubles": len(troubles), "readings": len(samples)}
    if troubles:
        more = f"; and {len(troubles) - _MOST_NAMED} more" if len(troubles) > _MOST_NAMED else ""
        return ANSWERS.unknown(
            "; ".join(one.text for one in troubles[:_MOST_NAMED]) + more,
            numbers=numbers,
            events=[index for one in troubles for index in one.events],
            hint="`leakdrill doctor` says what there is; dmesg and nvidia-smi say more",
        )
    devices = {e.device_key: e for e in history.of(GpuDevice)}
    names = ", ".join(f"{key} ({e.model or '?'})" for key, e in devices.items())
    return ANSWERS.holds(
        f"{names} answered throughout: {show_count(len(samples), 'reading')} in {show_duration(span.length_s)}",
        numbers=numbers,
        events=samples.indices[:1] + samples.indices[-1:],
    )


def gpu_troubles(history: History) -> list[Trouble]:
    """Drivers that were not there, GPUs that fell silent, and errors that they reported, in the order of time."""
    return sorted([*_missing(history), *_silent(history), *_xids(history), *_ecc(history)], key=lambda one: one.at_s)


def watched(history: History) -> Span:
    """The span in which the GPUs count: from the baseline to the end of `recover`."""
    baseline = history.phase("baseline")
    return Span(baseline[0] if baseline else 0.0, watched_until_s(history))


def _missing(history: History) -> Iterator[Trouble]:
    for event in history.of(GpuDevices):
        if not event.values and event.error:
            reason = _NAME_OF_CLASS.sub("", event.error)
            yield Trouble(f"from {show_duration(event.t)} on, {reason}", event.t, (event.index,))
            return


def _silent(history: History) -> Iterator[Trouble]:
    for event in history.of(GpuSilent):
        condition = "was lost" if event.state == "lost" else "did not answer"
        key = event.device_key or "?"
        back = [e for e in history.of(GpuAnswers) if e.t >= event.t and e.device_key == key]
        until = f" and answered again at {show_duration(back[0].t)}" if back else ""
        yield Trouble(f"{key} {condition} at {show_duration(event.t)}{until}: {event.error}", event.t, (event.index,))


def _xids(history: History) -> Iterator[Trouble]:
    for event in history.of(GpuXid):
        number = int(event.xid or 0)
        meaning = f" ({_MEANING[number]})" if number in _MEANING else ""
        key = event.device_key or "?"
        text = f"{key} told XID error {number}{meaning} at {show_duration(event.t)}"
        yield Trouble(text, event.t, (event.index,), excuses=False)


def _ecc(history: History) -> Iterator[Trouble]:
    for key in device_keys(history):
        counted = history.series(GpuDevices, f"{key}.ecc_uncorrected")
        rose = np.flatnonzero(np.diff(counted.values) > 0) + 1
        if len(rose):
            place, more = int(rose[0]), float(counted.values[-1] - counted.values[0])
            at_s = float(counted.t[place])
            text = (
                f"{key} counted {show_count(more, 'error')} of its memory that cannot be corrected, "
                f"from {show_duration(at_s)} on"
            )
            yield Trouble(text, at_s, (counted.indices[place],))


def _silence(history: History, span: Span) -> list[Trouble]:
    """Stretches without a reading of all GPUs that nothing else explains."""
    read = history.series(GpuDevices, "used_bytes")
    if gpu_troubles(history):
        return []
    if not len(read.between(span.start_s, span.end_s)):
        return [Trouble("the driver did not tell how much memory of the cards is in use", span.start_s, ())]
    return [
        Trouble(
            f"nothing was read for {show_duration(gap.length_s)} from {show_duration(gap.start_s)} on", gap.start_s, ()
        )
        for gap in gaps(read.t.tolist(), span, longest_s=LONGEST_GAP_S)
    ]


def device_keys(history: History) -> list[str]:
    """The GPUs that were read, as their fields begin; MIG slices of a GPU that is read as a whole are left out."""
    keys = list(dict.fromkeys(e.device_key for e in history.of(GpuDevice)))
    return [key for key in keys if key and key.partition("/")[0] not in set(keys) - {key}]


def readings(history: History) -> list[GpuDevices]:
    """The readings of the GPUs while the drill was watched."""
    span = watched(history)
    return [e for e in history.of(GpuDevices) if e.values and span.start_s <= e.t <= span.end_s]


def show_part(part: float, whole: float) -> str:
    """`part` with its unit, and as a share of the GPU's memory."""
    return f"{show_size(part)} ({show_share(part / whole)})" if whole else show_size(part)


GPU_ANSWERS: Final = where(
    lambda history, scenario: ANSWERS in gpu_claims(history, scenario),
    ANSWERS.check,
    "Every GPU that the target uses answered from the baseline to the end, without errors of its own.",
    gpu_answers_throughout,
)
