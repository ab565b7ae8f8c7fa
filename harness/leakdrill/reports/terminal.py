"""The verdicts on a terminal, for a person: what failed comes first, and what passed is one line and its numbers.

    FAIL     step_works: clear the cache
             clear the cache took 73 ms; memory was at 145 MiB before and at 144 MiB after …
             Hint: restart the service instead
    PASS     15 claims hold (--verbose shows each)
             HighMemoryUsage fired after 27 s (budget 38 s)
             5.4 s to spare before the OOM kill

The same lines, not wrapped, stand in a log of CI.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from leakdrill.judging.key_numbers import key_numbers
from leakdrill.printable import printable
from leakdrill.record.verdict import Outcome, worst
from leakdrill.units import show_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from leakdrill.record.verdict import Verdict

_STYLE: Final = {Outcome.PASS: "green", Outcome.UNKNOWN: "yellow", Outcome.FAIL: "bold red"}
_INDENT: Final = 9
"""Columns before a sentence: the longest outcome and two blanks."""
_NARROW: Final = 60
"""Below this many columns nothing is indented."""
_FEW: Final = 2
"""So many passes take no more room in full than folded."""
_NAMED: Final = 3
"""Of claims that share one sentence, so many are named."""
_DECLARED: Final = "leak_grows_as_declared"


def print_verdicts(verdicts: Sequence[Verdict], console: Console, *, verbose: bool = False) -> None:
    """Print what failed, then what is unknown, each in full, then the passes, and the outcome as the last line.

    Args:
        verdicts: in the order in which a person would ask.
        console: where to.
        verbose: whether each pass is printed in full too; otherwise more than two of them are one line.
    """
    passed = [verdict for verdict in verdicts if verdict.outcome is Outcome.PASS]
    folded = [] if verbose or len(passed) <= _FEW else passed
    for together in _by_sentence(verdicts, [] if verbose else folded, apart=verbose):
        _print_in_full(together, console)
    if folded:
        lines = [f"{show_count(len(folded), 'claim holds', 'claims hold')} (--verbose shows each)", *headline(folded)]
        print_entry(Outcome.PASS, _STYLE[Outcome.PASS], [], lines, console)
    print_entry("", _STYLE[worst(verdicts)], [], [summary(verdicts)], console, indent=0)


def summary(verdicts: Sequence[Verdict]) -> str:
    """The sum of the verdicts in one line with the exit code: `FAIL: 2 of 14 claims do not hold (exit 1)`."""
    outcome, total = worst(verdicts), len(verdicts)
    failed = sum(v.outcome is Outcome.FAIL for v in verdicts)
    unknown = sum(v.outcome is Outcome.UNKNOWN for v in verdicts)
    if not total:
        text = "nothing was checked, and silence proves nothing"
    elif outcome is Outcome.PASS:
        text = "the one claim holds" if total == 1 else f"all {total} claims hold"
    elif outcome is Outcome.UNKNOWN:
        text = f"{unknown} of {total} claims could not be shown; none was refuted"
    else:
        also = f", and {unknown} could not be shown" if unknown else ""
        text = f"{failed} of {total} claims do not hold{also}"
    return f"{outcome}: {text} (exit {outcome.exit_code})"


def headline(verdicts: Sequence[Verdict]) -> list[str]:
    """The numbers by which a person knows a run, a line each; none where the verdicts have none."""
    return list(dict.fromkeys(printable(one.text) for one in key_numbers(verdicts) if one.check != _DECLARED))


def _by_sentence(verdicts: Sequence[Verdict], folded: Sequence[Verdict], *, apart: bool) -> list[list[Verdict]]:
    """The verdicts to print in full, the worst first; those that are not a pass and share a sentence are together."""
    groups: dict[tuple[Outcome, str, int], list[Verdict]] = {}
    for at, verdict in enumerate(verdicts):
        if verdict not in folded:
            alone = at if apart or verdict.outcome is Outcome.PASS else -1
            groups.setdefault((verdict.outcome, verdict.message, alone), []).append(verdict)
    return sorted(groups.values(), key=lambda together: -together[0].outcome.severity)


def _print_in_full(together: Sequence[Verdict], console: Console) -> None:
    """Print claims that share an outcome and a sentence: their names, the sentence, and what to do."""
    outcome = together[0].outcome
    named = together if len(together) <= _NAMED + 1 else together[:_NAMED]
    heads = [_claim(verdict) for verdict in named]
    if len(named) < len(together):
        heads.append(f"and {len(together) - len(named)} more, for the same reason (--verbose shows each)")
    hints = dict.fromkeys(f"Hint: {printable(verdict.hint)}" for verdict in together if verdict.hint)
    print_entry(outcome, _STYLE[outcome], heads, [printable(together[0].message), *hints], console)


def print_entry(
    word: str, style: str, heads: Sequence[str], lines: Sequence[str], console: Console, *, indent: int = _INDENT
) -> None:
    """Print a word, and in a column beside it the `heads` in bold and `lines`, wrapped to that column.

    Args:
        word: an outcome or the like, at most seven letters; empty where there is none.
        style: of the word, or of the lines where there is no column.
        heads: what the word is about.
        lines: what there is to say.
        console: where to.
        indent: columns before the column; none on a narrow terminal.
    """
    width = indent if console.width >= _NARROW else 0
    texts = [
        *(Text(head, style="bold") for head in heads),
        *(Text(line, style="" if indent else style) for line in lines),
    ]
    for at, text in enumerate(texts):
        first = word if not at else ""
        head = Text(f"{first:<{width}}" if width else "", style=style if first else "")
        if first and not width:
            text = Text(f"{first} ", style=style).append_text(text)  # noqa: PLW2901 - the word stands before the first
        _print_wrapped(text, console, console.width - width, head=head)


def _print_wrapped(text: Text, console: Console, width: int, *, head: Text) -> None:
    """Print `text` in lines of `width` columns without blanks at their ends, `head` before the first of them."""
    before, indent = head, len(head)
    for line in text.wrap(console, width, overflow="fold"):
        line.rstrip()
        console.print(before.append_text(line), overflow="fold")
        before = Text(" " * indent)


def _claim(verdict: Verdict) -> str:
    """The name of the check, which is its claim, and what it is about."""
    check = printable(verdict.check)
    return f"{check}: {printable(verdict.subject)}" if verdict.subject else check
