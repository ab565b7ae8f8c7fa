"""Files that strangers left: only plain ones are read, no link is followed in a run folder, and writing is whole."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from leakdrill.files import (
    _content,
    make_private,
    open_below,
    open_file,
    private_by_default,
    read_below,
    read_file,
    users_umask,
    write_below,
    write_named,
)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def no_plain_file(folder: Path, kind: str) -> None:
    """Puts something that is no plain file at `odd` in `folder`."""
    odd = folder / "odd"
    if kind == "pipe":
        os.mkfifo(odd)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(odd))
    elif kind == "folder":
        odd.mkdir()
    elif kind == "loop":
        odd.symlink_to("odd")
    else:
        odd.symlink_to(kind)


@pytest.mark.timeout(5)
@pytest.mark.parametrize("kind", ["pipe", "socket", "folder", "loop", "/dev/zero", "/dev/null", "nowhere"])
@pytest.mark.parametrize("read", [lambda folder: read_file(folder / "odd"), lambda folder: read_below(folder, "odd")])
def test_what_is_no_plain_file_is_refused_at_once(tmp_path, kind, read):
    no_plain_file(tmp_path, kind)
    with pytest.raises(OSError, match=r".") as raised:
        read(tmp_path)
    assert raised.value.strerror


def test_a_link_that_a_person_named_is_followed_and_one_in_a_run_folder_is_not(tmp_path):
    (tmp_path / "secret").write_text("content")
    (tmp_path / "run.json").symlink_to("secret")
    assert read_file(tmp_path / "run.json") == b"content"
    with pytest.raises(OSError, match="symbolic link"):
        read_below(tmp_path, "run.json")


def test_a_folder_that_is_a_link_is_not_followed_below_the_named_one(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a").write_text("content")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "load").symlink_to("../elsewhere")
    with pytest.raises(OSError, match=r"[Nn]ot a directory|symbolic link"):
        read_below(tmp_path / "run", "load/a")
    (tmp_path / "link").symlink_to("elsewhere")
    assert read_below(tmp_path / "link", "a") == b"content"


@pytest.mark.parametrize("name", ["../a", "a/../../b", "/etc/passwd", "", ".", "a//b", "a\0b", "x" * 300])
def test_a_name_that_leads_out_of_the_folder_or_that_no_file_has_is_refused(tmp_path, name):
    with pytest.raises(OSError, match=r"."):
        read_below(tmp_path, name)


def test_a_file_that_is_too_long_is_not_read_into_memory(tmp_path):
    with (tmp_path / "long").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(OSError, match="larger than 1"):
        read_file(tmp_path / "long", most_bytes=1000)


def test_a_report_replaces_a_link_and_leaves_what_it_led_to(tmp_path):
    (tmp_path / "precious").write_text("kept")
    (tmp_path / "report.md").symlink_to("precious")
    write_below(tmp_path, "report.md", "new")
    assert (tmp_path / "precious").read_text() == "kept"
    assert (tmp_path / "report.md").read_text() == "new"
    assert not (tmp_path / "report.md").is_symlink()
    assert mode(tmp_path / "report.md") == 0o600
    assert len(list(tmp_path.iterdir())) == 2


def test_a_report_replaces_a_pipe_without_waiting_for_its_reader(tmp_path):
    os.mkfifo(tmp_path / "report.md")
    write_below(tmp_path, "report.md", "new")
    assert (tmp_path / "report.md").read_text() == "new"


def test_a_hard_link_is_not_written_through(tmp_path):
    (tmp_path / "precious").write_text("kept")
    (tmp_path / "report.md").hardlink_to(tmp_path / "precious")
    write_below(tmp_path, "report.md", "new")
    assert (tmp_path / "precious").read_text() == "kept"


def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    (tmp_path / "report.md").mkdir()
    with pytest.raises(OSError, match=r"."):
        write_below(tmp_path, "report.md", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["report.md"]


def test_a_named_file_has_the_mode_of_the_umask_and_a_link_to_it_stays(tmp_path):
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    before = os.umask(0o027)
    try:
        with private_by_default():
            write_named(tmp_path / "link", "new")
            assert users_umask() == 0o027
    finally:
        os.umask(before)
    assert users_umask() == -1
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"
    assert mode(tmp_path / "real") == 0o640


def test_a_named_device_is_written_to_and_not_replaced(tmp_path):
    write_named(Path("/dev/null"), "gone")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    with pytest.raises(OSError, match="No space left"):
        write_named(Path("/dev/full"), "no room")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="nobody reads"):
        write_named(tmp_path / "pipe", "no reader")


def test_standard_output_by_its_name_is_written_to():
    code = "from pathlib import Path; from leakdrill.files import write_named; write_named(Path('/dev/stdout'), 'text')"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    assert done.stdout == b"text"


@pytest.mark.parametrize("umask", [0, 0o022, 0o777])
def test_a_private_folder_is_its_owners_alone_whatever_the_umask(tmp_path, umask):
    before = os.umask(umask)
    try:
        make_private(tmp_path / "run")
        write_below(tmp_path / "run", "file", "text")
        with open_below(tmp_path / "run", "log", flags=os.O_WRONLY | os.O_APPEND | os.O_CREAT) as log:
            log.write(b"line\n")
    finally:
        os.umask(before)
    assert mode(tmp_path / "run") == 0o700
    assert mode(tmp_path / "run" / "file") == 0o600
    assert mode(tmp_path / "run" / "log") == 0o600


def test_what_is_appended_goes_behind_what_is_there_and_through_no_link(tmp_path):
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    for line in (b"one\n", b"two\n"):
        with open_below(tmp_path, "log", flags=flags) as log:
            log.write(line)
    assert (tmp_path / "log").read_bytes() == b"one\ntwo\n"
    (tmp_path / "link").symlink_to("log")
    with pytest.raises(OSError, match="symbolic link"):
        open_below(tmp_path, "link", flags=flags)


@pytest.mark.timeout(5)
def test_a_file_of_the_kernel_that_waits_like_a_pipe_is_not_waited_for() -> None:
    """`/proc/kmsg` is one, for those who may open it; a pipe in its place, as files.py has opened it by then."""
    reading, writing = os.pipe2(os.O_NONBLOCK)
    with os.fdopen(reading, "rb") as file, pytest.raises(OSError, match="has nothing to read now, and no end"):
        _content(file, 100)
    os.close(writing)


def test_what_is_read_stays_a_descriptor_that_does_not_wait(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("content")
    with open_file(tmp_path / "f") as file:
        assert not os.get_blocking(file.fileno())
        assert file.read() == b"content"
