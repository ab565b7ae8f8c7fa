"""How often two runs of the same differ in a comparison: `python benchmarks/compare_same.py RUNS`.

RUNS is a folder in which scenarios ran twice or more with nothing changed between them, such as two times
`leakdrill run --subset --runs RUNS`. Each run is compared with the next of its scenario; whatever is better or worse
then is chance, or the machine. Runs with another verdict are left out: they do differ. Exit 1 when more than a
twentieth of the numbers, or of the readings of phases, is better or worse.
"""

from __future__ import annotations

import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

from leakdrill.errors import LeakdrillError
from leakdrill.judging.compare.comparison import compare
from leakdrill.judging.compare.difference import Word
from leakdrill.judging.compare.stored_run import read_stored_run
from leakdrill.record.store import RunFolder
from leakdrill.reports.comparison import show_change
from leakdrill.reports.index.run_row import run_folders

MOST_SHARE = 1 / 20


def main(root: Path) -> int:
    """Print each row that differs, and the shares; returns the exit code."""
    by_scenario: dict[Path, list[Path]] = {}
    for run in run_folders(root):
        by_scenario.setdefault(run.parent, []).append(run)
    counts: Counter[tuple[str, bool]] = Counter()
    pairs = 0
    for before, after in (pair for runs in by_scenario.values() for pair in pairwise(runs)):
        try:
            comparison = compare(read_stored_run(RunFolder(before)), read_stored_run(RunFolder(after)))
        except LeakdrillError as e:
            print(f"left out: {e.message}")
            continue
        if any(row.before is not row.after for row in comparison.claims):
            print(f"left out: {after.parent.name}: the two runs have other verdicts")
            continue
        pairs += 1
        for kind in ("numbers", "phases"):
            for row in getattr(comparison, kind):
                differs = row.word is not Word.NOT_DISTINGUISHABLE
                counts[kind, differs] += 1
                if differs:
                    print(f"{row.word}: {after.parent.name}: {row.what} {row.phase}: {show_change(row)}")
    shares = {
        kind: counts[kind, True] / max(1, counts[kind, True] + counts[kind, False]) for kind in ("numbers", "phases")
    }
    for kind, share in shares.items():
        total = counts[kind, True] + counts[kind, False]
        print(f"{kind}: {counts[kind, True]} of {total} differ ({share:.1%}), {pairs} pairs")
    return int(not pairs or max(shares.values()) > MOST_SHARE)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
