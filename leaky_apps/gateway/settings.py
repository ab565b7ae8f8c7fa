"""What `/admin/config` shows and changes, validated before anything of it takes effect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from leaky_apps.gateway.request_log import LEVELS

if TYPE_CHECKING:
    from collections.abc import Callable

    from leaky_apps.gateway.admission import Admission
    from leaky_apps.gateway.cache import ResponseCache
    from leaky_apps.gateway.request_log import Level, RequestLog

DEFAULT_MAX_PAYLOAD_BYTES: Final = 1 << 20
_MOST_ENTRIES: Final = 1_000_000
_MOST_RPS: Final = 1_000_000


@dataclass(slots=True)
class Settings:
    """The parts of the service that can be set while it runs."""

    cache: ResponseCache
    log: RequestLog
    admission: Admission
    max_payload_bytes: int = DEFAULT_MAX_PAYLOAD_BYTES

    def show(self) -> dict[str, object]:
        """Every setting and its value."""
        return {
            "cache_max_entries": self.cache.max_entries,
            "log_level": self.log.level,
            "rate_limit_enabled": self.admission.rate_limit_enabled,
            "rate_limit_rps": self.admission.rate_limit_rps,
            "max_payload_bytes": self.max_payload_bytes,
        }

    def change(self, wanted: Any) -> None:
        """Set what `wanted` names; nothing of it when any part is wrong.

        Raises:
            ValueError: names the setting, what was found and what is expected.
        """
        if not isinstance(wanted, dict):
            raise ValueError(f"found {type(wanted).__name__}; expected an object of settings")  # noqa: TRY004 - input
        for name, value in wanted.items():
            _check(name, value)
        for name, value in wanted.items():
            self._set(name, value)

    def _set(self, name: str, value: Any) -> None:
        match name:
            case "cache_max_entries":
                self.cache.max_entries = value
            case "log_level":
                self.log.level = cast("Level", value)
            case "rate_limit_enabled":
                self.admission.rate_limit_enabled = value
            case "rate_limit_rps":
                self.admission.rate_limit_rps = float(value)
            case "max_payload_bytes":
                self.max_payload_bytes = value


def _is_int(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _is_rate(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= _MOST_RPS


_RULES: Final[dict[str, tuple[str, Callable[[Any], bool]]]] = {
    "cache_max_entries": (f"a whole number, 1 to {_MOST_ENTRIES}", lambda v: _is_int(v, 1, _MOST_ENTRIES)),
    "log_level": (f"one of {', '.join(LEVELS)}", lambda v: v in LEVELS),
    "rate_limit_enabled": ("true or false", lambda v: isinstance(v, bool)),
    "rate_limit_rps": (f"a number above 0, at most {_MOST_RPS}", _is_rate),
    "max_payload_bytes": (f"a whole number, 1 to {1 << 30}", lambda v: _is_int(v, 1, 1 << 30)),
}


def _check(name: str, value: Any) -> None:
    if name not in _RULES:
        raise ValueError(f"{name}: is no setting; expected one of {', '.join(_RULES)}")
    expected, fits = _RULES[name]
    if not fits(value):
        raise ValueError(f"{name}: found {value!r}; expected {expected}")
