"""One number in the prose and another in the rule: thresholds and durations of the same thing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.expressions import Expression, Threshold, expressions, subject_of, threshold
from leakdrill.runbooks.finding import Finding, Level
from leakdrill.units import plain, show_duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from leakdrill.runbooks.rule_text import PrintedRule
    from leakdrill.runbooks.runbook import Runbook

THRESHOLD: Final = "threshold-differs"
THRESHOLD_SUMMARY: Final = "one threshold in the text and another in the rule"
UNIT: Final = "threshold-unit-differs"
UNIT_SUMMARY: Final = "a threshold as 0.8 in the text and as 80 in the rule, or the other way round"
DURATION: Final = "duration-differs"
DURATION_SUMMARY: Final = "one duration in the text and another in the rule"
_ABOVE: Final = (
    r"(?:>=?|\u2265|\babove|\bover|\bexceed(?:s|ed|ing)?|\b(?:more|greater|higher|larger) than|\bat least"
    r"|\breach(?:es|ed)?|\bthreshold(?: is| of|:)?|\bpasses|\bcross(?:es|ed)?)"
)
_BELOW: Final = r"(?:<=?|\u2264|\bbelow|\bunder|\b(?:less|lower|fewer) than|\bdrops? to)"
_NUMBER: Final = (
    r"\s*[:=~]?\s*(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>%|per ?cent\b)?"
    r"(?![\w.]*\d|\s*(?:[KMGT]i?B?|[smhd]|ms|min|GB|MB)\b)"
)
_COMPARED: Final = {
    True: re.compile(_ABOVE + _NUMBER, re.IGNORECASE),
    False: re.compile(_BELOW + _NUMBER, re.IGNORECASE),
}
"""By whether the rule holds for values above its number."""
_DIGIT: Final = re.compile(r"\d")
_LEVELS: Final = re.compile(
    r"\b(?:warning|critical|emergency)\b[^\d%(]{0,12}\(?\s*(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>%)", re.IGNORECASE
)
_TIME: Final = r"(?P<count>\d+)\s*-?(?P<unit>seconds?|minutes?|hours?|sec|min|s|m|h)\b"
_FOR: Final = re.compile(rf"\bfor\s+(?:at least |more than |over |the last |about )?{_TIME}", re.IGNORECASE)
_KEYED: Final = re.compile(rf"^(?:duration|for|pending|fires? after)\s*[:=]\s*{_TIME}", re.IGNORECASE)
_TEMPLATE: Final = re.compile(r"\{\{.*?\}\}")
_SECONDS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0}
_NEVER_A_SHARE: Final = 100.0


@dataclass(frozen=True)
class _Written:
    """A number of the prose."""

    line: int
    text: str
    per_cent: float
    has_unit: bool


def thresholds_that_differ(runbook: Runbook) -> Iterator[Finding]:
    """Yields a finding for each rule or query whose threshold is none of those that the text has for the same thing."""
    for one in expressions(runbook):
        compared = threshold(one.tree)
        if compared is None or compared.per_cent is None or one.in_command:
            continue
        own = _in_annotations(one, compared)
        text = [] if own else _in_text(runbook, one, compared)
        yield from _compared(one, compared, own or text)


def _compared(one: Expression, compared: Threshold, written: Sequence[_Written]) -> Iterator[Finding]:
    what = f"the alert {one.rule.name}" if one.rule else "the query"
    wanted = compared.per_cent or 0.0
    if not written:
        return
    if any(number.per_cent == wanted for number in written if number.has_unit):
        return
    scaled = next((n for n in written if not n.has_unit and n.per_cent in (wanted, wanted * 100, wanted / 100)), None)
    if scaled is not None:
        if plain(compared.value) != scaled.text:
            has = f"{what} has {plain(compared.value)}"
            text = f"{has}, and the text {scaled.text} (line {scaled.line}): the same in another unit"
            yield Finding(UNIT, Level.WARNING, one.line, text, "write both in per cent, with the sign")
        return
    told = ", ".join(dict.fromkeys(f"{plain(n.per_cent)} %" for n in written))
    lines = ", ".join(str(line) for line in dict.fromkeys(n.line for n in written))
    subject = f" for {compared.subject}" if compared.subject else ""
    text = f"{what} has {plain(wanted)} %, and the text{subject} {told} (line {lines})"
    yield Finding(THRESHOLD, Level.WARNING, one.line, text)


def _in_annotations(one: Expression, compared: Threshold) -> list[_Written]:
    if one.rule is None:
        return []
    texts = [(line, _TEMPLATE.sub("", text)) for line, text in one.rule.annotations.values()]
    found = [number for line, text in texts for number in _numbers(text, line, above=compared.above)]
    return [number for number in found if number.has_unit or _may_be_share(number.text, compared)]


def _in_text(runbook: Runbook, one: Expression, compared: Threshold) -> list[_Written]:
    """The thresholds of the same subject in prose and tables; where lines name the alert, theirs alone."""
    found = _numbers_of(runbook).get((compared.subject, compared.above), [])
    named = one.rule.name if one.rule else ""
    own = [number for number in found if named and named in runbook.lines[number.line - 1]]
    return [number for number in own or found if number.has_unit or _may_be_share(number.text, compared)]


@lru_cache(maxsize=2)
def _numbers_of(runbook: Runbook) -> dict[tuple[str, bool], list[_Written]]:
    """The thresholds of the prose, by what they are about and whether more is meant; each number of a line once."""
    found: dict[tuple[str, bool], list[_Written]] = {}
    for paragraph in runbook.paragraphs:
        for number, line in enumerate(paragraph.text.split("\n")):
            if _DIGIT.search(line) and (subject := _subject(line, paragraph.section)):
                for above in (True, False):
                    found.setdefault((subject, above), []).extend(_numbers(line, paragraph.line + number, above=above))
    return found


def _subject(line: str, section: tuple[str, ...]) -> str:
    first = line.split("|", maxsplit=1)[0] if "|" in line else line
    return subject_of(first) or (subject_of(section[-1]) if section and "|" not in line else "")


def _numbers(text: str, line: int, *, above: bool) -> Iterator[_Written]:
    for found in [*_COMPARED[above].finditer(text), *(_LEVELS.finditer(text) if above else ())]:
        has_unit, number = bool(found["unit"]), float(found["number"])
        if has_unit or 0 < number <= _NEVER_A_SHARE:
            per_cent = number if has_unit or number > 1 else number * 100
            yield _Written(line, found["number"], round(per_cent, 6), has_unit)


def _may_be_share(number: str, compared: Threshold) -> bool:
    """Whether a number without a sign may be meant as the threshold: 0.8, or the same digits as in the rule."""
    value = float(number)
    return 0 < value < 1 or value in (compared.value, compared.value * 100)


def durations_that_differ(runbook: Runbook) -> Iterator[Finding]:
    """Yields a finding for each alert whose text names another duration than its `for` and its expression."""
    alerts = [one.rule for one in expressions(runbook) if one.rule is not None and one.rule.is_alert]
    for rule in alerts:
        own = {rule.for_s} | {_seconds(m[1], m[2]) for m in re.finditer(r"\[\s*(\d+)([smh])", rule.expr)} - {None}
        if rule.for_s is None and len(own) <= 1:
            continue
        for line, written, seconds in _durations(runbook, rule, alone=len(alerts) == 1):
            if seconds not in own:
                has = f"`for: {show_duration(rule.for_s)}`" if rule.for_s is not None else "no `for`"
                text = f"the alert {rule.name} has {has}, and the text {written} (line {line})"
                yield Finding(DURATION, Level.WARNING, rule.for_line, text)
                break


def _durations(runbook: Runbook, rule: PrintedRule, *, alone: bool) -> Iterator[tuple[int, str, float]]:
    for line, text in rule.annotations.values():
        for found in _FOR.finditer(_TEMPLATE.sub("", text)):
            yield line, found[0], _seconds(found["count"], found["unit"])
    for line, text in _lines_with_times(runbook):
        keyed = _KEYED.search(text.strip()) if alone else None
        named = _FOR.search(text) if rule.name in text else None
        for found in (one for one in (keyed, named) if one):
            yield line, found[0], _seconds(found["count"], found["unit"])


@lru_cache(maxsize=2)
def _lines_with_times(runbook: Runbook) -> list[tuple[int, str]]:
    """The lines of prose that say for how long, or may."""
    return [
        (paragraph.line + number, text)
        for paragraph in runbook.paragraphs
        for number, text in enumerate(paragraph.text.split("\n"))
        if _FOR.search(text) or _KEYED.search(text.strip())
    ]


def _seconds(count: str, unit: str) -> float:
    return float(count) * _SECONDS[unit[0].lower()]
