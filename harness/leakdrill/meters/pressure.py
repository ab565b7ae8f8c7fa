"""Pressure stall information, of a machine or of a control group. Source: the kernel's accounting/psi.rst."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_LINE: Final = re.compile(rb"^(some|full) .*\btotal=(\d+)", re.MULTILINE)
_KINDS: Final = {b"some": "waiting", b"full": "stalled"}
_US: Final = 1e-6


def parse_pressure(texts: Mapping[str, bytes]) -> dict[str, float]:
    """Seconds of waiting (some task) and stalling (all tasks), as `cpu_waiting_seconds`.

    Args:
        texts: the files' contents by resource: cpu, memory and io. An empty one says nothing.
    """
    return {
        f"{what}_{_KINDS[kind]}_seconds": int(total) * _US
        for what, text in texts.items()
        for kind, total in _LINE.findall(text)
    }
