"""The journal of an earlier run, as it lies there: read without trust, and locked while it is undone."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import orjson

from leakdrill.files import open_below
from leakdrill.record.journal import Entry, Journal
from leakdrill.record.journal_header import JOURNAL_FILE, Header
from leakdrill.record.journal_lock import drill_lives, locked
from leakdrill.units import show_count

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator

MOST_BYTES: Final = 64 * 2**20
"""How long a journal may be; that of a drill of a day has some 10 KiB."""

OPEN_FILES: Final = Path("/proc/self/fd")
_MOST_PROBLEMS: Final = 3


class NotOurs(Exception):  # noqa: N818 - an outcome, not a failure
    """Nothing may be undone from the journal. The text says why, and goes on after its path; empty: nothing is left."""


class OwnerLives(Exception):  # noqa: N818 - likewise
    """The drill that writes it still runs."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a journal says.

    Attributes:
        header: its first line; None when that is no header.
        entries: what is not undone, newest first.
        problems: `LINE: sentence` for each line that is none of a journal; the others count all the same.
        length: bytes up to the end of the last whole line.
    """

    header: Header | None
    entries: list[Entry]
    problems: list[str] = field(default_factory=list)
    length: int = 0


def parse_journal(content: bytes) -> Contents:
    """What `content` says; a torn last line is left out."""
    lines = content.split(b"\n")[:-1]
    header: Header | None = None
    left: dict[int, Entry] = {}
    problems: list[str] = []
    for number, line in enumerate(lines, start=1):
        try:
            fact = _json(line)
            if number == 1 and not _is_fact(fact):
                header = Header.parse(fact)
                continue
            if number == 1:
                problems.append("1: found no header: the journal was made up, or is of an older version")
            _apply(fact, left)
        except ValueError as e:
            problems.append(f"{number}: {e}")
    entries = sorted(left.values(), key=lambda e: e.id, reverse=True)
    return Contents(header, entries, problems, content.rfind(b"\n") + 1)


def _is_fact(line: Any) -> bool:
    return isinstance(line, dict) and "state" in line


def _json(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError as e:
        raise ValueError(f"is no JSON: {e.msg}") from e


def _apply(fact: Any, left: dict[int, Entry]) -> None:
    if not isinstance(fact, dict) or type(fact.get("id")) is not int:
        raise ValueError('expected {"id": 1, "state": "planned", …}')
    state, number = fact.get("state"), fact["id"]
    data = fact.get("data", {})
    if not isinstance(data, dict):
        raise ValueError("data: expected an object")  # noqa: TRY004 - of a line, as every other
    if state == "undone":
        left.pop(number, None)
    elif state == "planned":
        if not isinstance(fact.get("kind"), str):
            raise ValueError("kind: expected a text")
        if number in left:
            raise ValueError(f"entry {number} was planned before")
        left[number] = Entry(number, fact["kind"], data)
    elif state == "done":
        if number in left:
            left[number] = Entry(number, left[number].kind, {**left[number].data, **data})
    else:
        raise ValueError("state: expected planned, done or undone")


def read_journal(path: Path) -> list[Entry]:
    """The entries of the journal `path`, an own one, that are not undone, newest first."""
    return parse_journal(path.read_bytes()).entries


def owner_lives(run_dir: Path) -> bool:
    """Whether the drill of `run_dir` still runs: its journal is locked, or the process in the header is there."""
    try:
        with open_below(run_dir, JOURNAL_FILE) as file:
            header = parse_journal(file.readline(MOST_BYTES)).header
            return header is not None and (header.owner_is_here or drill_lives(file.fileno()))
    except OSError:
        return False


@contextlib.contextmanager
def taken_over(folder: Path, name: str) -> Iterator[tuple[Journal, list[str]]]:
    """The journal `name` below `folder`, locked, with what it holds pending; and its lines that are not understood.

    Raises:
        OSError: when it cannot be opened, or is no plain file.
        OwnerLives: when its drill still runs.
        NotOurs: when nothing may be undone from it.
        EnvironmentProblem: when another process has been undoing it for minutes.
    """
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(_opened(folder, name))
        descriptor, path = file.fileno(), _path_of(file)
        header = _demand_ours(_contents(file), path, os.fstat(descriptor))
        if drill_lives(descriptor) or (header.owner_is_here and not header.is_ours):  # our own pid is no news
            raise OwnerLives
        stack.enter_context(locked(descriptor, path))
        contents = _contents(file)  # another may have undone something while we waited for the lock
        if contents.entries:
            file.truncate(contents.length)  # a line torn by a crash would run into the next one that is appended
        yield Journal.reopened(file, header, contents.entries), contents.problems[:_MOST_PROBLEMS]


def _opened(folder: Path, name: str) -> io.FileIO:
    """Its file; that which a watchdog holds open is a link by nature."""
    if folder == OPEN_FILES:
        return (folder / name).open("r+b", buffering=0)
    return cast("io.FileIO", open_below(folder, name, flags=os.O_RDWR | os.O_APPEND))


def _path_of(file: io.FileIO) -> Path:
    """Where it lies, or lay, without links."""
    path = str((OPEN_FILES / str(file.fileno())).readlink())
    return Path(path if os.fstat(file.fileno()).st_nlink else path.removesuffix(" (deleted)"))


def _contents(file: io.FileIO) -> Contents:
    file.seek(0)
    content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise NotOurs(f": it is longer than {MOST_BYTES:,} bytes; nothing was undone")
    return parse_journal(content)


def _demand_ours(contents: Contents, path: Path, state: os.stat_result) -> Header:
    header = contents.header
    if header is None and not contents.entries and not contents.problems[1:]:
        raise NotOurs  # it says nothing, or that everything was undone
    if header is None:
        why = f":{contents.problems[0]}"
    elif foreign := header.foreign(path, state):
        why = f": {foreign}"
    else:
        return header
    left = f"; {show_count(len(contents.entries), 'entry was', 'entries were')} left" if contents.entries else ""
    raise NotOurs(f"{why}; nothing was undone{left}" if contents.entries or contents.problems else "")
