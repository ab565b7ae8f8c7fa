"""Runs spoilt drills side by side: `python run_spoilt_drills.py [--live] [--ci] [NAME …]` prints what each came to."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from live_drills import LIVE
from spoilt_drill import play
from surroundings import SURROUNDINGS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spoilt_drill import Case, Result

WORKERS = 3


def play_all(cases: Sequence[Case], folder: Path, workers: int = WORKERS) -> list[Result]:
    """Plays `cases`, so many at once, each in a folder of its own below `folder`."""
    numbered = list(enumerate(cases))
    with ThreadPoolExecutor(max_workers=workers) as pool:
        return list(pool.map(lambda pair: _told(play(pair[1], folder / f"{pair[0]:02d}")), numbered))


def _told(result: Result) -> Result:
    word = "spoilt" if result.problems else "caught"
    sys.stdout.write(f"{word}  {result.seconds:5.0f} s  {result.case.outcome:9}  {result.case.name}\n")
    sys.stdout.writelines(f"        {problem}\n" for problem in result.problems)
    sys.stdout.flush()
    return result


def main() -> int:
    """Print a line for each drill and caught / total; 1 when one was not caught."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--live", action="store_true", help="sabotaged drills in place of failing surroundings")
    parser.add_argument("--ci", action="store_true", help="those alone that CI runs")
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("names", nargs="*", help="cases whose name contains one of these")
    arguments = parser.parse_args()
    cases = [case for case in (LIVE if arguments.live else SURROUNDINGS) if case.in_ci or not arguments.ci]
    cases = [case for case in cases if not arguments.names or any(name in case.name for name in arguments.names)]
    folder = Path(tempfile.mkdtemp(prefix="surroundings-"))
    results = play_all(cases, folder, arguments.workers)
    caught = sum(not result.problems for result in results)
    sys.stdout.write(f"{caught} of {len(results)} caught\n")
    if caught == len(results):
        shutil.rmtree(folder)
        return 0
    sys.stdout.write(f"records: {folder}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
