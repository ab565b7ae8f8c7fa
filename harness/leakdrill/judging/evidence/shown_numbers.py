"""The numbers that the output of a command shows, by what they count.

Prometheus' answers hold the time of each value beside it: there only the values count. In a table, a column whose head
has a `%` holds percentages without a sign.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from leakdrill.scenario.rehearsal import Sought

_NUMBER: Final = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)\s?(%|[KMGTkmgt]i?B?|B|ms|s)?(?![\w.]*\w)")
_FACTORS: Final = {"k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40, "": 1.0}


def shown_numbers(output: str, unit: str) -> list[float]:
    """The numbers in `output` that count `unit`: percent, bytes, seconds, or nothing that is told."""
    values = _prometheus_values(output)
    if values is not None:
        return values
    numbers = [value for text, word in _NUMBER.findall(output) if (value := _as(unit, float(text), word)) is not None]
    return [*numbers, *(_columns(output) if unit == "%" else [])]


def shows(sought: Sought, output: str) -> bool | None:
    """Whether a number on the sought side of the bound is in `output`; None where no number of its unit is."""
    numbers = shown_numbers(output, sought.unit)
    if not numbers:
        return None
    return any(number > sought.bound if sought.above else number < sought.bound for number in numbers)


def _as(unit: str, number: float, word: str) -> float | None:
    """`number` with the unit `word` in terms of `unit`; None where it counts something else."""
    if unit == "%":
        return number if word == "%" else None
    if unit == "s":
        return {"s": number, "ms": number / 1000}.get(word)
    if unit == "bytes":
        size = word.lower().removesuffix("b")
        return number * _FACTORS[size] if word and word not in ("%", "s", "ms") else None
    return number if not word else None


def _columns(output: str) -> list[float]:
    lines = [line.split() for line in output.splitlines()]
    heads = [at for at, word in enumerate(lines[0]) if "%" in word and len(word) > 1] if lines else []
    cells = [line[at] for line in lines[1:] for at in heads if at < len(line)]
    return [float(cell) for cell in cells if re.fullmatch(r"\d+(\.\d+)?", cell)]


def _prometheus_values(output: str) -> list[float] | None:
    """The values of an answer of Prometheus' API, none of one that was cut off; None where it is something else."""
    try:
        answer: Any = json.loads(output)
        results = answer["data"]["result"]
        pairs = [pair for one in results for pair in (one.get("values") or [one["value"]])]
        return [float(value) for _, value in pairs]
    except (ValueError, KeyError, TypeError, AttributeError):
        return [] if output.startswith('{"status":') else None
