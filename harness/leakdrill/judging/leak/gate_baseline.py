"""A baseline kept in the user's repository: what an accepted run measured, readable in a review.

It holds the slots themselves, not a number derived from them: a later version can judge them by a better method.
"""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, field_validator

from leakdrill import __version__
from leakdrill.errors import BadInput
from leakdrill.files import write_named
from leakdrill.json_file import read_json
from leakdrill.judging.leak.trace import Trace
from leakdrill.record.run_identity import WallClock

if TYPE_CHECKING:
    from pathlib import Path

    from leakdrill.scenario.scenario import Scenario

SCHEMA_VERSION: Final = 1
_MOST: Final = float(1 << 63)
_LONGEST_S: Final = 1e9
_FEWEST: Final = 2

Reading = Annotated[FiniteFloat, Field(ge=0, lt=_MOST)]
"""What a meter can have read: no number of bytes, requests or seconds is larger."""


class Conditions(BaseModel):
    """Under which a run was measured. Runs under unlike conditions are not compared."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scenario: str
    python: str
    allocator: str
    machine: str
    corpus: str
    slots: Annotated[int, Field(gt=0, lt=1 << 63)]
    slot_s: Annotated[FiniteFloat, Field(gt=0, le=_LONGEST_S)]
    users: Annotated[int, Field(gt=0, lt=1 << 63)]
    rate: Annotated[FiniteFloat, Field(gt=0, lt=_MOST)] | None

    def unlike(self, other: Conditions) -> list[str]:
        """One clause for each condition in which `other` differs."""
        mine, theirs = self.model_dump(), other.model_dump()
        return [f"{name} was {theirs[name]} and is {mine[name]}" for name in mine if mine[name] != theirs[name]]


class BaselineFile(BaseModel):
    """The file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = SCHEMA_VERSION
    leakdrill: str = __version__
    measured: WallClock
    bytes_per_request: Annotated[FiniteFloat, Field(gt=-_MOST, lt=_MOST)]
    conditions: Conditions
    columns: dict[str, list[Reading]]

    @field_validator("columns")
    @classmethod
    def _is_a_recording(cls, columns: dict[str, list[float]]) -> dict[str, list[float]]:
        if not {"t", "requests"} < columns.keys():
            raise ValueError("expected t, requests and a column of memory")
        if len({len(values) for values in columns.values()}) != 1:
            raise ValueError("expected columns of one length")
        if len(columns["t"]) < _FEWEST:
            raise ValueError(f"expected at least {_FEWEST} readings; found {len(columns['t'])}")
        if any(later < value for name in ("t", "requests") for value, later in pairwise(columns[name])):
            raise ValueError("expected t and requests never to fall")
        return columns

    @field_validator("schema_version")
    @classmethod
    def _is_known(cls, version: int) -> int:
        if version != SCHEMA_VERSION:
            raise ValueError(f"is {str(version)[:20]}; this version reads {SCHEMA_VERSION}")
        return version

    def trace(self) -> Trace:
        """The recording."""
        columns = {name: np.array(values) for name, values in self.columns.items()}
        return Trace(name="baseline", t=columns.pop("t"), requests=columns.pop("requests"), columns=columns, quiet=True)


def conditions(scenario: Scenario, corpus: str, *, python: str, allocator: str) -> Conditions:
    """The conditions of a run of `scenario` on this machine."""
    return Conditions(
        scenario=scenario.name,
        python=python,
        allocator=allocator,
        machine=f"{platform.machine()} {' '.join(platform.libc_ver())}".strip(),
        corpus=corpus,
        slots=scenario.gate.slots,
        slot_s=scenario.gate.slot,
        users=scenario.load.users,
        rate=scenario.gate.rate,
    )


def write_baseline(path: Path, trace: Trace, conditions: Conditions, *, bytes_per_request: float) -> None:
    """Write `trace` to `path`.

    Raises:
        BadInput: when it cannot be written.
    """
    columns = {"t": trace.t, "requests": trace.requests, **trace.columns}
    file = BaselineFile(
        measured=datetime.now(UTC).replace(microsecond=0),
        bytes_per_request=round(bytes_per_request, 3),
        conditions=conditions,
        columns={name: [round(float(v), 3) for v in values] for name, values in columns.items()},
    )
    try:
        write_named(path, file.model_dump_json(indent=1) + "\n")
    except OSError as e:
        raise BadInput(f"{path}: cannot be written: {e.strerror}") from e


def read_baseline(path: Path) -> BaselineFile:
    """The baseline in `path`.

    Raises:
        BadInput: when it is not there or not one.
    """
    return read_json(
        path, BaselineFile, expected="a baseline", hint="`leakdrill gate … --baseline FILE --update` writes it"
    )
