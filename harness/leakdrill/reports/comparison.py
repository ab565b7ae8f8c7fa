"""A comparison of two runs for a person: on a terminal, and in Markdown for a pull request."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from rich.text import Text

from leakdrill.judging.compare.difference import Word
from leakdrill.printable import printable
from leakdrill.record.verdict import Outcome
from leakdrill.reports.markdown import folded, safe_markdown, short_table
from leakdrill.reports.quantity import show_quantity
from leakdrill.reports.terminal import print_entry
from leakdrill.units import show_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from leakdrill.judging.compare.comparison import Comparison
    from leakdrill.judging.compare.difference import Difference, Figure
    from leakdrill.judging.compare.numbers import ClaimChange
    from leakdrill.judging.compare.plan_changes import PlanChange

_ORDER: Final = (Word.WORSE, Word.BETTER, Word.NOT_DISTINGUISHABLE)
_STYLE: Final = {Word.WORSE: "bold red", Word.BETTER: "green", Word.NOT_DISTINGUISHABLE: "default"}
_SHORT: Final = {Word.WORSE: "WORSE", Word.BETTER: "BETTER", Word.NOT_DISTINGUISHABLE: "UNCLEAR"}
_MOST_CHANGES: Final = 8
_MOST_LISTED: Final = 5
"""Changes that Markdown shows before the rest is folded."""
_HEAD: Final = ("| after is | what | what was seen |", "|---|---|---|")
_MISSING: Final = "missing"


def print_comparison(comparison: Comparison, console: Console, *, verbose: bool = False) -> None:
    """Print what is worse, what is better, what one run alone has, what was changed between them, and the sum.

    Args:
        comparison: of two runs.
        console: where to.
        verbose: whether what is not distinguishable is printed too, each with the reason.
    """
    heading = f"{printable(comparison.name)}: {_label(comparison.after)}, compared with {_label(comparison.before)}"
    console.print(Text(heading, style="bold"), overflow="fold")
    rows = sorted(_rows(comparison), key=lambda row: _ORDER.index(row[0]))
    for word, what, text, is_told, is_same in rows:
        if verbose or is_told:
            print_entry("SAME" if is_same else _SHORT[word], _STYLE[word], [what], [text], console)
    rest = sum(not row[3] for row in rows)
    if rest and not verbose:
        are = f"{show_count(rest, 'claim or number is', 'claims and numbers are')} not distinguishable"
        print_entry("", "", [], [f"{are} (--verbose shows each)"], console)
    for title, changes in _changed(comparison):
        print_entry("", "", [f"{title} that differs between the two runs:"], _change_lines(changes, verbose), console)
    print_entry("", _STYLE[comparison.word], [], [comparison_summary(comparison)], console, indent=0)


def comparison_summary(comparison: Comparison) -> str:
    """The sum in one line with the exit code: `worse: 2 claims, 1 number; better: 1 number; … (exit 1)`."""
    parts = []
    for word in _ORDER:
        claims = sum(row.word is word for row in comparison.claims)
        numbers = sum(row.word is word for row in comparison.numbers)
        readings = sum(row.word is word for row in comparison.phases)
        counts = [_count(claims, "claim"), _count(numbers, "number"), _count(readings, "reading of a phase")]
        if any(counts):
            parts.append(f"{word}: {', '.join(filter(None, counts))}")
    return f"{'; '.join(parts) or 'nothing could be compared'} (exit {comparison.exit_code})"


def comparison_json(comparison: Comparison) -> str:
    """The same facts for machines."""
    return json.dumps(comparison.as_dict(), indent=2, ensure_ascii=False) + "\n"


def comparison_markdown(comparison: Comparison) -> str:
    """The comparison as Markdown: the sum, a table of what is better or worse, and the rest folded away."""
    rows = sorted(_rows(comparison), key=lambda row: _ORDER.index(row[0]))
    told = [row for row in rows if row[3]]
    rest = [row for row in rows if not row[3]]
    lines = [
        f"## leakdrill: {safe_markdown(comparison.name)}, before and after",
        "",
        f"**{safe_markdown(comparison_summary(comparison))}**",
        "",
        f"Before: {safe_markdown(_label(comparison.before))}; after: {safe_markdown(_label(comparison.after))}.",
        "",
        *(short_table(_HEAD, _table(told)) if told else ["Nothing is better or worse beyond its noise.", ""]),
    ]
    for title, changes in _changed(comparison):
        lines += [f"{title} that differs between the two runs:", ""]
        listed = [f"- {safe_markdown(line)}" for line in _change_lines(changes, verbose=True)]
        shown, more = listed[:_MOST_LISTED], listed[_MOST_LISTED:]
        lines += [*shown, "", *(folded(f"and {len(more)} more", more) if more else [])]
    if rest:
        lines += folded(f"Not distinguishable ({len(rest)})", [*_HEAD, *_table(rest)])
    return "\n".join(lines)


def show_change(row: Difference) -> str:
    """A row of numbers in a sentence: both values, the change and its interval, or why nothing can be told."""
    before, after = _shown(row.before, row.unit), _shown(row.after, row.unit)
    text = f"{before} before, {after} after"
    if row.change is not None and row.low is not None and row.high is not None:
        low, high = (_signed(end, row.unit) for end in (row.low, row.high))
        text += f": {_signed(row.change, row.unit)} (between {low} and {high})"
    return f"{text}: {row.reason}" if row.reason else text


_Row = tuple[Word, str, str, bool, bool]
"""The word, what it is about, what was seen, whether a person is always told, and whether both runs are the same."""


def _rows(comparison: Comparison) -> list[_Row]:
    claims = [
        (row.word, _claim(row), _outcomes(row), row.before != row.after, _is_same(row)) for row in comparison.claims
    ]
    numbers = [
        (row.word, _what(row), show_change(row), row.word is not Word.NOT_DISTINGUISHABLE or _is_lost(row), False)
        for row in (*comparison.numbers, *comparison.phases)
    ]
    return [*claims, *numbers]


def _is_lost(row: Difference) -> bool:
    """Whether one run alone has the number."""
    return (row.before is None) != (row.after is None)


def _is_same(row: ClaimChange) -> bool:
    """Whether both runs show the same of a claim; where neither could show it, nobody knows."""
    return row.before is row.after and row.before is not Outcome.UNKNOWN


def _claim(row: ClaimChange) -> str:
    return printable(f"{row.check}: {row.subject}" if row.subject else row.check)


def _outcomes(row: ClaimChange) -> str:
    if row.before == row.after:
        return row.reason
    text = f"{row.before or _MISSING} before, {row.after or _MISSING} after"
    return f"{text}: {row.reason}" if row.reason else text


def _what(row: Difference) -> str:
    return printable(f"{row.what} in {row.phase}" if row.phase else row.what)


def _shown(figure: Figure | None, unit: str) -> str:
    return _MISSING if figure is None else show_quantity(figure.value, unit)


def _signed(amount: float, unit: str) -> str:
    text = show_quantity(amount, unit)
    return text if amount < 0 else f"+{text}"


def _count(count: int, noun: str) -> str:
    return show_count(count, noun, "readings of a phase" if noun.startswith("reading") else "") if count else ""


def _changed(comparison: Comparison) -> list[tuple[str, Sequence[PlanChange]]]:
    both = (("What was asked for", comparison.plan), ("The machine", comparison.machine))
    return [(title, changes) for title, changes in both if changes]


def _change_lines(changes: Sequence[PlanChange], verbose: bool) -> list[str]:
    shown = changes if verbose else changes[:_MOST_CHANGES]
    lines = [printable(f"{one.key}: {one.before} before, {one.after} after") for one in shown]
    return [*lines, f"and {len(changes) - len(shown)} more"] if len(shown) < len(changes) else lines


def _table(rows: Sequence[_Row]) -> list[str]:
    return [
        f"| {'same' if is_same else word} | {safe_markdown(what)} | {safe_markdown(text)} |"
        for word, what, text, _, is_same in rows
    ]


def _label(place: str) -> str:
    return printable(place.rstrip("/").rsplit("/", 1)[-1])
