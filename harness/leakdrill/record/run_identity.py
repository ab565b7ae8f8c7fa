"""Which run a `run.json` is of, and when it began: what may stand there, and the reader of the file.

Other programs get both: a run's id becomes the name of a folder, and its start the time of a trace, in nanoseconds
since 1970. So what is no such name, or no such time, is refused where the file is read.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, Strict, ValidationError

from leakdrill import __version__
from leakdrill.errors import BadInput
from leakdrill.files import read_below
from leakdrill.record.schema_version import schema_version
from leakdrill.units import quoted

if TYPE_CHECKING:
    from pathlib import Path

M = TypeVar("M", bound=BaseModel)

_FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_END: Final = datetime(2200, 1, 1, tzinfo=UTC)
"""Nanoseconds since 1970 fit into 63 bits until 2262."""
_MOST_BYTES: Final = 255
"""The longest name of a file that Linux has."""
_SHOWN_CHARS: Final = 40


def _of_a_clock(moment: datetime) -> datetime:
    if not _FIRST <= moment < _END:
        raise ValueError(f"is {moment.isoformat()}; expected a time from {_FIRST.year} to {_END.year - 1}")
    return moment.astimezone(UTC)


def _of_a_folder(text: str) -> str:
    named = bool(text) and "/" not in text and not text.startswith(".") and text.isprintable()
    if not named or len(text.encode("utf-8", "surrogatepass")) > _MOST_BYTES:
        raise ValueError(f"{quoted(text[:_SHOWN_CHARS])} can be no folder's name")
    return text


WallClock = Annotated[AwareDatetime, Strict(), AfterValidator(_of_a_clock)]
"""A moment that a clock can have shown, with its time zone; kept in UTC."""

RunId = Annotated[str, AfterValidator(_of_a_folder)]
"""The id of a run, after which folders are named."""


def read_run_json(path: Path, model: type[M]) -> M:
    """Returns what is in the `run.json` at `path`, as `model` has it.

    Raises:
        BadInput: when it cannot be read, is of another schema, or does not fit; names the file and the field.
    """
    try:
        text = read_below(path.parent, path.name)
        schema_version(text, path)
        return model.model_validate_json(text)
    except OSError as e:
        raise BadInput(f"{path}: cannot be read: {e.strerror}") from e
    except ValidationError as e:
        first = e.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadInput(
            f"{path}: {where}: {first['msg'].removeprefix('Value error, ')}",
            hint=f"this is Leakdrill {__version__}; the run may be of another version",
        ) from e
