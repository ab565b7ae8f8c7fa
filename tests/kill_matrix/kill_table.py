"""The kill matrix as a table, and as a page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from kill_plan import SIGNALS, TARGETS, cells, steps_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kill_cell import Result

_HEAD: Final = """\
| target | signal | cells | with something left | wrong ends | things left | median, longest time until all was gone |
|---|---|---|---|---|---|---|"""

_ABOUT: Final = """\
<!-- Written by `make kill-matrix`. -->
# The kill matrix

Each cell is a drill that gets SIGKILL, SIGTERM or SIGINT in one of its phases. There is one for every target, every
kind of step that the target supports (and one drill with Prometheus, Alertmanager and two Locust workers), every phase
from `setup` to `teardown`, and every signal; in `mitigate` the signal comes while the step is carried out. Nobody calls
`leakdrill clean`. Ten seconds after the drill's death these are counted: processes, cgroups, mounts, loop devices,
temporary files, shared memory, sockets, containers, networks, volumes, objects in the cluster, and entries of the
journal that are not undone. A second later they are counted once more, so that nothing comes back. In a cluster an
empty namespace may take longer, and the watchdog waits for it: pods must be gone after ten seconds, all of it after 90.

A drill that was asked to end must end with exit code 130; in `teardown`, which is past the last moment, its own code
will do as well.
"""


def table(results: Sequence[Result]) -> str:
    """A row for each target and signal, and the sum."""
    results = [result for result in results if result.came]
    rows = [
        _row(
            target,
            number.name,
            [r for r in results if r.name.startswith(f"{target} /") and r.name.endswith(number.name)],
        )
        for target in TARGETS
        for number in SIGNALS
    ]
    return "\n".join([_HEAD, *filter(None, rows), _row("all", "", results)])


def page(results: Sequence[Result]) -> str:
    """The page in docs."""
    faults = [f"- {r.name}: {r.wrong} {'; '.join(r.left)}".rstrip() for r in results if r.fault]
    steps = [f"- {target}: {', '.join(steps_of(target))}" for target in TARGETS]
    day = datetime.now(UTC).date().isoformat()
    played, total = sum(result.came for result in results), sum(1 for _ in cells())
    parts = [
        _ABOUT,
        f"## Figures of {day}\n\n{played} of {total} cells were played.\n\n{table(results)}",
        *(["\n".join(["What was left:", "", *faults])] if faults else []),
    ]
    return "\n".join(["\n\n".join(part.strip() for part in parts), "", "## Steps", "", *steps, ""])


def _row(target: str, number: str, results: Sequence[Result]) -> str:
    if not results:
        return ""
    times = sorted(result.gone_after_s for result in results if result.gone_after_s is not None)
    spread = f"{times[len(times) // 2]:.1f} s, {times[-1]:.1f} s" if times else "-"
    left = [result for result in results if result.left]
    wrong = sum(bool(result.wrong) for result in results)
    things = sum(len(result.left) for result in left)
    return f"| {target} | {number} | {len(results)} | {len(left)} | {wrong} | {things} | {spread} |"
