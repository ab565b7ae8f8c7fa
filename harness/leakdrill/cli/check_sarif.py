"""What `leakdrill check` finds, as SARIF: mistakes in files, and rules that find or see nothing in the drill."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from leakdrill.reports.sarif import SarifResult, SarifRule, sarif

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.errors import BadInput

_MISTAKE: Final = SarifRule(
    "mistake-in-a-file", "A scenario, a rules file or a routing cannot be used as it is written."
)
_CANNOT_FIRE: Final = SarifRule("rule-cannot-fire", "A rule cannot fire in the drill, whatever leaks.")
_NO_SERIES: Final = SarifRule("rule-finds-no-series", "A rule asks for a series that the drill does not publish.")
_TIME_SCALE: Final = SarifRule("rule-differs-in-rehearsal", "The time scale changes what a rule says.")
_RULES: Final = (_MISTAKE, _CANNOT_FIRE, _NO_SERIES, _TIME_SCALE)
_PLACE: Final = re.compile(r"(?P<file>[^\n]+?):(?P<line>[1-9]\d*): (?P<message>.*)", re.DOTALL)


def check_sarif(found: dict[str, Any]) -> str:
    """The findings of a plan that can be used: each rule at its line."""
    return sarif(_RULES, list(_of_alerts(found)))


def mistake_sarif(error: BadInput, scenario: Path) -> str:
    """The mistake that makes a plan unusable: at its line, or at the first line of `scenario` where it has none."""
    place = _PLACE.fullmatch(error.message)
    file, line = (place["file"], int(place["line"])) if place else (str(scenario), 1)
    message = place["message"] if place else error.message
    text = f"{message}. {error.hint}" if error.hint else message
    return sarif(_RULES, [SarifResult(_MISTAKE.name, "error", _relative(file), line, text)])


def _of_alerts(found: dict[str, Any]) -> Iterator[SarifResult]:
    for alert in found["alerts"]:
        file, line, name = _relative(alert["file"]), int(alert["line"]), alert["alert"]
        if alert["cannot_fire"]:
            text = f"{name} cannot fire in {found['scenario']}: {alert['cannot_fire']}"
            yield SarifResult(_CANNOT_FIRE.name, "warning", file, line, text)
        for selector in alert["finds_nothing"]:
            own = f"; the service's own {found['metrics']} may have it" if found["metrics"] else ""
            text = f"{name} finds no series of {found['scenario']}: {selector}{own}"
            yield SarifResult(_NO_SERIES.name, "warning", file, line, text)
        for remark in alert["changes_with_time_scale"]:
            yield SarifResult(_TIME_SCALE.name, "note", file, line, f"{name}: not as in production: {remark}")


def _relative(file: str) -> str:
    """The file below the working folder, as code hosts want it; elsewhere as it is."""
    path = Path(os.path.normpath(Path(file).absolute()))
    return path.relative_to(Path.cwd()).as_posix() if path.is_relative_to(Path.cwd()) else str(path)
