"""The parts of the gateway that need no server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from leaky_apps.gateway.cache import ResponseCache
from leaky_apps.gateway.inference import Inference, Workers
from leaky_apps.gateway.leaks.log_flood import LogFlood
from leaky_apps.gateway.leaks.unbounded_cache import UnboundedCache
from leaky_apps.gateway.model import FEATURE_BYTES, Model, as_matrix, prediction
from leaky_apps.gateway.pending import AuditReports
from leaky_apps.gateway.request_log import DUMP_BYTES, RequestLog
from leaky_apps.gateway.settings import all_settings, gateway_settings, inference_settings
from leaky_apps.service.admission import Admission

if TYPE_CHECKING:
    from pathlib import Path

    from leaky_apps.service.settings import Settings

BLOCK = np.zeros(16384, dtype=np.float32)


def fill(cache: ResponseCache, start: int, stop: int) -> None:
    for number in range(start, stop):
        cache.put(str(number), BLOCK)


def test_the_twin_holds_the_64_used_last() -> None:
    cache = ResponseCache()
    fill(cache, 0, 64)
    assert cache.get("0") is not None
    fill(cache, 64, 65)
    assert (len(cache), cache.get("0") is None, cache.get("1")) == (64, False, None)
    assert cache.held_bytes == 64 * FEATURE_BYTES


def test_switching_the_leak_off_stops_the_growth_and_releases_nothing() -> None:
    cache = ResponseCache()
    leak = UnboundedCache(cache)
    leak.switch(on=True)
    fill(cache, 0, 300)
    leak.switch(on=False)
    fill(cache, 300, 400)
    assert (len(cache), leak.on) == (300, False)
    cache.max_entries = 10
    fill(cache, 400, 410)
    assert len(cache) == 300


def test_clearing_releases_all_and_brings_the_bound_back() -> None:
    cache = ResponseCache()
    leak = UnboundedCache(cache)
    leak.switch(on=True)
    fill(cache, 0, 300)
    leak.switch(on=False)
    assert cache.clear() == 300
    assert cache.held_bytes == 0
    fill(cache, 0, 100)
    assert len(cache) == 64


def test_clearing_does_not_end_a_leak_that_is_on() -> None:
    cache = ResponseCache()
    leak = UnboundedCache(cache)
    leak.switch(on=True)
    cache.clear()
    fill(cache, 0, 100)
    assert (len(cache), leak.on) == (100, True)


def test_the_same_request_has_the_same_answer_in_any_process() -> None:
    data = as_matrix([[1, 2, 3], [4, 5, 6]])
    first, second = Model().features(data), Model().features(data)
    assert first.nbytes == FEATURE_BYTES == 65536
    assert prediction(first) == prediction(second)


@pytest.mark.parametrize("data", [[], [[]], 5, [[1, 2], [3]], [["a"]], [[float("inf")]], [[0] * 17], None])
def test_data_that_is_no_matrix_is_refused(data: object) -> None:
    with pytest.raises(ValueError, match="data: "):
        as_matrix(data)


def test_half_means_exactly_half() -> None:
    admission = Admission()
    admission.mode, admission.accept_rate = "degraded", 0.5
    assert [admission.refusal() for _ in range(4)] == [503, None, 503, None]


def test_the_rate_limit_lets_in_one_second_at_once_and_then_the_rate() -> None:
    now = [0.0]
    admission = Admission(clock=lambda: now[0])
    admission.rate_limit_enabled, admission.rate_limit_rps = True, 2
    assert [admission.refusal() for _ in range(3)] == [None, None, 429]
    now[0] = 0.5
    assert [admission.refusal() for _ in range(2)] == [None, 429]


def request_log(tmp_path: Path) -> RequestLog:
    return RequestLog(tmp_path / "gateway.log")


def settings(tmp_path: Path, log: RequestLog | None = None) -> Settings:
    inference = Inference()
    return all_settings(
        gateway_settings(ResponseCache(), log or request_log(tmp_path), Admission()),
        inference_settings(inference, Workers(), AuditReports(inference)),
    )


@pytest.mark.parametrize(
    "wanted",
    [
        {"cache_max_entries": 0}, {"cache_max_entries": True}, {"log_level": "loud"}, {"log_level": ["info"]},
        {"rate_limit_rps": 0}, {"rate_limit_enabled": 1}, {"colour": "red"}, [], {"max_payload_bytes": "10MB"},
        {"max_batch_size": 0}, {"num_workers": 1.5}, {"use_quantization": "yes"}, {"request_timeout_s": -1},
    ],
)  # fmt: skip
def test_a_wrong_setting_changes_nothing_beside_it(tmp_path: Path, wanted: object) -> None:
    these = settings(tmp_path)
    before = these.show()
    both = {"rate_limit_rps": 5, **wanted} if isinstance(wanted, dict) and "rate_limit_rps" not in wanted else wanted
    with pytest.raises(ValueError, match="expected"):
        these.change(both)
    assert these.show() == before


def test_the_flood_is_the_debug_level_and_a_runbook_can_lower_it(tmp_path: Path) -> None:
    log = request_log(tmp_path)
    these = settings(tmp_path, log)
    leak = LogFlood(log)
    leak.switch(on=True)
    assert these.show()["log_level"] == "debug"
    these.change({"log_level": "info"})
    assert not leak.on


def test_a_dump_is_as_long_as_declared_and_follows_truncation_and_rotation(tmp_path: Path) -> None:
    log = request_log(tmp_path)
    log.record("1", status=200, seconds=0.01, block=BLOCK, cached=False)
    line = log.size_bytes
    assert 100 < line < 130
    log.level = "debug"
    log.record("2", status=200, seconds=0.01, block=BLOCK, cached=False)
    assert log.size_bytes == 2 * line + DUMP_BYTES
    log.path.write_bytes(b"")
    log.record("3", status=503, seconds=0.01, cached=False)
    assert log.size_bytes == line
    log.path.rename(log.path.with_name("gateway.log.1"))
    log.record("4", status=503, seconds=0.01, cached=False)
    assert (log.size_bytes, log.write_errors) == (line, 0)
    log.close()


def test_a_log_that_cannot_be_written_is_counted_and_harms_nobody(tmp_path: Path) -> None:
    log = RequestLog(tmp_path / "missing" / "gateway.log")
    log.record("1", status=200, seconds=0.01, cached=False)
    assert (log.write_errors, log.size_bytes) == (1, 0)
