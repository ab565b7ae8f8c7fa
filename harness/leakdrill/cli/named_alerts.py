"""Rules that a person names, of which one at least is an alert."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.alerting.rules import read_rules
from leakdrill.errors import BadInput

if TYPE_CHECKING:
    from pathlib import Path

    from leakdrill.alerting.rules import Rules


def read_alerts(path: Path) -> Rules:
    """Returns the rules of a file, a folder or a pattern.

    Raises:
        BadInput: when they cannot be read, or hold no alerting rule; names the file.
    """
    rules = read_rules([path])
    if not rules.alerts:
        raise BadInput(f"{path}: has no alerting rule; expected one at least")
    return rules
