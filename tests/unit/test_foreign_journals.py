"""A run folder that this user's own drill did not write here is data: nothing is undone from it, and it is told."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from leakdrill.cli.main import exit_code
from leakdrill.record import journal_header
from leakdrill.record.journal import Journal
from leakdrill.record.journal_header import MARK_VARIABLE, Header
from leakdrill.record.stored_journal import MOST_BYTES
from leakdrill.runs.undo import UNDO, clean_runs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from leakdrill.record.undo import Problem

NOBODY = 2**22 + 1
"""A number that no process has."""


@pytest.fixture(scope="module")
def stranger() -> Iterator[psutil.Popen]:
    """A process that belongs to nobody's run."""
    process = psutil.Popen([sys.executable, "-c", "import time; time.sleep(300)"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def precious(tmp_path: Path) -> Path:
    """A folder that belongs to nobody's run; what `cgroup.procs` in it says is no control group."""
    folder = tmp_path / "leakdrill-precious"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "file").write_text("mine")
    return folder


@pytest.fixture
def intact(precious: Path, stranger: psutil.Popen) -> Iterator[Callable[[], None]]:
    (precious / "cgroup.procs").write_text(f"{stranger.pid}\n")
    before = _state(precious)

    def check() -> None:
        assert _state(precious) == before
        assert stranger.poll() is None

    yield check
    check()


def _state(folder: Path) -> dict[str, tuple[int, int, str]]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns, path.read_text()) for path in files}


def dead_drill(runs: Path, *entries: dict[str, Any], header: dict[str, Any] | None = None) -> Path:
    """The run folder of a drill that was killed: its journal holds what it made (a folder), and `entries`."""
    folder = runs / "gateway" / "20260101T000000Z"
    folder.mkdir(parents=True)
    journal = Journal(folder / "journal.jsonl")
    (folder / "made").mkdir()
    journal.plan("folder", path=str(folder / "made"))
    for entry in entries:
        journal.plan(**entry)
    journal.close()
    rewrite(folder, {"pid": NOBODY, **(header or {})})
    return folder


def rewrite(run: Path, header: dict[str, Any]) -> None:
    path = run / "journal.jsonl"
    first, *rest = path.read_text().splitlines(keepends=True)
    path.write_text(json.dumps({**json.loads(first), **header}) + "\n" + "".join(rest))


def told(problems: list[Problem]) -> str:
    return "\n".join(map(str, problems))


def test_what_an_honest_drill_made_goes(tmp_path: Path) -> None:
    folder = dead_drill(tmp_path)
    assert clean_runs(tmp_path) == []
    assert not (folder / "made").exists()
    before = (folder / "journal.jsonl").read_bytes()
    assert clean_runs(tmp_path) == []
    assert (folder / "journal.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        ({"boot": "x", "machine": "y"}, "it was written on another machine"),
        ({"boot": "x", "machine": ""}, "it was written on another machine"),
        ({"uid": 12345}, "it belongs to user 12345"),
        ({"folder": "/elsewhere/run"}, "it was copied or moved here: it was written in /elsewhere/run"),
        ({"inode": 7}, "it was copied or moved here"),
        ({"pid_namespace": 7}, "it was written in another PID namespace"),
        ({"mark": "0"}, ":1: the mark is not 32 hexadecimal digits"),
        ({"mark": "/" * 32}, ":1: the mark is not 32 hexadecimal digits"),
        ({"mark": None}, ":1: mark of the header is missing or no text"),
        ({"pid": "1"}, ":1: pid of the header is missing or no number"),
        ({"pid": True}, ":1: pid of the header is missing or no number"),
        ({"journal": 2}, ":1: the header is of version 2; expected 1"),
    ],
)
def test_a_header_that_is_not_of_here_undoes_nothing(tmp_path: Path, header: dict[str, Any], sentence: str) -> None:
    folder = dead_drill(tmp_path, header=header)
    problems = clean_runs(tmp_path)
    assert sentence in told(problems)
    assert "nothing was undone; 1 entry was left" in told(problems)
    assert [problem.refused for problem in problems] == [True]
    assert (folder / "made").is_dir()


