"""Files as a stranger may have left them: opened only where they are plain files, written whole or not at all.

A path that a person names may lead over links, but to a plain file: a pipe would wait for ever, `/dev/zero` never
ends. Inside of a run folder, whose content may be somebody else's, no link is followed at all. What is written there is
written beside its place, under a name that nobody else has, and then moved there, so that a reader sees the old file
or the new one, and a link in its place is replaced, not followed.

Everything here raises OSError with a `strerror` for people; callers say which file it was and what was expected.
"""

from __future__ import annotations

import contextlib
import errno
import os
import os.path
import secrets
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from leakdrill.units import show_size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MOST_BYTES: Final = 4 * 2**20
"""How long a file that is read in one piece may be: JSON of nothing but `{}` takes 180 times as much memory."""
_READ: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_KINDS: Final = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_MARKS_OF_A_RUN: Final = ("run.json", "history.jsonl")
_READER_IDLE_S: Final = 30.0
_LOOKS_AGAIN_S: Final = 0.02
_umasks: Final[list[int]] = []


def is_file(path: Path) -> bool:
    """Returns whether `path` is a file; not where its name is too long, or its folder may not be looked into."""
    return os.path.isfile(path)  # noqa: PTH113 - Path.is_file raises for both


def is_folder(path: Path) -> bool:
    """Returns whether `path` is a folder; not where its name is too long, or its folder may not be looked into."""
    return os.path.isdir(path)  # noqa: PTH112 - Path.is_dir raises for both


def exists(path: Path) -> bool:
    """Returns whether something is at `path`; not where its name is too long, or its folder may not be looked into."""
    return os.path.exists(path)  # noqa: PTH110 - Path.exists raises for both


def real_path(path: Path) -> Path:
    """Returns `path` without links, as far as it leads: one that leads to itself stays, and is refused when opened."""
    return Path(os.path.realpath(path))


def open_file(path: Path) -> BinaryIO:
    """Opens the plain file at `path`, which a person named, to read it.

    Raises:
        OSError: when it cannot be opened, or is anything but a plain file.
    """
    return _plain(_open(path, _READ))


def read_file(path: Path, *, most_bytes: int = MOST_BYTES) -> bytes:
    """Returns the content of the plain file at `path`, which a person named.

    Raises:
        OSError: when it cannot be read, is anything but a plain file, or is longer than `most_bytes`.
    """
    with open_file(path) as file:
        return _content(file, most_bytes)


def open_below(folder: Path, name: str, *, flags: int = os.O_RDONLY) -> BinaryIO:
    """Opens `name` below `folder`, of whose content nothing is known, without following a link below it.

    Args:
        folder: which a person named, or which is ours; links on the way to it are followed.
        name: relative, without `..`; of several parts where it stands in an inner folder.
        flags: those of `os.open`, such as `os.O_WRONLY | os.O_APPEND | os.O_CREAT`; what is made is its owner's alone.

    Raises:
        OSError: when it is not there, cannot be opened, is a link, or is anything but a plain file.
    """
    *folders, last = _parts(name)
    with contextlib.ExitStack() as opened:
        at = _opened(opened, _open(folder, _READ | os.O_DIRECTORY))
        for part in folders:
            at = _opened(opened, _open_at(part, _READ | os.O_DIRECTORY | os.O_NOFOLLOW, at))
        return _plain(_open_at(last, flags | _READ | os.O_NOFOLLOW, at), flags)


def new_file(path: Path) -> BinaryIO:
    """Opens the plain file at `path` to write it anew, for its owner alone; a link in its place is not followed.

    Raises:
        OSError: as `open_below` does.
    """
    return open_below(path.parent, path.name, flags=os.O_WRONLY | os.O_CREAT | os.O_TRUNC)


def read_below(folder: Path, name: str, *, most_bytes: int = MOST_BYTES) -> bytes:
    """Returns the content of `name` below `folder`, as `open_below` opens it.

    Raises:
        OSError: as `open_below` does, or when it is longer than `most_bytes`.
    """
    with open_below(folder, name) as file:
        return _content(file, most_bytes)


