"""What lint says of a runbook, for people and as data; both have the same facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.table import Table
from rich.text import Text

from leakdrill.printable import printable
from leakdrill.runbooks.finding import Level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.console import Console

    from leakdrill.runbooks.finding import Finding
    from leakdrill.runbooks.findings.lint import Lint
    from leakdrill.runbooks.fragment import Fragment

_STYLES: Final = {Level.ERROR: "bold red", Level.WARNING: "yellow", Level.NOTE: "cyan"}
_KIND_STYLES: Final = {"change": "yellow", "destructive": "bold red", "unknown": "magenta", "look": "green"}
_SHOWN_CHARS: Final = 70
_HEADS: Final = ("line", "what it is", "text", "why, what to fill in, and the way back")
_MOST_ROWS: Final = 200
_WIDE: Final = 1000
"""Above it there is no terminal, and nothing to fit a table into."""


def as_data(one: Lint) -> dict[str, Any]:
    """Returns what lint says of one file, as values of JSON."""
    return {
        "file": str(one.runbook.path),
        "title": one.runbook.title,
        "fragments": [_fragment(fragment) for fragment in one.runbook.fragments],
        "findings": [_finding(finding) for finding in one.findings],
        "silenced": [_finding(silenced.finding) | {"because": silenced.reason} for silenced in one.silenced],
    }


def _fragment(fragment: Fragment) -> dict[str, Any]:
    return {
        "line": fragment.line,
        "end_line": fragment.end_line,
        "kind": fragment.kind.value,
        "reason": fragment.reason,
        "undo": fragment.undo,
        "text": fragment.text,
        "place": fragment.place.value,
        "language": fragment.language,
        "section": list(fragment.section),
        "placeholders": [{"text": one.text, "name": one.name} for one in fragment.placeholders],
        "tools": list(fragment.tools),
        "paths": list(fragment.paths),
        "hosts": list(fragment.hosts),
        "inner": list(fragment.inner),
        "parsed": fragment.parsed,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "level": finding.level.value,
        "line": finding.line,
        "message": finding.message,
        "fix": finding.fix,
    }


def print_lint(results: Sequence[Lint], console: Console) -> None:
    """Prints a table of the fragments of each file, the findings, and one line that sums them up."""
    for one in results:
        console.print(Text(printable(f"{one.runbook.path}: {one.runbook.title}"), style="bold"))
        fragments = one.runbook.fragments
        if len(fragments) > _MOST_ROWS or (fragments and console.width > _WIDE):
            rows = [_row(fragment, lambda text: " ".join(text.split())) for fragment in fragments]
            console.print(Text("\n".join(_plain_table(rows))), soft_wrap=True)  # the console makes it harmless
        elif fragments:
            console.print(_table([_row(fragment, printable) for fragment in fragments]))
        for text in _findings(one):
            console.print(text, overflow="fold")
    if results:
        console.print(Text(_summary(results)))


def _row(fragment: Fragment, on_one_line: Callable[[str], str]) -> tuple[str, str, str, str]:
    return str(fragment.line), fragment.kind.value, on_one_line(_shown(fragment)), on_one_line(_why(fragment))


def _table(rows: Sequence[tuple[str, str, str, str]]) -> Table:
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    table.add_column(_HEADS[0], justify="right", no_wrap=True)
    table.add_column(_HEADS[1], no_wrap=True)
    table.add_column(_HEADS[2], overflow="fold")
    table.add_column(_HEADS[3], overflow="fold")
    for line, kind, text, why in rows:
        table.add_row(line, Text(kind, style=_KIND_STYLES.get(kind, "")), Text(text), Text(why))
    return table


def _plain_table(rows: Sequence[tuple[str, str, str, str]]) -> Iterator[str]:
    """The same as lines: laying a table out takes longer than all else where a runbook has a thousand commands."""
    widths = [max(len(row[column]) for row in (_HEADS, *rows)) for column in range(3)]
    for line, kind, text, why in (_HEADS, *rows):
        yield f"{line:>{widths[0]}}  {kind:<{widths[1]}}  {text:<{widths[2]}}  {why}".rstrip()


def _shown(fragment: Fragment) -> str:
    lines = [line for line in fragment.text.split("\n") if line.strip()]
    first = " ".join(lines[0].split()) if lines else ""
    return first[:_SHOWN_CHARS] + ("…" if len(lines) > 1 or len(first) > _SHOWN_CHARS else "")


def _why(fragment: Fragment) -> str:
    parts = [fragment.reason]
    if fragment.placeholders:
        parts.append("fill in " + ", ".join(dict.fromkeys(one.text for one in fragment.placeholders)))
    if fragment.undo:
        parts.append(f"back: {fragment.undo}")
    return "; ".join(parts)


def _findings(one: Lint) -> Iterator[Text]:
    for finding in one.findings:
        text = Text(f"{printable(str(one.runbook.path))}:{finding.line}: ")
        text.append(finding.level.value, style=_STYLES[finding.level])
        fix = f" ({finding.fix})" if finding.fix else ""
        yield text.append(f": {printable(finding.message + fix)} [{finding.rule}]")
    for silenced in one.silenced:
        place = f"{one.runbook.path}:{silenced.finding.line}"
        yield Text(
            printable(f"{place}: silenced: {silenced.finding.message} [{silenced.finding.rule}], {silenced.reason}")
        )


def _summary(results: Sequence[Lint]) -> str:
    counts = {level: sum(f.level is level for one in results for f in one.findings) for level in Level}
    silenced = sum(len(one.silenced) for one in results)
    files = f"{len(results)} file" + ("s" if len(results) != 1 else "")
    found = ", ".join(_counted(count, level.value) for level, count in counts.items())
    code = 0 if all(one.is_clean for one in results) else 1
    return f"{files}: {found}, {silenced} silenced (exit {code})"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' if count != 1 else ''}"
