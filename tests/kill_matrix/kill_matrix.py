"""`python kill_matrix.py`: plays every cell, several at a time, prints the table, and exits 1 when anything is left.

--only WORDS    the cells whose names have all of the words, such as --only process --only SIGKILL
--jobs N        how many at a time
--results FILE  each result is appended as it comes; cells that are there already are not played again
--thin N        every Nth of the cells
--page FILE     write the table into a page as well
"""

from __future__ import annotations

import argparse
import math
import random
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from kill_cell import Result, play
from kill_plan import cells
from kill_table import page, table

if TYPE_CHECKING:
    from kill_plan import Cell


def main() -> int:
    """Play, tell, and judge."""
    options = _options()
    wanted = _thinned([cell for cell in cells() if all(word in cell.name for word in options.only)], options.thin)
    options.results.parent.mkdir(parents=True, exist_ok=True)
    results = _read(options.results)
    waiting = [cell for cell in wanted if cell.name not in results]
    _say(f"{len(wanted)} cells, {len(waiting)} of them to be played")
    with ThreadPoolExecutor(options.jobs) as pool, options.results.open("ab") as file:
        for number, result in enumerate(pool.map(play, waiting), 1):
            results[result.name] = result
            if result.came:
                file.write(result.as_line())
                file.flush()
            _say(f"{number}/{len(waiting)} {_sentence(result)}")
    found = [results[cell.name] for cell in wanted if cell.name in results]
    sys.stdout.write(table(found) + "\n")
    if options.page:
        options.page.write_text(page(list(results.values())), encoding="utf-8")
    return 1 if any(result.fault or not result.came for result in found) else 0


def _thinned(all_cells: list[Cell], one_of: int) -> list[Cell]:
    return random.Random(one_of).sample(all_cells, math.ceil(len(all_cells) / one_of))  # noqa: S311 - no secret


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--results", type=Path, default=Path("runs/kill-matrix.jsonl"))
    parser.add_argument("--thin", type=int, default=1)
    parser.add_argument("--page", type=Path)
    return parser.parse_args()


def _read(path: Path) -> dict[str, Result]:
    lines = path.read_bytes().splitlines() if path.exists() else []
    return {result.name: result for result in map(Result.from_line, lines)}


def _sentence(result: Result) -> str:
    if not result.came:
        return f"{result.name}: the drill did not come to that phase"
    if result.fault:
        return f"{result.name}: {result.wrong} {'; '.join(result.left)}"
    return f"{result.name}: nothing left {result.gone_after_s:.1f} s after the drill's end ({result.code})"


def _say(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")


if __name__ == "__main__":
    sys.exit(main())
