"""How a moment of the past is told: since its beginning, or as a date where it has one."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from leakdrill.units import show_duration

if TYPE_CHECKING:
    from leakdrill.backtest.past import Past


def moment(t_s: float, past: Past) -> str:
    """Returns when `t_s` is, in production time since the beginning; as a date where `past` has one."""
    if past.began is None:
        return show_duration(t_s)
    return f"{past.began + timedelta(seconds=t_s):%Y-%m-%d %H:%M:%S}Z"
