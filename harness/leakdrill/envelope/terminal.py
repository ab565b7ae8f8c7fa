"""Envelopes on a terminal: a sentence and a heat map for each alert, then what has none, then the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.envelope.heat_map import LEGEND, heat_map
from leakdrill.envelope.sentence import fires_for_nothing, sees, silent
from leakdrill.printable import printable
from leakdrill.record.verdict import Outcome
from leakdrill.units import show_duration, show_share, show_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from leakdrill.envelope.against import Change
    from leakdrill.envelope.envelope import Envelope
    from leakdrill.envelope.requirement import Judged
    from leakdrill.envelope.settings import Settings

_STYLE: Final = {Outcome.PASS: "green", Outcome.UNKNOWN: "yellow", Outcome.FAIL: "bold red"}


def print_envelopes(
    envelopes: Sequence[Envelope],
    settings: Settings,
    promtool: str,
    judged: Sequence[Judged],
    console: Console,
    changed: Sequence[Change] = (),
) -> None:
    """Prints `envelopes`, what was assumed, what changed, and what was judged."""
    for one in envelopes:
        if not one.reason:
            _print_one(one, settings, console)
    without = [one for one in envelopes if one.reason]
    if without:
        console.print(f"{len(without)} of {len(envelopes)} alerts have no envelope:", markup=False)
        for one in without:
            console.print(printable(f"  {title(one)}: {one.reason}"), markup=False, soft_wrap=True)
        console.print()
    if len(without) < len(envelopes):
        console.print(LEGEND, markup=False)
    console.print(assumptions(settings, promtool), markup=False, soft_wrap=True)
    for change in changed:
        console.print(printable(str(change)), markup=False, soft_wrap=True, highlight=False)
    for line in judged:
        console.print(
            f"{line.outcome}: {printable(line.text)}", style=_STYLE[line.outcome], markup=False, soft_wrap=True
        )


def _print_one(one: Envelope, settings: Settings, console: Console) -> None:
    console.print(printable(title(one)), style="bold", markup=False, soft_wrap=True)
    console.print(f"  {sees(one, settings.baseline)}", markup=False, soft_wrap=True, highlight=False)
    for line in heat_map(one, settings.times_s()):
        console.print(line, no_wrap=True, overflow="crop", highlight=False)
    nothing = fires_for_nothing(one)
    told = nothing or silent(one)
    console.print(f"  {told}", style="yellow" if nothing else "", markup=False, soft_wrap=True, highlight=False)
    for note in one.notes:
        console.print(printable(f"  note: {note}"), style="dim", markup=False, soft_wrap=True, highlight=False)
    console.print()


def title(one: Envelope) -> str:
    """Returns the name of an alert with its severity, wait and place."""
    severity = one.alert.labels.get("severity", "")
    waits = f", for {show_duration(one.alert.for_s)}" if one.alert.for_s else ""
    place = f"{one.alert.file.name}:{one.alert.line}"
    return f"{one.alert.name}{f' ({severity}{waits})' if severity else waits} {place}"


def assumptions(settings: Settings, promtool: str) -> str:
    """Returns what was assumed, and the version of the engine."""
    limits = settings.limits
    cores = f"{limits['CPU']:g} {'core' if limits['CPU'] == 1 else 'cores'}"
    return (
        f"promtool {promtool}; scraped every {show_duration(settings.scrape_s)}, evaluated every "
        f"{show_duration(settings.evaluate_s)}; {show_share(settings.baseline)} in use before the leak; limits: "
        f"{show_size(limits['memory'])} of memory, {show_size(limits['disk'])} of disk, "
        f"{limits['descriptors']:g} descriptors, {limits['threads']:g} threads, {cores}, "
        f"{show_size(limits['GPU memory'])} of a card"
    )
