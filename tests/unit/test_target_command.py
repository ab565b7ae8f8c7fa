"""The target's command line: placeholders, programs, and entering control groups."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from leakdrill.errors import BadInput
from leakdrill.machine.disk import Disk
from leakdrill.targets.base.placeholders import entering, fill, find_program


def test_placeholders_are_filled_in() -> None:
    assert fill("--port={port}", {"port": "80"}, place="p") == "--port=80"


def test_an_unknown_placeholder_is_named_with_the_known_ones() -> None:
    expected = re.escape(
        'target.command[1]: "{prot}" in "--port={prot}" is not a placeholder; expected one of {disk}, {port}'
    )
    with pytest.raises(BadInput, match=expected):
        fill("--port={prot}", {"port": "80", "disk": "/d"}, place="target.command[1]")


def test_braces_that_are_no_placeholder_stay() -> None:
    assert fill('{"a": 1}', {}, place="p") == '{"a": 1}'


def test_a_program_without_a_slash_comes_from_the_path(tmp_path: Path) -> None:
    program = tmp_path / "serve"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert find_program("serve", cwd=Path("/"), path=str(tmp_path)) == str(program)


def test_a_program_with_a_slash_is_seen_from_the_working_folder(tmp_path: Path) -> None:
    program = tmp_path / "serve"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert find_program("./serve", cwd=tmp_path, path="") == str(program)


def test_a_missing_program_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match='"no-such-program" was not found on PATH'):
        find_program("no-such-program", cwd=tmp_path, path=str(tmp_path))
    with pytest.raises(BadInput, match="there is no file"):
        find_program("./serve", cwd=tmp_path, path=None)


def test_a_file_that_cannot_be_run_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "serve").write_text("")
    with pytest.raises(BadInput, match="cannot be run"):
        find_program("./serve", cwd=tmp_path, path=None)


def test_without_cgroups_the_command_runs_as_it_is() -> None:
    assert entering((), [sys.executable, "-V"]) == [sys.executable, "-V"]


def test_the_shell_enters_each_cgroup_and_keeps_the_arguments_apart() -> None:
    argv = entering([Path("/a"), Path("/b")], ["run", "two words"])
    assert argv[4:] == ["2", "/a/cgroup.procs", "/b/cgroup.procs", "run", "two words"]


@pytest.mark.parametrize("wanted", ["app.log", "{disk}/app.log", "logs/../app.log"])
def test_a_file_on_the_disk_is_found(tmp_path: Path, wanted: str) -> None:
    assert disk_at(tmp_path).resolve(wanted) == tmp_path.resolve() / "app.log"


@pytest.mark.parametrize("wanted", ["../x", "/etc/passwd", "{disk}/../../x"])
def test_a_file_outside_of_the_disk_is_refused(tmp_path: Path, wanted: str) -> None:
    with pytest.raises(BadInput, match="lies outside of the target's disk"):
        disk_at(tmp_path).resolve(wanted)


def test_a_link_does_not_lead_out_of_the_disk(tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to("/etc")
    with pytest.raises(BadInput, match="lies outside"):
        disk_at(tmp_path).resolve("out/passwd")


def disk_at(path: Path) -> Disk:
    return Disk(path=path, device="d", fstype="folder", limited=False, size_bytes=None)
