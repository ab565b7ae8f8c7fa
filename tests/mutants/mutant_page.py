"""The page that tells how many mutants were killed, and which live and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from mutant_survivors import read_reasons, with_diffs

if TYPE_CHECKING:
    from mutant_results import Module

WANTED: Final = 0.92
"""The part of the mutants that the tests must kill."""

REASONS: Final = Path(__file__).with_name("survivors.toml")


def page(modules: list[Module], copy: Path) -> str:
    """The report on `modules`, whose sources lie below `copy`, as a page of the docs."""
    reasons = read_reasons(REASONS)
    survivors = with_diffs(copy, [name for module in modules for name in module.survivors])
    left = "\n".join(f"| `{one.function}` | `{one.change}` | {reasons.get(one.key, '')} |" for one in survivors)
    rows = "\n".join(_row(module) for module in modules if module.tried)
    return (
        "# Mutants of the judging code\n\n"
        "`make mutants` changes the code that judges a little, thousands of times, and counts the changes that a unit "
        "test notices.\n\n"
        f"**{summary(modules)}.** At least {WANTED:.0%} must be killed.\n\n"
        f"| module | tried | killed | |\n|---|---|---|---|\n{rows}\n\n"
        "## Survivors\n\nA reason says why no test can tell the mutant from the code, or why none should.\n\n"
        f"| function | change | reason |\n|---|---|---|\n{left}\n"
    )


def summary(modules: list[Module]) -> str:
    """The count in one sentence."""
    tried, killed, untried = (sum(getattr(m, what) for m in modules) for what in ("tried", "killed", "untried"))
    share = f"{killed} of {tried} mutants killed: {killed / tried:.1%}" if tried else "no mutant was tried"
    return f"{share}; {untried} were not tried yet" if untried else share


def is_enough(modules: list[Module]) -> bool:
    """Whether all were tried, and enough of them killed."""
    tried, killed = sum(m.tried for m in modules), sum(m.killed for m in modules)
    return tried > 0 and not any(m.untried for m in modules) and killed >= WANTED * tried


def _row(module: Module) -> str:
    return f"| `{module.name}` | {module.tried} | {module.killed} | {module.killed / module.tried:.0%} |"
