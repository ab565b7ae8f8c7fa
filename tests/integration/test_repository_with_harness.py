"""Leakdrill in a repository with files called like ours, Locust's and the standard library's: each finds its own."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from local_workers import LocalWorkers
from watched_server import WatchedServer

from leakdrill.load.locust import LocustLoad
from leakdrill.record.journal import Journal
from leakdrill.record.recorder import Recorder
from leakdrill.scenario.load import Load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.integration, pytest.mark.long]

LOCUSTFILE = """
from locust import HttpUser, constant, task
class Visitor(HttpUser):
    wait_time = constant(0.05)
    @task
    def visit(self):
        self.client.get("/")
"""

TAKEN = (
    *(
        "harness/__init__.py",
        "leakdrill/__init__.py",
        "locust.py",
        "gevent/__init__.py",
        "requests.py",
        "geventhttpclient.py",
    ),
    *("json.py", "asyncio/__init__.py", "socket.py", "statistics.py", "csv.py", "contextlib.py", "http/__init__.py"),
)
STANDARD = [place for place in TAKEN if not place.startswith(("harness", "leakdrill", "locust", "gevent", "requests"))]

TEST = """
def test_gated(leak_gate):
    leak_gate(sorted, [2, 1], unknown="pass")
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: a repository with modules that raise when anything imports them."""
    for name, text in {
        **{place: f'raise RuntimeError("{place} of the user was imported")\n' for place in TAKEN},
        "locustfile.py": LOCUSTFILE,
        "test_gated.py": TEST,
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def server() -> Iterator[WatchedServer]:
    with WatchedServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def run_python(*words: str) -> subprocess.CompletedProcess[str]:
    """Runs Python as a user does, in the current folder, which comes first on its path."""
    return subprocess.run([sys.executable, *words], check=False, capture_output=True, text=True, timeout=120)


@pytest.mark.usefixtures("repository")
def test_the_package_of_the_user_is_the_one_that_an_import_finds() -> None:
    """Without this the other tests would show nothing."""
    assert "harness/__init__.py of the user was imported" in run_python("-c", "import harness").stderr


@pytest.mark.usefixtures("repository")
def test_leakdrill_as_a_module_takes_the_standard_library(repository: Path) -> None:
    (repository / "leakdrill" / "__init__.py").unlink()  # a package of that name is what `-m` asks for
    (repository / "contextlib.py").unlink()  # `-m` itself needs it
    result = run_python("-m", "leakdrill", "schema")
    assert (result.returncode, result.stderr) == (0, "")


def test_the_plugin_gates_a_function(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in [*STANDARD, "leakdrill/__init__.py", "requests.py"]:
        (repository / place).unlink()  # pytest itself would not start
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    plugin = ("-p", "leakdrill.pytest_plugin.plugin", "--leak-seconds=1")
    result = run_python("-m", "pytest", "-q", *plugin, "test_gated.py")
    assert (result.returncode, "1 passed" in result.stdout) == (0, True), result.stdout + result.stderr


@pytest.mark.parametrize(("workers", "remote"), [(1, False), (2, False), (1, True)])
def test_a_load_reaches_its_target(
    repository: Path, server: WatchedServer, workers: int, monkeypatch: pytest.MonkeyPatch, *, remote: bool
) -> None:
    """One process, several, and a remote worker with what it is brought."""
    if not remote:
        for place in STANDARD:
            (repository / place).unlink()  # PYTHONPATH puts them before the standard library, in every Python
        monkeypatch.setenv("PYTHONPATH", str(repository))
    run_dir, elsewhere = repository / "run", repository / "elsewhere"
    for folder in (run_dir, elsewhere):
        folder.mkdir()
    with closing(Recorder(run_dir / "history.jsonl")) as recorder, closing(Journal(run_dir / "undo.jsonl")) as journal:
        load = LocustLoad(
            Load(locustfile=repository / "locustfile.py", users=2, workers=workers),
            host=server.url,
            run_dir=run_dir,
            run_id="r1",
            recorder=recorder,
            journal=journal,
            max_run_s=60,
            place=LocalWorkers(elsewhere, server.url) if remote else None,
        )
        try:
            load.start()
            load.wait_first_request(60)
        finally:
            load.stop()
