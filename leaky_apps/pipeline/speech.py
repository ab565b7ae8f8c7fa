"""Transcripts that nobody spoke: from a seed, as long as wanted, the same in every process."""

from __future__ import annotations

import random
from functools import cache
from typing import Final

_PEOPLE: Final = (
    "Ada Moreau", "Bela Tamm", "Chidi Osei", "Dana Kovac", "Elif Aydin", "Femi Bello", "Greta Lind", "Hugo Prado",
    "Ines Duarte", "Jonas Weber", "Kaya Demir", "Lena Vogt", "Marek Novak", "Nora Quist", "Omar Haddad", "Petra Blum",
)  # fmt: skip
_PLACES: Final = (
    "Lake Institute", "North Harbour", "Stone Library", "Open Orchard", "River Archive", "Copper Mill", "Wind Station",
    "Glass Museum",
)  # fmt: skip
_DOINGS: Final = (
    "spent two winters asking why measurements at {place} never agreed with each other",
    "told us that the first version was built in a week and repaired for a year",
    "still keeps the notebook in which the odd result from {place} was written down",
    "says that most of the work is throwing away what looked clever the day before",
    "met {other} by accident, and the two have argued about the same chart ever since",
    "showed the early recordings to {other}, who heard something that nobody had noticed",
    "moved the whole experiment to {place} because the building was quiet at night",
    "thinks that the next ten years will be about using less rather than more",
)
_SENTENCES: Final = 1500

CHARACTERS: Final = 48_000
"""About three quarters of an hour of talk."""


def transcript(seed: int, characters: int = CHARACTERS) -> str:
    """The transcript of episode `seed`, exactly `characters` long; the same seed says the same."""
    pool = _pool()
    shortest = len(min(pool, key=len))
    chosen = random.Random(seed).choices(pool, k=characters // shortest + 1)  # noqa: S311 - no secret
    return " ".join(chosen)[:characters]


@cache
def _pool() -> tuple[str, ...]:
    dice = random.Random(11)  # noqa: S311 - no secret
    return tuple(_sentence(dice) for _ in range(_SENTENCES))


def _sentence(dice: random.Random) -> str:
    doing = dice.choice(_DOINGS).format(place=dice.choice(_PLACES), other=dice.choice(_PEOPLE))
    return f"{dice.choice(_PEOPLE)} {doing}."
