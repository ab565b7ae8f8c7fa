"""Markdown for a pull request: a table that is read at a glance, the numbers folded away beneath it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from leakdrill.printable import printable
from leakdrill.record.verdict import Outcome
from leakdrill.reports.number import show_number
from leakdrill.reports.terminal import summary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakdrill.record.verdict import Verdict

_SPECIAL: Final = re.compile(r"([\\`*\[\]|~$]|(?<![^\W_])_|_(?![^\W_]))")
_TOO_LARGE: Final = "leakdrill: the report is larger than GitHub shows; `leakdrill report` writes it to a file"
_OUTCOMES: Final = {Outcome.PASS: "PASS", Outcome.UNKNOWN: "**UNKNOWN**", Outcome.FAIL: "**FAIL**"}


def markdown(verdicts: Sequence[Verdict], *, name: str) -> str:
    """The verdicts on scenario `name`: the outcome, a row for each claim, and the numbers in a details block."""
    rows = [
        f"| {_OUTCOMES[v.outcome]} | {safe_markdown(v.check)} | {safe_markdown(v.subject)} | {_sentence(v)} |"
        for v in verdicts
    ]
    return "\n".join(
        [
            f"## leakdrill: {safe_markdown(name)}",
            "",
            f"**{safe_markdown(summary(verdicts))}**",
            "",
            "| outcome | claim | subject | what was seen |",
            "|---|---|---|---|",
            *rows,
            "",
            *_numbers(verdicts),
        ]
    )


def fitting_markdown(verdicts: Sequence[Verdict], *, name: str, room_bytes: int) -> str:
    """Returns `markdown` in less than `room_bytes`: without its passes where it is too large, or a word that it is."""
    bad = [verdict for verdict in verdicts if verdict.outcome.severity]
    for listed in (verdicts, bad) if bad else (verdicts,):
        text = markdown(listed, name=name)
        if len(text.encode()) < room_bytes:
            return text
    return _TOO_LARGE * (room_bytes > 0)


def _sentence(verdict: Verdict) -> str:
    hint = f"<br>Hint: {safe_markdown(verdict.hint)}" if verdict.hint else ""
    return safe_markdown(verdict.message) + hint


def _numbers(verdicts: Sequence[Verdict]) -> list[str]:
    cells = [(v.check, v.subject, key, show_number(number)) for v in verdicts for key, number in v.numbers.items()]
    rows = [f"| {' | '.join(map(safe_markdown, row))} |" for row in cells]
    if not rows:
        return []
    return [
        "<details><summary>Numbers</summary>",
        "",
        "| claim | subject | number | value |",
        "|---|---|---|---|",
        *rows,
        "",
        "</details>",
        "",
    ]


def safe_markdown(text: str) -> str:
    """Returns `text` as Markdown shows it and nothing else: no HTML, no table border, no code, no link, no mention."""
    harmless = printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(r"\\\1", harmless).replace("@", "@&#8203;")
