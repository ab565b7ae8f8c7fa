"""Changes the judging code a little, thousands of times, and counts the changes that a unit test notices.

    python tests/mutants/run.py [--sample N] [--jobs N] [--only WORD] [--report-only]
    python tests/mutants/run.py --search SECONDS

mutmut makes the mutants, in a copy of the repository in `.mutants/`, which is kept: the next run tries those whose
function or tests have changed. Each is tried with the tests that run what it changes. With `--sample` only so many are
tried, of each module its share, always the same. The result is written to docs/background/mutants.md; the exit code is
1 when fewer than 92 % of the mutants are killed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Final

from mutant_page import is_enough, page, summary
from mutant_results import Results
from mutant_sample import sample
from mutant_score import scores
from mutated_copy import Mutant, environment, make_copy, read_mutants
from try_mutants import RESULTS

ROOT: Final = Path(__file__).parents[2]
COPY: Final = ROOT / ".mutants"
KEPT: Final = ROOT / "tests" / "unit" / "kept_changes.jsonl"
PAGE: Final = ROOT / "docs" / "background" / "mutants.md"


def main() -> int:
    """Try mutants, write the page, and say whether enough were killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=0, metavar="N", help="how many to try; all without it")
    parser.add_argument("--jobs", type=int, default=2, help="how many to try at once")
    parser.add_argument("--only", default="", metavar="WORD", help="those of places with this word; writes no page")
    parser.add_argument("--report-only", action="store_true", help="write the page from the last results")
    parser.add_argument("--search", type=float, metavar="SECONDS", help="look for changes of records that tell more")
    asked = parser.parse_args()
    if asked.search:
        make_copy(ROOT, COPY)
        return _search(asked.search)
    every = read_mutants(COPY) if asked.report_only else make_copy(ROOT, COPY)
    chosen = sample([one for one in every if asked.only in one.place], asked.sample)
    if not asked.report_only and (code := _try(chosen, asked.jobs)):
        return code
    found = scores(chosen, Results(COPY / RESULTS))
    if not asked.only:
        PAGE.write_text(page(found, len(every), " ".join(sys.argv[1:])))
    sys.stdout.write(f"{summary(found, len(every))}\n")
    return 0 if is_enough(found) else 1


def _try(mutants: list[Mutant], jobs: int) -> int:
    keys = COPY / "keys.json"
    keys.write_text(json.dumps([mutant.key for mutant in mutants]))
    command = [sys.executable, "tests/mutants/try_mutants.py", "--jobs", str(jobs), "--keys", str(keys)]
    return subprocess.run(command, cwd=COPY, env=environment(COPY), check=False).returncode


def _search(seconds: float) -> int:
    """Search in the copy, and bring back the cases that it keeps."""
    command = [sys.executable, "tests/mutants/search_changes.py", "--seconds", str(seconds), "--kept", str(KEPT)]
    return subprocess.run(command, cwd=COPY, env=environment(COPY), check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
