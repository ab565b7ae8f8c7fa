"""The page that tells how many mutants were killed, and which live and why."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mutant_score import interval
from mutant_survivors import read_reasons, reason_of

if TYPE_CHECKING:
    from mutant_score import Score

WANTED: Final = 0.92
"""The part of the mutants that the tests must kill."""

REASONS: Final = Path(__file__).with_name("survivors.toml")

_HEAD: Final = """# Mutants of the judging code

`make mutants` changes the code that judges a little, thousands of times, and counts the changes that a unit test
notices: a number or a comparison is another one, an argument is missing, a branch is turned round. Decorated functions
(properties) and constants of modules are not changed. mutmut makes the changes; each is tried in a process of its own
with the tests that run the changed statement, the cheapest first, until one fails or they have taken 10 seconds of CPU
time. A change that makes its tests run without end counts as noticed.

`make mutants SAMPLE=1500` tries that many, of each module its share, always the same; a later run tries again only
what has changed since.

`python tests/mutants/run.py --search SECONDS` draws changes of good records at random, near the numbers and events of
modules whose mutants nothing has told yet, and adds those that tell one to `tests/unit/kept_changes.jsonl`. One test
replays them all; what they come to is kept in `tests/unit/verdict_texts/`, for a person to read.
"""


def page(scores: list[Score], total: int, arguments: str) -> str:
    """The report on `scores`, of `total` mutants, got with `arguments` of run.py, as a page of the docs."""
    reasons = read_reasons(REASONS)
    survivors = sorted((reason_of(one, reasons), one) for score in scores for one in score.survivors)
    kinds = Counter(reason for reason, _ in survivors)
    return (
        f"{_HEAD}\n"
        f"**{summary(scores, total)}.** At least {WANTED:.0%} must be killed. "
        f"Measured on {datetime.now(UTC):%Y-%m-%d} with `tests/mutants/run.py {arguments}`".rstrip()
        + ".\n\n"
        + _table(["part", "tried", "killed", "of them endless", "part killed"], _folders(scores))
        + "\n## Modules\n\n"
        + _table(["module", "tried", "killed", "of them endless", "part killed"], [_row(one) for one in scores])
        + "\n## Survivors\n\n"
        + _table(
            ["reason", "how many"],
            [[reason or "none yet: no test that was run notices it", str(n)] for reason, n in kinds.items()],
        )
        + "\n"
        + _table(["where, and what it changes", "reason"], [[f"`{_cell(one)}`", why] for why, one in survivors])
    )


def summary(scores: list[Score], total: int) -> str:
    """The count in one sentence."""
    tried, killed, untried = (sum(getattr(one, what) for one in scores) for what in ("tried", "killed", "untried"))
    if not tried:
        return "no mutant was tried"
    sentence = f"{killed} of {tried} mutants killed: {killed / tried:.1%}"
    if tried + untried < total:
        low, high = interval(killed, tried)
        sentence += f"; a sample of {total}, so of all between {low:.1%} and {high:.1%} (95 % interval)"
    return f"{sentence}; {untried} were not tried yet" if untried else sentence


def is_enough(scores: list[Score]) -> bool:
    """Whether all that were chosen were tried, and enough of them killed."""
    tried, killed = sum(one.tried for one in scores), sum(one.killed for one in scores)
    return tried > 0 and not any(one.untried for one in scores) and killed >= WANTED * tried


def _folders(scores: list[Score]) -> list[list[str]]:
    parts = sorted({one.module.rpartition(".")[0] for one in scores})
    return [_sum(part, [one for one in scores if one.module.rpartition(".")[0] == part]) for part in parts]


def _row(score: Score) -> list[str]:
    return _sum(score.module, [score])


def _sum(name: str, scores: list[Score]) -> list[str]:
    tried, killed, endless = (sum(getattr(one, what) for one in scores) for what in ("tried", "killed", "endless"))
    return [f"`{name}`", str(tried), str(killed), str(endless), f"{killed / tried:.0%}" if tried else ""]


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("`", "'")