@pytest.mark.parametrize("way", ["copied", "moved", "unpacked", "linked"])
def test_a_run_folder_that_came_from_elsewhere_is_data(tmp_path: Path, way: str) -> None:
    first, here = tmp_path / "first", tmp_path / "here"
    folder = dead_drill(first)
    here.mkdir()
    if way == "copied":
        shutil.copytree(first, here, dirs_exist_ok=True)
    elif way == "moved":
        (first / "gateway").rename(here / "gateway")
    elif way == "unpacked":
        subprocess.run(f"tar c -C {first} . | tar x -C {here}", shell=True, check=True)  # noqa: S602 - two programs
    else:
        (here / "gateway").mkdir()
        (here / "gateway" / folder.name).symlink_to(folder)
    problems = told(clean_runs(here))
    assert problems == "" if way == "linked" else "copied or moved here: it was written in" in problems
    assert list(tmp_path.rglob("made"))
    assert len(list(tmp_path.rglob("made"))) == (2 if way in ("copied", "unpacked") else 1)


@pytest.mark.parametrize("name", ["gateway", "gateway/20260101T000000Z", "gateway/20260101T000000Z/journal.jsonl"])
def test_no_link_below_runs_is_followed(tmp_path: Path, name: str) -> None:
    folder = dead_drill(tmp_path / "first")
    runs = tmp_path / "runs"
    (runs / name).parent.mkdir(parents=True)
    (runs / name).symlink_to(tmp_path / "first" / name)
    clean_runs(runs)
    assert (folder / "made").is_dir()


