"""The gateway's settings, which can be changed while it runs."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Final

from leaky_apps.gateway.request_log import LEVELS
from leaky_apps.service.settings import Setting, Settings, above_zero, attribute, flag, from_zero, one_of, whole

if TYPE_CHECKING:
    from leaky_apps.gateway.cache import ResponseCache
    from leaky_apps.gateway.inference import Inference, Workers
    from leaky_apps.gateway.pending import AuditReports
    from leaky_apps.gateway.request_log import RequestLog
    from leaky_apps.service.admission import Admission

_MOST_ENTRIES: Final = 1_000_000
_MOST_RPS: Final = 1_000_000
_MOST_BYTES: Final = 1 << 30
_MOST_ROWS: Final = 1024
_MOST_WORKERS: Final = 256
_MOST_SECONDS: Final = 3600


def gateway_settings(cache: ResponseCache, log: RequestLog, admission: Admission) -> dict[str, Setting]:
    """The settings of what is around the model."""
    return {
        "cache_max_entries": attribute(whole(1, _MOST_ENTRIES), cache, "max_entries"),
        "log_level": attribute(one_of(LEVELS), log, "level"),
        "rate_limit_enabled": attribute(flag(), admission, "rate_limit_enabled"),
        "rate_limit_rps": attribute(above_zero(_MOST_RPS), admission, "rate_limit_rps"),
        "gc_enabled": Setting(flag(), gc.isenabled, _switch_collector),
    }


def inference_settings(inference: Inference, workers: Workers, reports: AuditReports) -> dict[str, Setting]:
    """The settings of the model's work. A new time-out is applied to what is under way, too."""

    def set_timeout(seconds: float) -> None:
        inference.request_timeout_s = seconds
        reports.give_up()

    return {
        "max_batch_size": attribute(whole(1, _MOST_ROWS), inference, "max_batch_size"),
        "num_workers": attribute(whole(1, _MOST_WORKERS), workers, "count"),
        "use_quantization": attribute(flag(), inference, "use_quantization"),
        "max_payload_bytes": attribute(whole(1, _MOST_BYTES), inference, "max_payload_bytes"),
        "max_result_bytes": attribute(whole(1, _MOST_BYTES), inference, "max_result_bytes"),
        "request_timeout_s": Setting(from_zero(_MOST_SECONDS), lambda: inference.request_timeout_s, set_timeout),
    }


def all_settings(*families: dict[str, Setting]) -> Settings:
    """Several families as one."""
    return Settings({name: setting for family in families for name, setting in family.items()})


def _switch_collector(on: bool) -> None:
    if on:
        gc.enable()
    else:
        gc.disable()
