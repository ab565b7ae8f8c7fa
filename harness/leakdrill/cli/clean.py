"""`leakdrill clean`: undo what interrupted drills left behind."""

from __future__ import annotations

from pathlib import Path

from leakdrill.cli.options import Runs  # noqa: TC001 - typer reads the annotation when it runs
from leakdrill.cli.output import complain, print_lines
from leakdrill.printable import printable
from leakdrill.runs.undo import clean_runs


def clean(runs: Runs = Path("runs")) -> int:
    """Undo what interrupted drills left behind, from their journals."""
    undone: list[str] = []
    problems = clean_runs(runs, undone.append)
    if undone:
        print_lines("\n".join(f"undone: {printable(thing)}" for thing in undone))
    for problem in problems:
        complain(str(problem))
    if not problems:
        print_lines("nothing else is left behind" if undone else "nothing is left behind")
        return 0
    return 3 if all(problem.refused for problem in problems) else 4