def test_a_journal_of_another_user_is_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = dead_drill(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert f"it belongs to user {os.getuid()}" in told(clean_runs(tmp_path))
    assert (folder / "made").is_dir()


def test_a_journal_that_others_may_write_to_is_data(tmp_path: Path) -> None:
    folder = dead_drill(tmp_path)
    (folder / "journal.jsonl").chmod(0o666)
    assert "others than its owner may write to it" in told(clean_runs(tmp_path))
    assert (folder / "made").is_dir()


def test_a_journal_with_two_names_is_data(tmp_path: Path) -> None:
    folder = dead_drill(tmp_path)
    (tmp_path / "second-name").hardlink_to(folder / "journal.jsonl")
    assert "it was copied or moved here" in told(clean_runs(tmp_path))
    assert (folder / "made").is_dir()


def test_after_a_reboot_the_processes_are_gone_and_the_rest_is_undone(
    tmp_path: Path, stranger: psutil.Popen, intact: Callable[[], None]
) -> None:
    data = {"run_id": "x", "pid": stranger.pid, "create_time": stranger.create_time()}
    folder = dead_drill(tmp_path / "runs", {"kind": "process", **data}, header={"boot": "an earlier one"})
    assert journal_header.machine_id(), "this machine has an id"
    assert clean_runs(tmp_path / "runs") == []
    assert not (folder / "made").exists()
    intact()


def test_a_journal_without_a_header_is_of_an_older_version_or_made_up(
    tmp_path: Path, stranger: psutil.Popen, precious: Path, intact: Callable[[], None]
) -> None:
    run = tmp_path / "runs" / "gateway" / "20260101T000000Z"
    run.mkdir(parents=True)
    facts = [
        {"kind": "folder", "data": {"path": str(precious)}},
        {"kind": "cgroup", "data": {"path": str(precious)}},
        {"kind": "process", "data": {"run_id": "x", "pid": stranger.pid, "create_time": stranger.create_time()}},
        {"kind": "process", "data": {"run_id": "x", "cgroup": str(precious)}},
        {"kind": "mount", "data": {"path": str(precious / "disk")}},
    ]
    lines = [json.dumps({"id": number, "state": "planned", **fact}) for number, fact in enumerate(facts, 1)]
    (run / "journal.jsonl").write_text("\n".join(lines) + "\n")
    (run / "drill.pid").write_text(json.dumps({"pid": NOBODY, "create_time": 0.0}))
    assert "journal.jsonl:1: found no header: the journal was made up, or is of an older version" in told(
        clean_runs(tmp_path / "runs")
    )
    intact()


def test_an_older_journal_in_which_all_is_undone_is_nobodys_business(tmp_path: Path) -> None:
    run = tmp_path / "gateway" / "20260101T000000Z"
    run.mkdir(parents=True)
    (run / "journal.jsonl").write_text('{"id":1,"state":"planned","kind":"x","data":{}}\n{"id":1,"state":"undone"}\n')
    assert clean_runs(tmp_path) == []


def put_pipe(path: Path) -> None:
    os.mkfifo(path)


def put_huge(path: Path) -> None:
    path.touch()
    os.truncate(path, MOST_BYTES + 1)


FORMS: dict[str, Callable[[Path], object]] = {
    "a pipe": put_pipe,
    "a folder": lambda path: path.mkdir(),
    "a link to a device": lambda path: path.symlink_to("/dev/zero"),
    "a link to itself": lambda path: path.symlink_to(path),
    "longer than": put_huge,
    "is no JSON": lambda path: path.write_text("hello\nworld\n"),
    "no JSON at all": lambda path: path.write_bytes(bytes(range(256)) * 10 + b"\n"),
    "nested": lambda path: path.write_text("[" * 100_000 + "\n" + "[" * 100_000 + "\n"),
    "a number": lambda path: path.write_text("3\n3\n"),
    "null": lambda path: path.write_text("null\nnull\n"),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["journal.jsonl", "drill.pid"])
def test_what_is_no_journal_is_named_and_the_others_are_cleaned(
    tmp_path: Path, form: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = tmp_path / "runs"
    honest = dead_drill(runs)
    odd = runs / "odd" / "20260101T000000Z"
    odd.mkdir(parents=True)
    FORMS[form](odd / name)
    if name == "drill.pid":
        shutil.copy(honest / "journal.jsonl", odd / "journal.jsonl")
    status = exit_code(["clean", "--runs", str(runs)])
    assert status == 3
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert str(odd / "journal.jsonl") in said
    assert "nothing was undone" in said
    assert not (honest / "made").exists()


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("{", "is no JSON"),
        ("[]", 'expected {"id": 1, "state": "planned", …}'),
        ('{"id": "1", "state": "planned", "kind": "folder", "data": {}}', 'expected {"id": 1'),
        ('{"id": true, "state": "planned", "kind": "folder", "data": {}}', 'expected {"id": 1'),
        ('{"id": 9, "state": "planned", "data": {}}', "kind: expected a text"),
        ('{"id": 9, "state": "planned", "kind": [], "data": {}}', "kind: expected a text"),
        ('{"id": 9, "state": "planned", "kind": "folder", "data": []}', "data: expected an object"),
        ('{"id": 1, "state": "planned", "kind": "folder", "data": {"path": "/"}}', "entry 1 was planned before"),
        ('{"id": 9, "state": "gone"}', "state: expected planned, done or undone"),
        ('{"id": 9, "state": "planned", "kind": "folder", "data": ' + '{"a":' * 5000 + "1" + "}" * 5001, "is no JSON"),
    ],
)
def test_a_line_that_is_none_is_named_and_the_others_count(tmp_path: Path, line: str, sentence: str) -> None:
    folder = dead_drill(tmp_path)
    with (folder / "journal.jsonl").open("a") as journal:
        journal.write(line + "\n")
    problems = told(clean_runs(tmp_path))
    assert f"journal.jsonl:3: {sentence}" in problems
    assert not (folder / "made").exists()


NASTY: tuple[Any, ...] = (
    None, True, 0, -1, 1, 2**31, 2**63 - 1, 1e308, "", "/", "..", ".", "../..", "/etc", "/proc/1", "/sys/fs/cgroup",
    "/sys/fs/cgroup/memory", "leakdrill-", "x" * 5000, "a\nb\x1b[31m", "\u202e", [], [1], {}, {"a": {"b": []}},
    "PRECIOUS", "PRECIOUS/../leakdrill-precious", "PRECIOUS/disk", "STRANGER", "PARENT", "RUN", "RUN/..", "RUN/../..",
    "RUN/link", "RUN/link/inner", "LINKED", "/api/v1/namespaces/default", "/api/v1/namespaces/x/pods/../../default",
)  # fmt: skip
"""Values for every field of every kind; capitals stand for what the test has."""

