"""Services that are started anew inside the target, by a supervisor that stays, where no step asks for it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sabotage import add, sabotage
from steps import KEEPS, RETURNS, WORKS
from tape import Tape, of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from leakdrill.record.event import Event

TREE = of("process", "tree")
ENDED = "that served since before the baseline ended"


def ends(shares: Mapping[float, float]) -> Callable[[Tape], Tape]:
    """So many seconds after the step, processes end with such a share of what the target held just before it."""

    def spoil(tape: Tape) -> Tape:
        began = tape.cured.start
        held = max(e.value["rss_bytes"] for e in tape.events if TREE(e) and isinstance(e.value, dict) and e.t < began)

        def told(event: Event) -> Event:
            gone = [(began + s, share) for s, share in shares.items() if began + s <= event.t]
            size = held * sum(share for _, share in gone)
            age = max((t for t, _ in gone), default=0.0)
            return replace(event, value={**event.value, "ended_bytes": size, "ended_age_s": age})  # type: ignore[dict-item]

        return tape.change(lambda e: TREE(e) and isinstance(e.value, dict), told)

    return spoil


for check in (WORKS, RETURNS, KEEPS):
    what = f"the step ends the child that serves: {check}"
    add("services that are started anew", what, "cache", ends({-0.05: 0.95}), check, "UNKNOWN", ENDED)

for what, shares in (
    ("two workers end one after the other", {-0.05: 0.48, 0.4: 0.48}),
    ("the child ends just after the step", {0.05: 0.97}),
    ("the child ended in the middle of the load", {-12.0: 0.9}),
):
    add("services that are started anew", what, "cache", ends(shares), RETURNS, "UNKNOWN", ENDED)


@sabotage("services that are started anew", "cache", RETURNS, "UNKNOWN", "ended_bytes fell")
def the_count_of_what_ended_falls(tape: Tape) -> Tape:
    ends({-30.0: 0.01})(tape)
    return tape.numbers(of("process", "tree", tape.cured), "ended_bytes", lambda _: 0.0)
