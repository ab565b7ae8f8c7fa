"""The journal of an earlier run, as it lies there: read without trust, and locked while it is undone."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import orjson

from leakdrill.files import open_below
from leakdrill.record.journal import Entry, Journal
from leakdrill.record.journal_header import JOURNAL_FILE, Header

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator

MOST_BYTES: Final = 64 * 2**20
"""How long a journal may be; that of a drill of a day has some 10 KiB."""

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


def read_header(run_dir: Path) -> Header | None:
    """The header of the journal in `run_dir`; None where there is none."""
    try:
        with open_below(run_dir, JOURNAL_FILE) as file:
            return parse_journal(file.readline(MOST_BYTES)).header
    except OSError:
        return None


def locked_elsewhere(run_dir: Path) -> bool:
    """Whether another open file holds the journal in `run_dir`, as that of a living drill does."""
    try:
        with open_below(run_dir, JOURNAL_FILE) as file:
            fcntl.flock(file.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as e:
        return e.errno in (errno.EWOULDBLOCK, errno.EACCES)
    return False


@contextlib.contextmanager
def taken_over(folder: Path, name: str) -> Iterator[tuple[Journal, list[str]]]:
    """The journal `name` below `folder`, locked, with what it holds pending; and its lines that are not understood.

    Raises:
        OSError: when it cannot be opened, or is no plain file.
        OwnerLives: when its drill still runs.
        NotOurs: when nothing may be undone from it.
    """
    with contextlib.ExitStack() as stack:
        file = cast("io.FileIO", stack.enter_context(_opened(folder, name)))
        path = Path(f"/proc/self/fd/{file.fileno()}").readlink()
        content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise NotOurs(f": it is longer than {MOST_BYTES:,} bytes; nothing was undone")
        contents = parse_journal(content)
        _demand_ours(contents, path, os.fstat(file.fileno()))
        _lock(file, contents.header)
        # The lock may have been waited for: what was undone meanwhile is read again.
        file.seek(0)
        contents = parse_journal(file.read(MOST_BYTES))
        header = cast("Header", contents.header)
        if contents.entries:
            file.truncate(contents.length)  # a line torn by a crash would run into the next one that is appended
        yield Journal.reopened(file, header, contents.entries), contents.problems[:_MOST_PROBLEMS]


def _opened(folder: Path, name: str) -> Any:
    return open_below(folder, name, flags=os.O_RDWR | os.O_APPEND)


def _demand_ours(contents: Contents, path: Path, state: os.stat_result) -> None:
    header = contents.header
    if header is None and not contents.entries and not contents.problems[1:]:
        raise NotOurs  # it says nothing, or that everything was undone
    why = f": {header.foreign(path, state) or ''}" if header else f":{(contents.problems or ['1: is empty'])[0]}"
    if why == ": ":
        return
    left = f"; {len(contents.entries)} entries were left" if contents.entries else ""
    raise NotOurs(f"{why}; nothing was undone{left}" if contents.entries or contents.problems else "")


def _lock(file: io.FileIO, header: Header | None) -> None:
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as e:
        if e.errno in (errno.EWOULDBLOCK, errno.EACCES):
            raise OwnerLives from e
    if header and header.owner_is_here and not header.is_ours:  # our own would be locked
        raise OwnerLives
