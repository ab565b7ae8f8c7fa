"""The wheel: what it carries, and the command that is installed from it, beside a package that users call `harness`."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Final

import pytest

pytestmark = pytest.mark.integration

ROOT: Final = Path(__file__).parents[2]
TEMPLATES: Final = ("locustfile.py", "rules.yaml", "scenario.yaml")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    offline = ["--no-build-isolation", "--no-index"] if importlib.util.find_spec("hatchling") else []
    pip("wheel", "--no-deps", *offline, "--wheel-dir", str(folder), str(ROOT))
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns the `bin` of a virtual environment with the wheel; what it depends on comes from this one."""
    venv = tmp_path_factory.mktemp("elsewhere") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    pip("--python", str(venv / "bin" / "python"), "install", "--no-deps", "--no-index", str(wheel))
    (packages,) = venv.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text("\n".join(path for path in sys.path if path.endswith("site-packages")))
    return venv / "bin"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Returns a folder of a user's, whose own package is called `harness`."""
    (tmp_path / "harness").mkdir()
    (tmp_path / "harness" / "__init__.py").write_text("NAME = 'the user'\n")
    (tmp_path / "test_own.py").write_text(
        "import harness\n\n\ndef test_own():\n    assert harness.NAME == 'the user'\n"
    )
    return tmp_path


def pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def run(project: Path, *command: str | Path) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PYTEST"))}
    ran = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def files_in(folder: str, suffix: str) -> set[str]:
    """Returns the files below a folder of ours that a person wrote, as paths of that folder."""
    paths = (path for path in (ROOT / folder).rglob(f"*{suffix}") if path.is_file())
    return {str(path.relative_to(ROOT / folder)) for path in paths if "__pycache__" not in path.parts}


def test_the_wheel_carries_all_that_an_installed_command_needs_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    modules = {f"leakdrill/{name}" for name in files_in("harness/leakdrill", ".py")}
    services = {f"leaky_apps/{name}" for name in files_in("leaky_apps", ".py")}
    catalogue = {f"leakdrill/catalogue_files/{name}" for name in files_in("scenarios", "")}
    templates = {f"leakdrill/first_scenario/{name}.template" for name in TEMPLATES}
    assert names == modules | services | catalogue | templates | {"leakdrill/py.typed"}
    assert "leakdrill/agent/injected/sitecustomize.py" in names
    assert not [name for name in names if name.startswith("staging") or "nginx" in name or "grafana" in name]


def test_the_installed_command_runs_beside_a_package_of_the_users_called_harness(
    installed: Path, project: Path
) -> None:
    assert run(project, installed / "leakdrill", "version").startswith("leakdrill ")
    assert run(project, installed / "python", "-m", "leakdrill", "version").startswith("leakdrill ")
    listed = json.loads(run(project, installed / "leakdrill", "scenarios", "--json"))
    assert "gateway/unbounded-cache" in {entry["name"] for entry in listed}
    run(project, installed / "leakdrill", "init", "first", "--command", "python -m http.server {port}")
    assert {path.name for path in (project / "first").iterdir()} == set(TEMPLATES)
    where = run(project, installed / "python", "-c", "import leakdrill; print(leakdrill.__file__)")
    assert where.startswith(str(installed.parent))


def test_pytest_loads_the_installed_plugin_and_the_users_harness(installed: Path, project: Path) -> None:
    shown = run(project, installed / "python", "-m", "pytest", "--trace-config", "test_own.py")
    assert f"{installed.parent}" in shown
    assert "leakdrill.pytest_plugin.plugin" in shown
    assert "1 passed" in shown


@pytest.mark.long
def test_a_drill_of_the_installed_catalogue_passes_beside_a_package_called_harness(
    installed: Path, project: Path
) -> None:
    assert "PASS" in run(project, installed / "leakdrill", "run", "patterns/unbounded-collection")
