"""Why a mutant may live: reasons by what it changes."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def read_reasons(path: Path) -> list[tuple[re.Pattern[str], str]]:
    """The reasons of `path`, each with the pattern of the changes it speaks of; none where there is no such file."""
    kinds = tomllib.loads(path.read_text())["kind"] if path.exists() else []
    return [(re.compile(kind["change"]), kind["reason"]) for kind in kinds]


def reason_of(survivor: str, reasons: list[tuple[re.Pattern[str], str]]) -> str:
    """The reason of the first pattern that `survivor` matches; empty where there is none."""
    return next((reason for pattern, reason in reasons if pattern.search(survivor)), "")
