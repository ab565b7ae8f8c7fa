"""OpenMetrics text: every verdict and every figure behind it, as GitLab's metrics report and Prometheus read it.

Format: the OpenMetrics 1.0 specification. Every family is a gauge, because each is a reading of one run.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from leakdrill.printable import printable
from leakdrill.record.verdict import worst

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from leakdrill.record.verdict import Verdict

_Sample = tuple[str, float]
"""Labels as text, and the value."""

_UNFIT: Final = re.compile(r"[^a-zA-Z0-9_]+")
_UNITS: Final = ("bytes_per_request", "bytes_per_second", "bytes", "seconds")
"""Units that names end in, longest first; `_s` is written out."""

_HELP: Final = {
    "leakdrill_run_severity": "0 all claims passed, 1 one is unknown, 2 one failed.",
    "leakdrill_severity": "0 PASS, 1 UNKNOWN, 2 FAIL.",
}


def openmetrics(verdicts: Sequence[Verdict], *, name: str) -> str:
    """The verdicts on scenario `name` with their numbers, labelled by scenario, check and subject.

    Words and missing numbers are left out; yes and no are 1 and 0.
    """
    families: dict[str, dict[str, float]] = {}
    for family, (labels, value) in _samples(verdicts, printable(name)):
        families.setdefault(family, {}).setdefault(labels, value)
    lines = [line for family, samples in families.items() for line in _family(family, samples)]
    return "\n".join([*lines, "# EOF", ""])


def _samples(verdicts: Sequence[Verdict], scenario: str) -> Iterator[tuple[str, _Sample]]:
    yield "leakdrill_run_severity", (_labels({"scenario": scenario}), worst(verdicts).severity)
    for verdict in verdicts:
        identity = {"scenario": scenario, "check": printable(verdict.check), "subject": printable(verdict.subject)}
        labels = _labels(identity)
        yield "leakdrill_severity", (labels, verdict.outcome.severity)
        for number, value in verdict.numbers.items():
            if isinstance(value, int | float):
                yield _name(number), (labels, float(value))


def _name(number: str) -> str:
    """A valid family name that ends in its unit; `_value` where OpenMetrics keeps the ending for another type."""
    plain = _UNFIT.sub("_", number).strip("_") or "number"
    plain = re.sub("_s$", "_seconds", plain)
    reserved = plain.endswith(("_total", "_info", "_created", "_count", "_sum", "_bucket", "_gsum", "_gcount"))
    family = f"leakdrill_{plain}{'_value' if reserved else ''}"
    return f"{family}_of_claim" if family in _HELP else family


def _family(family: str, samples: Mapping[str, float]) -> Iterator[str]:
    yield f"# TYPE {family} gauge"
    unit = next((unit for unit in _UNITS if family.endswith(f"_{unit}")), "")
    if unit:
        yield f"# UNIT {family} {unit}"
    if family in _HELP:
        yield f"# HELP {family} {_HELP[family]}"
    for labels, value in samples.items():
        yield f"{family}{labels} {_number(value)}"


def _labels(labels: Mapping[str, str]) -> str:
    pairs = ",".join(f'{key}="{_escaped(value)}"' for key, value in labels.items())
    return f"{{{pairs}}}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    """A number in OpenMetrics: whole numbers without a point, and `+Inf`, `-Inf`, `NaN`."""
    special = {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}.get(str(float(value)))
    return special or (f"{value:.0f}" if float(value).is_integer() and abs(value) < 1e15 else repr(float(value)))  # noqa: PLR2004 - beyond this a float has no ones