FIELDS: dict[str, tuple[str, ...]] = {
    "process": ("run_id", "part", "pid", "create_time", "cgroup", "stop_timeout_s"),
    "cgroup": ("path",),
    "mount": ("path",),
    "folder": ("path",),
    "container": ("name", "run_id", "engine", "id"),
    "project": ("name", "run_id", "engine"),
    "leaks": ("engine", "project", "service", "port", "on"),
    "service leak": ("name", "url", "folder", "http", "off", "masked", "pid", "create_time"),
    "container leak": ("engine", "container", "container_name", "port", "folder", "http", "off", "masked", "started"),
    "container limits": ("engine", "container", "container_name", "settings"),
    "pod leak": (
        "path",
        "uid",
        "container",
        "container_id",
        "port",
        "name",
        "folder",
        "http",
        "off",
        "masked",
        "context",
        "kubeconfig",
    ),
    "namespace": ("name", "run_id", "context", "kubeconfig"),
    "object": ("path", "run_id", "context", "kubeconfig"),
    "workload": ("path", "uid", "replicas", "template", "sets", "context", "kubeconfig"),
}


SLOW = ("process", "project", "container")
"""Kinds for which every process of the machine is looked at, or an engine is waited for."""


KINDS = [pytest.param(kind, marks=pytest.mark.long if kind in SLOW else ()) for kind in FIELDS]


def test_every_kind_has_its_fields_here() -> None:
    assert set(FIELDS) == set(UNDO)


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=pytest.mark.long if kind in SLOW else ()) for kind in FIELDS]
)
def test_no_value_of_any_field_reaches_what_is_not_the_runs_own(
    tmp_path: Path, kind: str, stranger: psutil.Popen, precious: Path, intact: Callable[[], None]
) -> None:
    runs = tmp_path / "runs"
    folder = dead_drill(runs)
    (folder / "link").symlink_to(precious)
    (tmp_path / "leakdrill-linked").symlink_to(precious)
    meant = {
        "PRECIOUS": str(precious), "STRANGER": stranger.pid, "PARENT": os.getppid(), "RUN": str(folder),
        "LINKED": str(tmp_path / "leakdrill-linked"),
    }  # fmt: skip
    good = {"engine": "unix:///nowhere.sock", "kubeconfig": str(tmp_path / "none"), "context": "none", "run_id": "x"}
    header = (folder / "journal.jsonl").read_text().splitlines()[0]
    facts = [json.dumps({"id": 1, "state": "planned", "kind": kind, "data": {}})]
    for number, (field, value) in enumerate(((f, v) for f in FIELDS[kind] for v in NASTY), 2):
        real = value
        for word, thing in meant.items():
            if isinstance(real, str) and real.startswith(word):
                real = thing if real == word else f"{thing}{real.removeprefix(word)}"
        data = {f: good.get(f, "x") for f in FIELDS[kind]} | {field: real}
        if field == "pid":
            data["create_time"] = stranger.create_time()
        facts.append(json.dumps({"id": number, "state": "planned", "kind": kind, "data": data}))
    (folder / "journal.jsonl").write_text("\n".join([header, *facts]) + "\n")
    problems = told(clean_runs(runs))
    intact()
    assert "\x1b" not in problems
    assert folder.is_dir()
    assert (folder / "journal.jsonl").is_file()


def test_a_process_with_the_mark_of_another_run_is_left(tmp_path: Path) -> None:
    child = psutil.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"],
        env={MARK_VARIABLE: "0" * 32, "LEAKDRILL_RUN_ID": "x"},
        start_new_session=True,
    )
    try:
        dead_drill(tmp_path, {"kind": "process", "run_id": "x", "pid": child.pid, "create_time": child.create_time()})
        (problem,) = clean_runs(tmp_path)
        assert f"process {child.pid} was started when the journal says so, but does not carry the mark" in str(problem)
        assert not problem.refused
        assert child.poll() is None
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()


def test_only_what_the_run_named_is_its_own() -> None:
    from pathlib import Path as P  # noqa: N817, PLC0415 - a type only elsewhere

    header = replace(Header.of_this_process(P("/tmp"), inode=1), mark="abcdef01" * 4)  # noqa: S108 - only a name
    assert header.owns_name(header.own_name("x"))
    for name in ("leakdrill-x", "leakdrill-x-abcdef02", "x-abcdef01", "leakdrill-/../x-abcdef01", "", "-abcdef01"):
        assert not header.owns_name(name)
