"""The heat map of one alert for a terminal of 80 columns: shapes down, speeds across, the time to spare in each cell.

A cell reads without colour: `4m` are four minutes to spare, `--` is blind, `2x` fires only after two kills, `!!` fires
before anything leaks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from leakdrill.envelope.envelope import Envelope, Sight

LEGEND: Final = "4m time to spare   -- blind   2x only after so many kills   !! before anything leaks"
_NAME: Final = 17
_CELL: Final = 4
_MOST: Final = 15
"""So many speeds stand side by side in 80 columns."""
_UNITS: Final = (("s", 1.0), ("m", 60.0), ("h", 3600.0), ("d", 86_400.0), ("w", 604_800.0))
_MOST_SHOWN: Final = 999
_LITTLE: Final = 300.0
Kind = Literal["blind", "late", "early", "little", "enough"]
_STYLES: Final = {"blind": "bold red", "late": "red", "early": "magenta", "little": "yellow", "enough": "green"}


def heat_map(envelope: Envelope, times_s: Sequence[float]) -> Iterator[Text]:
    """Yields the lines of the map: a head with the times to the kill, and one for each shape.

    Args:
        envelope: of one alert.
        times_s: the speeds that were tried first, shortest first; those of the edges stand in the sentence.
    """
    columns = columns_of(times_s)
    yield Text("  " + "".ljust(_NAME) + "".join(short(one).rjust(_CELL) for one in columns), style="dim")
    for shape, sights in envelope.sights.items():
        known = {sight.takes_s: sight for sight in sights}
        line = Text("  " + shape.ljust(_NAME))
        for takes_s in columns:
            sight = known.get(takes_s)
            text, kind = ("", "") if sight is None else shown_sight(sight)
            line.append(text.rjust(_CELL), style=_STYLES.get(kind, ""))
        line.rstrip()
        yield line


def columns_of(times_s: Sequence[float]) -> Sequence[float]:
    """Returns at most fifteen of the speeds."""
    return times_s[:: -(-len(times_s) // _MOST)]


def short(seconds: float) -> str:
    """Returns a duration in at most three characters, rounded down: `45s`, `4m`, `99m`, `3d`."""
    for index, (unit, size) in enumerate(_UNITS):
        if index == len(_UNITS) - 1 or seconds < 2 * _UNITS[index + 1][1]:
            return f"{min(int(seconds // size), _MOST_SHOWN)}{unit}"
    raise AssertionError


def shown_sight(sight: Sight) -> tuple[str, Kind]:
    """Returns what an alert made of a leak in a few characters, and of which kind that is."""
    if sight.spare_s is None:
        return "--", "blind"
    if sight.is_early:
        return "!!", "early"
    if sight.kills_before:
        return f"{min(sight.kills_before, 99)}x", "late"
    return short(sight.spare_s), "little" if sight.spare_s < _LITTLE else "enough"
