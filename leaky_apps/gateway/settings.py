"""What can be set at the gateway while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leaky_apps.gateway.request_log import LEVELS
from leaky_apps.service.settings import Settings, above_zero, attribute, flag, one_of, whole

if TYPE_CHECKING:
    from leaky_apps.gateway.cache import ResponseCache
    from leaky_apps.gateway.request_log import RequestLog
    from leaky_apps.service.admission import Admission

_MOST_ENTRIES: Final = 1_000_000
_MOST_RPS: Final = 1_000_000
_MOST_BYTES: Final = 1 << 30


class PayloadLimits:
    """How large a request may be.

    Attributes:
        max_payload_bytes: of a request's body.
    """

    def __init__(self) -> None:
        self.max_payload_bytes = 1 << 20


def gateway_settings(cache: ResponseCache, log: RequestLog, admission: Admission, limits: PayloadLimits) -> Settings:
    """The settings of a gateway made of these parts."""
    return Settings(
        {
            "cache_max_entries": attribute(whole(1, _MOST_ENTRIES), cache, "max_entries"),
            "log_level": attribute(one_of(LEVELS), log, "level"),
            "rate_limit_enabled": attribute(flag(), admission, "rate_limit_enabled"),
            "rate_limit_rps": attribute(above_zero(_MOST_RPS), admission, "rate_limit_rps"),
            "max_payload_bytes": attribute(whole(1, _MOST_BYTES), limits, "max_payload_bytes"),
        }
    )
