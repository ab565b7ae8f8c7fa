"""Markdown for a pull request: what does not hold is read at a glance, and all else is folded away beneath it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from leakdrill.printable import printable
from leakdrill.record.verdict import Outcome
from leakdrill.reports.number import show_number
from leakdrill.reports.terminal import summary
from leakdrill.units import show_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakdrill.record.verdict import Verdict

_SPECIAL: Final = re.compile(r"([\\`*\[\]|~$]|(?<![^\W_])_|_(?![^\W_]))")
_TOO_LARGE: Final = "leakdrill: the report is larger than GitHub shows; `leakdrill report` writes it to a file"
_HEAD: Final = ("| outcome | claim | subject | what was seen |", "|---|---|---|---|")
MOST_ROWS: Final = 12
"""Of a table in a comment, before the rest is folded."""
_OUTCOMES: Final = {Outcome.PASS: "PASS", Outcome.UNKNOWN: "**UNKNOWN**", Outcome.FAIL: "**FAIL**"}


def markdown(verdicts: Sequence[Verdict], *, name: str) -> str:
    """The verdicts on scenario `name`: the outcome, a row for each claim that does not hold, and the rest folded.

    What is not folded is at most twenty lines, whatever there is to say.
    """
    return _told(verdicts, [*_holding(verdicts), *_numbers(verdicts)], name)


def fitting_markdown(verdicts: Sequence[Verdict], *, name: str, room_bytes: int) -> str:
    """Returns `markdown` in less than `room_bytes`: without its passes where it is too large, or a word that it is."""
    bad = [verdict for verdict in verdicts if verdict.outcome.severity]
    texts = [markdown(verdicts, name=name), *([_told(verdicts, _numbers(bad), name)] if bad else [])]
    return next((text for text in texts if len(text.encode()) < room_bytes), _TOO_LARGE * (room_bytes > 0))


def _told(verdicts: Sequence[Verdict], rest: Sequence[str], name: str) -> str:
    """The claims that do not hold, worst first, and then what is the `rest`."""
    bad = sorted((one for one in verdicts if one.outcome.severity), key=lambda one: -one.outcome.severity)
    lines = [f"## leakdrill: {safe_markdown(name)}", "", f"**{safe_markdown(summary(verdicts))}**", ""]
    return "\n".join([*lines, *short_table(_HEAD, list(map(_row, bad))), *rest])


def _holding(verdicts: Sequence[Verdict]) -> list[str]:
    """The claims that hold, folded."""
    rows = [_row(one) for one in verdicts if not one.outcome.severity]
    return folded(f"{show_count(len(rows), 'claim that holds', 'claims that hold')}", [*_HEAD, *rows]) if rows else []


def short_table(head: Sequence[str], rows: Sequence[str]) -> list[str]:
    """The lines of a table: its first `MOST_ROWS` rows are shown, the others folded."""
    shown, more = rows[:MOST_ROWS], rows[MOST_ROWS:]
    lines = [*head, *shown, ""] if shown else []
    return lines + (folded(f"and {len(more)} more", [*head, *more]) if more else [])


def folded(title: str, lines: Sequence[str]) -> list[str]:
    """The lines of a block that shows its `title` until it is opened."""
    return [f"<details><summary>{title}</summary>", "", *lines, "", "</details>", ""]


def _row(verdict: Verdict) -> str:
    claim = f"{safe_markdown(verdict.check)} | {safe_markdown(verdict.subject)}"
    return f"| {_OUTCOMES[verdict.outcome]} | {claim} | {_sentence(verdict)} |"


def _sentence(verdict: Verdict) -> str:
    hint = f"<br>Hint: {safe_markdown(verdict.hint)}" if verdict.hint else ""
    return safe_markdown(verdict.message) + hint


def _numbers(verdicts: Sequence[Verdict]) -> list[str]:
    cells = [(v.check, v.subject, key, show_number(number)) for v in verdicts for key, number in v.numbers.items()]
    rows = [f"| {' | '.join(map(safe_markdown, row))} |" for row in cells]
    if not rows:
        return []
    return folded("Numbers", ["| claim | subject | number | value |", "|---|---|---|---|", *rows])


def safe_markdown(text: str) -> str:
    """Returns `text` as Markdown shows it and nothing else: no HTML, no table border, no code, no link, no mention."""
    harmless = printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(r"\\\1", harmless).replace("@", "@&#8203;")
