"""Envelopes as a page of heat maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.envelope.heat_map import columns_of, short, shown_sight
from leakdrill.envelope.sentence import fires_for_nothing, sees, silent
from leakdrill.envelope.terminal import assumptions, title
from leakdrill.reports.index.heat_maps import HeatCell, HeatMap, HeatPage, heat_page_html
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakdrill.envelope.envelope import Envelope, Sight
    from leakdrill.envelope.settings import Settings

_BLIND: Final = "✗"


def envelope_html(envelopes: Sequence[Envelope], settings: Settings, promtool: str) -> str:
    """Returns `envelopes` as one HTML file.

    Args:
        envelopes: one for each alert.
        settings: with which they were measured.
        promtool: its version.
    """
    played = [one for one in envelopes if not one.reason]
    loud = sum(bool(one.false_alarms) for one in played)
    page = HeatPage(
        title=", ".join(dict.fromkeys(one.alert.file.name for one in envelopes)) or "no alert",
        summary=f"{len(played)} of {len(envelopes)} alerts have an envelope; {loud} of them fire for nothing.",
        assumed=assumptions(settings, promtool),
        maps=[_map(one, settings) for one in played],
        without=[f"{title(one)}: {one.reason}" for one in envelopes if one.reason],
    )
    return heat_page_html(page)


def _map(one: Envelope, settings: Settings) -> HeatMap:
    columns = columns_of(settings.times_s())
    rows = []
    for shape, sights in one.sights.items():
        known = {sight.takes_s: sight for sight in sights}
        rows.append((shape, [_cell(known.get(takes_s)) for takes_s in columns]))
    alarms = fires_for_nothing(one)
    return HeatMap(
        name=title(one),
        sentence=_sentence(sees(one, settings.baseline)),
        columns=[short(takes_s) for takes_s in columns],
        rows=rows,
        quiet=not alarms,
        notes=[_sentence(alarms or silent(one)), *map(_sentence, one.notes)],
    )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _cell(sight: Sight | None) -> HeatCell | None:
    if sight is None:
        return None
    text, kind = shown_sight(sight)
    words = {
        "blind": "blind",
        "early": "fires before anything leaks",
        "late": f"fires after {sight.kills_before} kills only",
    }.get(kind, f"{show_duration(sight.spare_s or 0.0)} to spare")
    return HeatCell(_BLIND if kind == "blind" else text, kind, words)
