"""Every meter of memory multiplied by one factor at one moment: seen by what does not change with what is allocated."""

from __future__ import annotations

import numpy as np
import pytest

from leakdrill.judging.evidence.meter_scale import FILES, Witness, Witnesses, one_factor

MIB = 1024**2
SECONDS = np.arange(0, 40, 0.1)
SLOW = np.arange(0, 40, 1.0)
MOMENT_S = 20.05


def _from(times: np.typing.NDArray[np.float64], before: float, after: float) -> np.typing.NDArray[np.float64]:
    return np.where(times < MOMENT_S, before, after) * MIB


def _part(what: str, before: float, after: float, *, slow: bool = False) -> Witness:
    times = SLOW if slow else SECONDS
    count, skipped = (2, 0) if slow else (10, 1) if what == FILES else (4, 1)
    return Witness(what, times, _from(times, before, after), tuple(range(len(times))), count, skipped)


def _doubts(files: tuple[float, float], *others: tuple[float, float], mapped: tuple[float, float]) -> list[str]:
    again = _part(FILES, *files, slow=True)
    names = ("anonymous memory", "page cache", "what is shared with others")
    parts = [_part(name, *levels, slow=name == names[2]) for name, levels in zip(names, others, strict=True)]
    witnesses = Witnesses(_part(FILES, *files), again, parts, [_part("mapped memory", *mapped), parts[1]])
    return [doubt.text for doubt in one_factor(witnesses)]


def test_what_is_allocated_may_fall_by_any_ratio() -> None:
    assert _doubts((18, 18), (130, 30), (0.8, 0.8), (2.5, 2.5), mapped=(220, 120)) == []


@pytest.mark.parametrize("factor", [0.5, 0.25, 1 / 1024, 0.9, 0.8])
def test_one_factor_over_all_of_it_is_seen(factor: float) -> None:
    texts = _doubts((18, 18 * factor), (30, 30 * factor), (0.8, 0.8), (2.5, 2.5 * factor), mapped=(220, 220))
    assert len(texts) == 1
    assert f"by the factor {factor:.3g} at 20 s" in texts[0]
    assert "anonymous memory" in texts[0]


def test_it_is_seen_where_memory_is_freed_at_the_same_moment() -> None:
    texts = _doubts((18, 14.4), (130, 24), (0.8, 0.64), (2.5, 2.0), mapped=(220, 120))
    assert len(texts) == 1
    assert "anonymous memory" not in texts[0]
    assert "what is shared with others from 2.5 MiB to 2 MiB" in texts[0]


def test_files_that_are_no_longer_mapped_leave_memory() -> None:
    assert _doubts((68, 18), (130, 100), (0.8, 0.8), (2.5, 2.5), mapped=(270, 200)) == []


def test_files_that_are_mapped_and_gone_are_in_doubt_where_anonymous_memory_falls_too() -> None:
    texts = _doubts((18, 9), (30, 11), (0.8, 0.8), (2.5, 2.5), mapped=(220, 220))
    assert len(texts) == 1
    assert "and as much was mapped as before" in texts[0]


@pytest.mark.parametrize("anonymous", [(30, 30), (30, 31), (30, 28)])
def test_pages_of_files_that_the_kernel_took_back_are_no_reason_for_doubt(anonymous: tuple[float, float]) -> None:
    assert _doubts((19.2, 5.95), anonymous, (0.8, 0.8), (2.5, 2.5), mapped=(220, 220)) == []
    assert _doubts((19.2, 5.95), anonymous, (0.8, 0.8), (1.61, 0.516), mapped=(220, 220)) == []


def test_page_cache_that_the_kernel_took_back_explains_it() -> None:
    assert _doubts((18, 14), (30, 30), (9, 5), (2.5, 2.5), mapped=(220, 220)) == []


def test_files_that_are_read_for_the_first_time_are_no_reason_for_doubt() -> None:
    assert _doubts((18, 30), (30, 30), (0.8, 0.8), (2.5, 2.5), mapped=(220, 220)) == []


def test_too_few_readings_say_nothing() -> None:
    few = Witness(FILES, SECONDS[:3], np.array([9.0, 9.0, 1.0]) * MIB, (0, 1, 2), 10)
    assert list(one_factor(Witnesses(few, None, [], []))) == []
