"""Whether GPUs answered throughout: literal readings in, the whole of what is said out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from histories import Record, plan

from leakdrill.judging.checks.gpu import (
    ANSWERS,
    OWN,
    device_keys,
    gpu_answers_throughout,
    gpu_claims,
    gpu_troubles,
    gpus_are_left_out,
    readings,
    show_part,
    watched,
)
from leakdrill.judging.evidence.windows import Span
from leakdrill.record.events import GpuAbsent, GpuAnswers, GpuDevice, GpuDevices, GpuSilent, GpuXid, Notice, RunPhase

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakdrill.record.verdict import Verdict

    Level = Callable[[float], float]


def record(*, gone: tuple[float, float] = (99, 99), ecc: Level | None = None, model: str = "H100") -> Record:
    """A card that is read twice a second, but not between two times."""
    made = Record().act(RunPhase("baseline"), 5, 15).act(RunPhase("recover"), 60, 80).sample(90, Notice("last"))
    made.sample(1, GpuDevice(device_key="gpu0", model=model))
    for t in np.arange(2, 88, 0.5).tolist():
        if not gone[0] < t < gone[1]:
            errors = {"gpu0.ecc_uncorrected": ecc(t)} if ecc else {}
            made.sample(t, GpuDevices.of({"used_bytes": 1e9, "total_bytes": 8e9} | errors))
    return made


def judged(made: Record) -> Verdict:
    return gpu_answers_throughout(made.history(), scenario=plan())


def troubles(made: Record) -> list[tuple[str, float, bool, list[float]]]:
    history = made.history()
    return [
        (one.text, one.at_s, one.excuses, [history.events[index].t for index in one.events])
        for one in gpu_troubles(history)
    ]


def test_a_card_that_answered_throughout_is_told_with_its_readings() -> None:
    made = record()
    verdict = judged(made)
    assert (verdict.outcome, verdict.message) == ("PASS", "gpu0 (H100) answered throughout: 151 readings in 1 min 15 s")
    assert verdict.numbers == {"troubles": 0, "readings": 151}
    assert [made.history().events[index].t for index in verdict.events] == [5, 80]
    two = judged(record(model="").sample(1, GpuDevice(device_key="gpu1", model="L4")))
    assert two.message.startswith("gpu0 (?), gpu1 (L4) answered throughout: ")


@pytest.mark.parametrize(
    ("gone", "text"),
    [
        ((20, 21), ""),
        ((20, 21.5), "nothing was read for 1.5 s from 20 s on"),
        ((2, 6.5), "nothing was read for 1.5 s from 5 s on"),
        ((78.5, 90), "nothing was read for 1.5 s from 1 min 18 s on"),
        ((79, 90), ""),
        ((1, 90), "the driver did not tell how much memory of the cards is in use"),
    ],
)
def test_a_card_may_be_silent_for_a_second(gone: tuple[float, float], text: str) -> None:
    verdict = judged(record(gone=gone))
    assert (verdict.outcome, verdict.message if text else "") == ("UNKNOWN" if text else "PASS", text)
    if text:
        assert verdict.hint == "`leakdrill doctor` says what there is; dmesg and nvidia-smi say more"
        assert (verdict.numbers["troubles"], verdict.events) == (1, ())


def test_what_is_explained_is_no_silence() -> None:
    made = record(gone=(20, 30)).sample(20.5, GpuSilent("lost", device_key="gpu0", error="GPU is lost"))
    assert judged(made).numbers["troubles"] == 1


def test_a_driver_that_is_not_there_is_told_once_with_its_reason() -> None:
    made = record().sample(20, GpuDevices(error="NVMLError: driver not loaded")).sample(21, GpuDevices(error="again"))
    assert troubles(made) == [("from 20 s on, driver not loaded", 20, True, [20])]
    assert troubles(record().sample(20, GpuDevices())) == []
    plain = record().sample(20, GpuDevices(error="the Driver: gone"))
    assert troubles(plain)[0][0] == "from 20 s on, the Driver: gone"


def test_a_card_that_fell_silent_is_told_with_its_return() -> None:
    made = record().sample(20, GpuSilent("silent", device_key="gpu0", error="time-out"))
    assert troubles(made) == [("gpu0 did not answer at 20 s: time-out", 20, True, [20])]
    made.sample(19, GpuAnswers(device_key="gpu0")).sample(25, GpuAnswers(device_key="gpu1"))
    assert troubles(made)[0][0] == "gpu0 did not answer at 20 s: time-out"
    made.sample(40, GpuAnswers(device_key="gpu0")).sample(30, GpuAnswers(device_key="gpu0"))
    assert troubles(made)[0][0] == "gpu0 did not answer at 20 s and answered again at 30 s: time-out"
    assert troubles(record().sample(20, GpuSilent("lost")))[0][0] == "? was lost at 20 s: "
    at_once = record().sample(20, GpuSilent("lost", device_key="gpu0")).sample(20, GpuAnswers(device_key="gpu0"))
    assert "and answered again at 20 s" in troubles(at_once)[0][0]


def test_an_error_that_a_card_tells_is_named_and_excuses_nothing() -> None:
    made = record().sample(20, GpuXid(79.0, device_key="gpu0")).sample(21, GpuXid(7.0)).sample(22, GpuXid())
    assert troubles(made) == [
        ("gpu0 told XID error 79 (the card has fallen off the bus) at 20 s", 20, False, [20]),
        ("? told XID error 7 at 21 s", 21, False, [21]),
        ("? told XID error 0 at 22 s", 22, False, [22]),
    ]


def test_errors_of_memory_are_counted_from_their_first_rise_on() -> None:
    assert troubles(record(ecc=lambda _t: 3.0)) == []
    assert troubles(record(ecc=lambda t: 3.0 + 2 * (t >= 30) + 4 * (t >= 40))) == [
        ("gpu0 counted 6 errors of its memory that cannot be corrected, from 30 s on", 30, True, [30])
    ]
    assert troubles(record(ecc=lambda t: 3.0 - 2 * (t >= 30))) == []
    assert troubles(record(ecc=lambda t: 1.0 * (t >= 2.5)))[0][1:] == (2.5, True, [2.5])


def test_the_first_three_troubles_are_told_in_order_of_time() -> None:
    made = record(ecc=lambda t: 1.0 * (t >= 22)).sample(40, GpuXid(13.0, device_key="gpu0"))
    made.sample(21, GpuSilent("lost", device_key="gpu0", error="x")).sample(30, GpuDevices(error="gone"))
    verdict = judged(made)
    assert verdict.outcome == "UNKNOWN"
    assert verdict.message == (
        "gpu0 was lost at 21 s: x; gpu0 counted 1 error of its memory that cannot be corrected, from 22 s on; from "
        "30 s on, gone; and 1 more"
    )
    assert (verdict.numbers["troubles"], len(verdict.events)) == (4, 4)
    three = judged(made.drop("gpu", "xid"))
    assert three.message.endswith("; from 30 s on, gone")


def test_slices_of_a_card_that_is_read_as_a_whole_are_left_out() -> None:
    def keys(*names: str) -> list[str]:
        made = Record()
        for name in names:
            made.sample(1, GpuDevice(device_key=name))
        return device_keys(made.history())

    assert keys("gpu0", "gpu0/3", "gpu1/2", "gpu0", "") == ["gpu0", "gpu1/2"]
    assert keys("gpu1/2", "gpu1/3") == ["gpu1/2", "gpu1/3"]
    assert keys() == []


def test_readings_count_from_the_baseline_to_the_end_of_the_watch() -> None:
    made = record()
    times = [event.t for event in readings(made.history())]
    assert (times[0], times[-1], len(times)) == (5, 80, 151)
    assert watched(made.history()) == Span(5, 80)
    assert watched(Record().sample(9, Notice("last")).history()) == Span(0, 9)
    assert readings(record(gone=(1, 90)).sample(20, GpuDevices(error="gone")).history()) == []


def test_a_part_is_told_with_its_share_where_the_whole_is_known() -> None:
    assert show_part(2.0**30, 2.0**32) == "1 GiB (25 %)"
    assert show_part(2.0**30, 0.0) == "1 GiB"


def test_nothing_is_claimed_of_cards_that_may_be_missing_and_are() -> None:
    def claims(gpu: dict[str, object] | None, *, absent: bool) -> list[str]:
        keys = {"name": "gateway", "command": ["gateway"]} | ({"gpu": gpu} if gpu is not None else {})
        asked, made = plan(target=keys), record()
        if absent:
            made.sample(1, GpuAbsent("no driver"))
        assert gpus_are_left_out(made.history(), asked) == (
            absent and gpu is not None and not gpu.get("required", True)
        )
        return [claim.check for claim in gpu_claims(made.history(), asked)]

    assert claims(None, absent=True) == []
    assert claims({}, absent=False) == [ANSWERS.check, OWN.check]
    assert claims({"required": False}, absent=True) == []
    assert claims({"required": False}, absent=False) == claims({}, absent=True) == [ANSWERS.check, OWN.check]
    assert claims({"others": "100%"}, absent=False) == [ANSWERS.check]
