"""A backtest on a terminal: a sentence for each alert, then everything in the order in which it happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.backtest.live import fired_live_s
from leakdrill.backtest.moment import moment
from leakdrill.printable import printable
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from leakdrill.backtest.against import Change
    from leakdrill.backtest.alert_past import Backtested, Stretch
    from leakdrill.backtest.past import Past

_STYLE: Final = {
    "FIRES": "bold red",
    "MAY FIRE": "bold red",
    "PENDING": "yellow",
    "UNKNOWN": "yellow",
    "SILENT": "green",
}
_MOST_TOLD: Final = 60
_OTHER_LABELS: Final = ("pod", "instance", "container", "device", "mountpoint", "gpu")


def print_backtest(past: Past, alerts: Sequence[Backtested], console: Console, changed: Sequence[Change] = ()) -> None:
    """Prints what each alert would have done in `past`, what happened beside it, and what changed."""
    _line(console, _heading(past), style="bold")
    for one in alerts:
        _line(
            console,
            f"{one.word:<9}{one.title} {one.alert.file.name}:{one.alert.line}",
            style=_STYLE[one.word],
            indent=2,
        )
        for text in _sentences(one, past):
            _line(console, text, indent=11)
    rows = sorted([*_of_alerts(past, alerts), *_of_past(past)], key=lambda row: row[0])
    for t_s, text in rows[:_MOST_TOLD]:
        _line(console, f"{moment(t_s, past)}  {text}", indent=24 - len(moment(t_s, past)))
    if len(rows) > _MOST_TOLD:
        _line(console, f"and {len(rows) - _MOST_TOLD} more; --json has all of them", indent=2)
    for note in past.notes:
        _line(console, f"note: {note}", style="dim", indent=2)
    for change in changed:
        _line(console, str(change), indent=2)
    console.print()


def _line(console: Console, text: str, *, style: str = "", indent: int = 0) -> None:
    console.print(f"{' ' * indent}{printable(text)}", style=style, markup=False, soft_wrap=True, highlight=False)


def _heading(past: Past) -> str:
    lasts = show_duration(past.origin_s + past.ends_s - past.shown_from_s)
    scaled = f" of production time (time scale {past.time_scale:g})" if past.time_scale != 1 else ""
    return (
        f"{past.name}: {lasts}{scaled}, scraped every {show_duration(past.scrape_s)}, evaluated every "
        f"{show_duration(past.evaluate_s)}"
    )


def _sentences(one: Backtested, past: Past) -> Iterator[str]:
    if one.reason:
        yield one.reason
        return
    between = one.fires_between_s
    if between and one.fires_s is not None and one.fires_s >= past.shown_from_s:
        spread = "" if between[0] == between[1] else f", {show_duration(between[1] - between[0])} later or earlier"
        ways = "" if one.word == "FIRES" else f" in {one.fires_in} of {len(one.ways)} ways to scrape it"
        yield f"would have fired at {moment(one.fires_s, past)}{spread}{ways}"
    live_s = fired_live_s(one.alert, past)
    if live_s is not None:
        apart = "" if one.fires_s is None else f", {show_duration(abs(live_s - one.fires_s))} apart"
        yield f"fired live at {moment(live_s, past)}{apart}"


def _of_past(past: Past) -> Iterator[tuple[float, str]]:
    yield from ((one.t_s, one.text) for one in past.happenings if one.t_s >= past.shown_from_s)


def _of_alerts(past: Past, alerts: Sequence[Backtested]) -> Iterator[tuple[float, str]]:
    for one in alerts:
        for stretch in one.usual.stretches:
            name = f"{one.title}{_which(stretch)}"
            told = ((stretch.pending_s, "pending"), (stretch.firing_s, "FIRES"), (stretch.over_s, "over"))
            yield from ((t_s, f"{name} {word}") for t_s, word in told if t_s is not None and t_s >= past.shown_from_s)


def _which(stretch: Stretch) -> str:
    """Which of several it is, by the first label that tells."""
    labels = dict(stretch.labels)
    return next((f" {{{name}={labels[name]}}}" for name in _OTHER_LABELS if labels.get(name)), "")
