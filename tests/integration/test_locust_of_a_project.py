"""A locustfile of a project runs in the project's folder and interpreter, whatever else lies in that folder."""

from __future__ import annotations

import importlib.util
import venv
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from test_locust_load import load_of, recorder, server

from leakdrill.wait import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from test_locust_load import CountingServer

    from leakdrill.load.locust import LocustLoad

__all__ = ["load_of", "recorder", "server"]

pytestmark = [pytest.mark.integration, pytest.mark.long]

OF_A_PROJECT = """
from common.places import PATH
from locust import HttpUser, constant, task
text = open("data/words.txt").read()
class Visitor(HttpUser):
    wait_time = constant(0.05)
    @task
    def visit(self):
        self.client.get(PATH, params={"word": text})
"""


def _folder_of_locust() -> str:
    spec = importlib.util.find_spec("locust")  # importing it would change this process
    assert spec is not None
    assert spec.origin is not None
    return str(Path(spec.origin).parents[1])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with packages that have the names of ours and of Locust's, and break when they are imported."""
    folder = tmp_path / "project"
    for name in ("leakdrill", "locust", "gevent", "requests", "numpy", "messages", "counters"):
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text(f"raise RuntimeError('{name} of the project')\n")
    (folder / "common").mkdir()
    (folder / "common" / "places.py").write_text("PATH = '/'\n")
    (folder / "data").mkdir()
    (folder / "data" / "words.txt").write_text("word")
    return folder


def test_it_runs_in_the_projects_folder(
    server: CountingServer, load_of: Callable[..., LocustLoad], project: Path
) -> None:
    """Imports and files are found there, and packages there do not take the place of ours."""
    load = load_of(server.url, text=OF_A_PROJECT, cwd=project)
    load.start()
    wait_for(lambda: server.answered > 3, what="requests", timeout_s=60)
    assert load.alive()


def test_what_lies_where_the_drill_is_started_breaks_nothing(
    server: CountingServer, load_of: Callable[..., LocustLoad], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A repository may have a package of any name at its root."""
    monkeypatch.chdir(project)
    load = load_of(server.url)
    load.start()
    wait_for(lambda: server.answered > 3, what="requests", timeout_s=60)
    assert load.alive()


def test_it_runs_in_the_interpreter_that_has_what_it_imports(
    server: CountingServer, load_of: Callable[..., LocustLoad], tmp_path: Path
) -> None:
    """A virtual environment without Leakdrill, with Locust and a package that we do not have."""
    venv.create(tmp_path / "theirs", with_pip=False, symlinks=True)
    packages = next((tmp_path / "theirs" / "lib").iterdir()) / "site-packages"
    (packages / "locust.pth").write_text(_folder_of_locust())
    (packages / "theirs_alone.py").write_text("PATH = '/'\n")
    text = OF_A_PROJECT.replace("common.places", "theirs_alone").replace('open("data/words.txt").read()', "'x'")
    load = load_of(server.url, text=text, python=tmp_path / "theirs" / "bin" / "python")
    load.start()
    wait_for(lambda: server.answered > 3, what="requests", timeout_s=60)
    assert load.alive()
