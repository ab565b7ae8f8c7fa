"""Where reports, indexes and documents are to go: what stands there is no trap, and nothing half-written is left."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from histories import complete, drill, plan
from stored_runs import store_run

from leakdrill import files
from leakdrill.cli.main import exit_code
from leakdrill.files import append_named, make_parents, write_named, write_together
from leakdrill.judging.analyze import analyze

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

COMMANDS: dict[str, Callable[[Path, Path], list[str]]] = {
    "report": lambda run, place: ["report", str(run), "--out", str(place)],
    "runs": lambda run, place: ["runs", str(run.parents[1]), "--html", str(place)],
    "documents": lambda run, place: ["runbook", "documents", str(run), "--out", str(place)],
    "templates": lambda _run, place: ["runbook", "documents", "--write-templates", str(place)],
}
INTO_FOLDERS = frozenset({"report", "documents", "templates"})
BAD = {
    "loop": 3,
    "file/below": 3,
    "/dev/full": 4,
    "/dev/full/below": 3,
    "/proc/below": 4,
    "/sys/below/it": 4,
    "n" * 300: 3,
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    stored = store_run(tmp_path_factory.mktemp("made"), complete(drill()), plan())
    analyze(stored)
    return stored.path


@pytest.fixture
def places(tmp_path: Path) -> Path:
    (tmp_path / "file").write_text("kept")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    return tmp_path


def everything(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text() if path.is_file() else "" for path in sorted(folder.rglob("*"))
    }


@pytest.mark.parametrize("place", [*BAD, "pipe", "file", "folder"])
@pytest.mark.parametrize("command", COMMANDS)
def test_where_nothing_can_be_written_one_message_says_so_and_nothing_is_left(
    command: str, place: str, run: Path, places: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    into_folder = command in INTO_FOLDERS
    if place == ("folder" if into_folder else "file"):
        pytest.skip("it can be written there")
    expected = BAD.get(place) or (3 if into_folder or place == "folder" else 4)
    if into_folder and place == "/dev/full":
        expected = 3
    before = everything(places)
    capsys.readouterr()
    assert exit_code(COMMANDS[command](run, places / place)) == expected
    shown = capsys.readouterr()
    assert len(shown.err.splitlines()) == 1
    assert "cannot be written" in shown.err
    assert "Traceback" not in shown.err
    assert str(places / place)[:60] not in shown.out
    assert everything(places) == before


@pytest.mark.parametrize("name", ["report.html", "report.xml", "metrics.txt", "timeline.svg"])
@pytest.mark.parametrize("kind", ["pipe", "link", "folder", "/dev/full"])
def test_reports_are_written_all_or_none_and_never_through_what_stands_there(
    name: str, kind: str, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "kept").write_text("kept")
    place = tmp_path / "out" / name
    place.parent.mkdir()
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "folder":
        place.mkdir()
    else:
        place.symlink_to("../kept" if kind == "link" else kind)
    code = exit_code(["report", str(run), "--out", str(place.parent), "--svg"])
    written = {"report.html", "report.xml", "report.md", "report.json", "metrics.txt", "timeline.svg"}
    there = {path.name for path in place.parent.iterdir()}
    assert (code, there) == ((3, {name}) if kind == "folder" else (0, written))
    assert (name in capsys.readouterr().err) == (kind == "folder")
    assert (tmp_path / "kept").read_text() == "kept"
    assert place.is_dir() if kind == "folder" else place.is_file() and not place.is_symlink()


def planted(run: Path, name: str, target: Path) -> Path:
    """A link in the run folder, as whoever sent the run left it."""
    (run / name).unlink(missing_ok=True)
    (run / name).symlink_to(target)
    return run / name


@pytest.mark.parametrize(
    ("command", "below"), [(name, "") for name in COMMANDS] + [("runs", "x.html"), ("report", "x")]
)
def test_no_link_in_a_run_folder_is_written_through(
    command: str, below: str, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "target"
    if command in INTO_FOLDERS or below:
        target.mkdir()
    else:
        target.write_text("kept")
    before = everything(tmp_path)
    link = planted(run, "sent", target)
    try:
        assert exit_code(COMMANDS[command](run, link / below)) == 3
    finally:
        link.unlink()
    assert "a link in a run folder, and is not followed" in capsys.readouterr().err
    assert everything(tmp_path) == before


def test_the_link_to_the_newest_run_is_no_strangers(run: Path) -> None:
    latest = run.parent / "latest"
    latest.symlink_to(run.name)
    try:
        assert exit_code(["report", str(latest), "--out", str(latest / "reports")]) == 0
        assert (run / "reports" / "report.md").is_file()
    finally:
        latest.unlink()


def test_documents_are_not_written_through_a_link_that_is_called_as_the_run(run: Path, tmp_path: Path) -> None:
    assert exit_code(["runbook", "documents", str(run), "--out", str(tmp_path / "first")]) == 0
    (name,) = [path.name for path in (tmp_path / "first").iterdir() if path.is_dir()]
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "second").mkdir()
    (tmp_path / "second" / name).symlink_to("../elsewhere")
    assert exit_code(["runbook", "documents", str(run), "--out", str(tmp_path / "second")]) == 3
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.parametrize("write", [write_named, append_named])
def test_a_pipe_whose_reader_stops_reading_is_given_up(
    write: Callable[[Path, str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_READER_IDLE_S", 0.2)
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        with pytest.raises(OSError, match="stopped reading"):
            write(tmp_path / "pipe", "x" * 2**20)
    finally:
        os.close(reader)


def test_a_pipe_whose_reader_is_slow_gets_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_READER_IDLE_S", 1.0)
    os.mkfifo(tmp_path / "pipe")
    found = bytearray()

    def slowly() -> None:
        with (tmp_path / "pipe").open("rb", buffering=0) as pipe:
            while piece := pipe.read(2**16):
                found.extend(piece)
                time.sleep(0.05)

    reader = threading.Thread(target=slowly)
    reader.start()
    time.sleep(0.2)
    write_named(tmp_path / "pipe", "x" * 2**21)
    reader.join()
    assert len(found) == 2**21


def test_files_that_belong_together_are_written_all_or_none(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    with pytest.raises(OSError, match="b is a folder"):
        write_together(tmp_path, {"a": "new", "b": "new"})
    with pytest.raises(OSError, match="is no name"):
        write_together(tmp_path, {"c": "new", "../d": "new"})
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
    with pytest.raises(OSError, match="is no folder"):
        make_parents(Path("/dev/null/x"))