def write_below(folder: Path, name: str, content: str | bytes) -> None:
    """Writes `name` in `folder`, for its owner alone and whole or not at all; what stands there is replaced.

    Raises:
        OSError: when it cannot be written; nothing of it is left then.
    """
    (last,) = _parts(name)
    at = _open(folder, _READ | os.O_DIRECTORY)
    try:
        _replace(at, last, content, mode=0o600)
    finally:
        os.close(at)


def write_together(folder: Path, contents: Mapping[str, str | bytes]) -> None:
    """Writes files in `folder`, by their names, as `write_below` does: all of them, or none.

    Raises:
        OSError: when one cannot be written; nothing is changed then. A disk that fails between two renames is told,
            and leaves the files whole.
    """
    for name in contents:
        (_,) = _parts(name)
    at, beside = _open(folder, _READ | os.O_DIRECTORY), dict[str, str]()
    try:
        for name in contents:
            _demand_no_folder(at, name)
        for name, content in contents.items():
            beside[name] = _written_beside(at, name, content, mode=0o600)
        for name in contents:
            os.replace(beside[name], name, src_dir_fd=at, dst_dir_fd=at)
            del beside[name]
    finally:
        for left in beside.values():
            _remove(at, left)
        os.close(at)


def write_named(path: Path, content: str | bytes) -> None:
    """Writes the file at `path`, which a person named: whole or not at all, with the mode that other files have.

    A link is followed, but none that stands in a run folder; what is no plain file (`/dev/stdout`, a pipe) is written
    to.

    Raises:
        OSError: when it cannot be written, or nobody reads the pipe that it is.
    """
    _demand_no_strangers_link(path)
    data = _bytes(content)
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISREG(_status(path).st_mode):
            _write_at_once(_open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC), data)
            return
    place = os.path.realpath(path)
    at = _open(os.path.dirname(place), _READ | os.O_DIRECTORY)  # noqa: PTH120 - a text, as realpath gives it
    try:
        _replace(at, os.path.basename(place), data, mode=0o666 & ~_umask())  # noqa: PTH119 - likewise
    finally:
        os.close(at)


