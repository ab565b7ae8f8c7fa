"""Every claim that a verdict may make: those of a drill, of a gate run and of a watched run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from leakdrill.judging import drill, rehearsal
from leakdrill.judging.leak import gate
from leakdrill.judging.watch import judge as watch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from leakdrill.judging.evidence.check import Check


class ClaimRow(NamedTuple):
    """A claim by its whole name.

    Attributes:
        command: `run`, `gate` or `watch`.
        name: as it stands in verdicts.
        sentence: what holds when it passes.
    """

    command: str
    name: str
    sentence: str


def all_claims() -> list[ClaimRow]:
    """Returns every claim of each command, in the order in which it is judged."""
    return [
        *_of("run", drill.CHECKS),
        *_of("run", rehearsal.CHECKS),
        *_of("gate", gate.CHECKS),
        *_of("watch", watch.CHECKS),
    ]


def _of(command: str, groups: Iterable[Iterable[Check[Any]]]) -> Iterator[ClaimRow]:
    for group in groups:
        for check in group:
            yield from (ClaimRow(command, name, sentence) for name, sentence in check.claims.items())