def append_named(path: Path, text: str) -> None:
    """Appends to the file at `path`, which a person named, or to the pipe or device that it is; it may be new.

    Raises:
        OSError: when it cannot be written, or nobody reads the pipe that it is.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    _write_at_once(_open(path, flags), _bytes(text))


def make_private(folder: Path) -> None:
    """Makes `folder`, which is not there yet, for its owner alone, whatever the umask.

    Raises:
        OSError: when it cannot be made, or is there.
    """
    folder.mkdir(mode=0o700)
    folder.chmod(0o700)


def make_parents(path: Path) -> None:
    """Makes the folders above the file at `path`, which a person named, with the mode that other folders have.

    Raises:
        OSError: when one cannot be made, is no folder, or is a link that stands in a run folder.
    """
    _demand_no_strangers_link(path.parent)
    before = os.umask(_umask())
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except FileExistsError as e:
        raise OSError(errno.ENOTDIR, "is no folder", e.filename) from e
    except ValueError as e:
        raise OSError(errno.EINVAL, "no file can have this name", str(path)) from e
    finally:
        os.umask(before)


@contextlib.contextmanager
def private_by_default() -> Iterator[None]:
    """Makes what this process and its helpers write their owner's alone; `users_umask` is for the user's programs."""
    _umasks.append(os.umask(0o077))
    try:
        yield
    finally:
        os.umask(_umasks.pop())


def users_umask() -> int:
    """Returns the umask with which the user started us, as `subprocess.Popen` takes it; -1 where it is in force."""
    return _umasks[0] if _umasks else -1


def _umask() -> int:
    if _umasks:
        return _umasks[0]
    os.umask(before := os.umask(0o077))
    return before


def _parts(name: str) -> list[str]:
    parts = name.split("/")
    if any(part in ("", ".", "..") for part in parts):
        raise OSError(errno.EINVAL, "is no name of a file below the folder", name)
    return parts


def _open(path: Path | str, flags: int) -> int:
    return _open_at(path, flags, None)


def _open_at(path: Path | str, flags: int, at: int | None) -> int:
    try:
        return os.open(path, flags, 0o600, dir_fd=at)
    except ValueError as e:  # a NUL character
        raise OSError(errno.EINVAL, "no file can have this name", str(path)) from e
    except OSError as e:
        if e.errno == errno.ELOOP and flags & os.O_NOFOLLOW:
            raise OSError(errno.ELOOP, "is a symbolic link, which is not followed here", str(path)) from e
        if e.errno == errno.ENXIO:
            raise OSError(errno.ENXIO, "is a socket, or a pipe that nobody reads", str(path)) from e
        raise


def _opened(stack: contextlib.ExitStack, descriptor: int) -> int:
    stack.callback(os.close, descriptor)
    return descriptor


def _status(path: Path) -> os.stat_result:
    try:
        return os.stat(path)  # noqa: PTH116 - beside os.open
    except ValueError as e:
        raise OSError(errno.EINVAL, "no file can have this name", str(path)) from e


def _plain(descriptor: int, flags: int = os.O_RDONLY) -> BinaryIO:
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        kind = next((name for is_kind, name in _KINDS if is_kind(mode)), "no file")
        raise OSError(errno.EINVAL, f"is {kind} and no plain file")
    if flags & (os.O_WRONLY | os.O_RDWR):
        os.set_blocking(descriptor, True)  # not for reading: `/proc/kmsg` is a plain file, and waits like a pipe
    if flags & os.O_CREAT:
        os.fchmod(descriptor, 0o600)
    buffering = 0 if flags & (os.O_WRONLY | os.O_RDWR) else -1
    return cast("BinaryIO", os.fdopen(descriptor, _python_mode(flags), buffering=buffering))


def _python_mode(flags: int) -> str:
    if flags & os.O_RDWR:
        return "r+b"
    if flags & os.O_WRONLY:
        return "ab" if flags & os.O_APPEND else "wb"
    return "rb"


def _content(file: BinaryIO, most_bytes: int) -> bytes:
    content = file.read(most_bytes + 1)
    if content is None:  # type: ignore[redundant-expr, unused-ignore]
        raise OSError(errno.EAGAIN, "has nothing to read now, and no end")
    if len(content) > most_bytes:
        raise OSError(errno.EFBIG, f"is larger than {show_size(most_bytes)}")
    return content


def _bytes(content: str | bytes) -> bytes:
    return content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content


def _replace(at: int, name: str, content: str | bytes, *, mode: int) -> None:
    """Writes `name` in the folder that is open as `at`, by way of a new file beside it."""
    beside = _written_beside(at, name, content, mode=mode)
    try:
        os.replace(beside, name, src_dir_fd=at, dst_dir_fd=at)
    except BaseException:
        _remove(at, beside)
        raise


def _written_beside(at: int, name: str, content: str | bytes, *, mode: int) -> str:
    """Writes a new file beside `name`, and returns its name; nothing of it is left when that fails."""
    beside = f".{name[:200]}.{secrets.token_hex(6)}"
    descriptor = _open_at(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, at)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)
            file.write(_bytes(content))
            file.flush()
            os.fsync(descriptor)
    except BaseException:
        _remove(at, beside)
        raise
    return beside


def _remove(at: int, name: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(name, dir_fd=at)


def _demand_no_folder(at: int, name: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISDIR(os.stat(name, dir_fd=at, follow_symlinks=False).st_mode):
            raise OSError(errno.EISDIR, f"{name} is a folder", name)


def _demand_no_strangers_link(path: Path) -> None:
    """Refuses a way over a link that stands in a run folder: whoever sent the run chose where it leads."""
    for place in (path, *path.parents):
        if os.path.islink(place) and any(is_file(place.parent / name) for name in _MARKS_OF_A_RUN):  # noqa: PTH114
            raise OSError(errno.ELOOP, f"{place.name} is a link in a run folder, and is not followed", str(place))


def _write_at_once(descriptor: int, data: bytes) -> None:
    """Writes to what is open without blocking, and closes it; a pipe whose reader stopped reading is given up."""
    with contextlib.ExitStack() as opened:
        opened.callback(os.close, descriptor)
        view, last = memoryview(data), time.monotonic()
        while view:
            try:
                view = view[os.write(descriptor, view) :]
                last = time.monotonic()
            except BlockingIOError as e:
                if time.monotonic() - last > _READER_IDLE_S:
                    raise OSError(errno.ETIMEDOUT, "is a pipe whose reader has stopped reading") from e
                time.sleep(_LOOKS_AGAIN_S)
