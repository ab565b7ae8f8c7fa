"""The package: what it carries, and that it alone does all that README says, beside a user's own package `harness`."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import Final

import pytest

from installed_package import ROOT, built_sdist, built_wheel, commands_of, installed, run

pytestmark = pytest.mark.integration

TEMPLATES: Final = ("locustfile.py", "rules.yaml", "scenario.yaml")
PLACES: Final = ("Dockerfile", ".dockerignore", "docker-compose.yml", "constraints.txt")
"""What files of the catalogue name by `../..`, beside folders."""
DRILL: Final = "gateway/prompts-twin"
"""One of the quickest of the catalogue."""
RECORDING: Final = ROOT / "tests" / "recorded" / "memory_traces" / "paced" / "healthy-bigtrans-p1.csv"
READS_ALL: Final = """
from leakdrill.cli.run_many import chosen
from leakdrill.runs.catalogue.schedule import planned
every = {planned(path).name for path in chosen([], everything=True, subset=False, on="docker")}
assert {planned(path).name for path in chosen([], everything=False, subset=True)} < every
print(len(every))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_wheel(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_sdist(tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns the `bin` of an environment with the wheel."""
    return installed(wheel, tmp_path_factory.mktemp("elsewhere") / "venv")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Returns a folder of a user's, whose own package is called `harness`."""
    (tmp_path / "harness").mkdir()
    (tmp_path / "harness" / "__init__.py").write_text("NAME = 'the user'\n")
    (tmp_path / "test_own.py").write_text(
        "import harness\n\n\ndef test_own():\n    assert harness.NAME == 'the user'\n"
    )
    return tmp_path


def files_in(folder: str, suffix: str) -> set[str]:
    """Returns the files below a folder of ours that a person wrote, as paths of that folder."""
    paths = (path for path in (ROOT / folder).rglob(f"*{suffix}") if path.is_file())
    return {str(path.relative_to(ROOT / folder)) for path in paths if "__pycache__" not in path.parts}


def test_the_wheel_carries_all_that_an_installed_command_needs_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    modules = {f"leakdrill/{name}" for name in files_in("harness/leakdrill", ".py")}
    services = {f"leaky_apps/{name}" for name in files_in("leaky_apps", ".py")}
    folders = ("scenarios", "leaky_apps", "deploy", "docs")
    catalogue = {f"leakdrill/catalogue_files/{folder}/{name}" for folder in folders for name in files_in(folder, "")}
    templates = {f"leakdrill/first_scenario/{name}.template" for name in TEMPLATES}
    others = {"leakdrill/py.typed", "leakdrill/runbooks/findings/known_flags.txt"} | {
        f"leakdrill/catalogue_files/{name}" for name in PLACES
    }
    pages = {f"leakdrill/reports/{name}" for name in files_in("harness/leakdrill/reports", "") if ".py" not in name}
    assert names == modules | services | catalogue | templates | others | pages
    assert "leakdrill/agent/injected/sitecustomize.py" in names


@pytest.mark.long
def test_the_sdist_is_the_whole_checkout_and_makes_the_same_wheel(wheel: Path, sdist: Path, tmp_path: Path) -> None:
    with tarfile.open(sdist) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    assert not [
        name for name in tracked if name not in inside and name not in {".gitignore", ".pre-commit-config.yaml"}
    ]
    with zipfile.ZipFile(wheel) as one, zipfile.ZipFile(built_wheel(sdist, tmp_path)) as other:
        assert set(one.namelist()) == set(other.namelist())


def test_the_installed_command_runs_beside_a_package_of_the_users_called_harness(programs: Path, project: Path) -> None:
    version = run(project, "leakdrill", "version", bin_folder=programs)
    assert version.startswith("leakdrill ")
    assert run(project, "leakdrill", "--version", bin_folder=programs) == version
    assert run(project, "python", "-m", "leakdrill", "version", bin_folder=programs) == version
    run(
        project,
        "leakdrill",
        "init",
        "first",
        "--command",
        "python -m http.server {port}",
        "--no-try",
        bin_folder=programs,
    )
    assert {path.name for path in (project / "first").iterdir()} == set(TEMPLATES)
    where = run(project, "python", "-c", "import leakdrill, leaky_apps; print(leakdrill.__file__)", bin_folder=programs)
    assert where.startswith(str(programs.parent))


def test_pytest_loads_the_installed_plugin_and_the_users_harness(programs: Path, project: Path) -> None:
    shown = run(project, "python", "-m", "pytest", "--trace-config", "test_own.py", bin_folder=programs)
    assert f"{programs.parent}" in shown
    assert "leakdrill.pytest_plugin.plugin" in shown
    assert "1 passed" in shown


@pytest.mark.long
def test_what_files_of_the_catalogue_name_is_in_the_package(programs: Path, tmp_path: Path) -> None:
    assert int(run(tmp_path, "python", "-c", READS_ALL, bin_folder=programs)) > 100
    root = Path(run(tmp_path, "leakdrill", "docs", "--files", bin_folder=programs).strip())
    assert root.is_relative_to(programs.parent)
    for name in ("Dockerfile", "leaky_apps/gateway/__main__.py", "deploy/leakdrill-job.yaml"):
        assert (root / name).is_file()
    mounted = root / "deploy" / "staging" / "nginx" / "nginx.conf"
    assert mounted.is_file()


@pytest.mark.long
@pytest.mark.parametrize("form", ["wheel", "sdist"])
def test_every_command_of_readme_runs_from_an_empty_folder(form: str, wheel: Path, sdist: Path, tmp_path: Path) -> None:
    """Whole drills are checked and not played, but one: its record is what the later commands are given."""
    package = wheel if form == "wheel" else built_wheel(sdist, tmp_path / "built")
    programs, folder = installed(package, tmp_path / "venv"), tmp_path / "empty"
    folder.mkdir()
    before = sorted(path for path in (tmp_path / "venv").rglob("*"))
    (played,) = [run(folder, "leakdrill", "run", DRILL, bin_folder=programs)] if form == "wheel" else [""]
    record = f"runs/{DRILL.replace('/', '-')}/latest"
    shutil.copy(RECORDING, folder / "recording.csv")
    (folder / "Makefile").write_text("build:\n\t@echo built\n")
    (folder / "test_own.py").write_text("def test_own():\n    pass\n")
    walked = [_walk(folder, words, programs, record if played else None) for words in commands_of(ROOT / "README.md")]
    assert len(walked) >= 20
    assert sorted(path for path in (tmp_path / "venv").rglob("*")) == before, "a command wrote into the package"


def _walk(folder: Path, words: list[str], programs: Path, record: str | None) -> list[str]:
    """Runs one command line of README, or what stands for it where it would play whole drills; returns what was run."""
    program, command, *rest = words
    if program == "pytest":
        words = ["python", "-m", *words]
    if program == "leakdrill" and command in {"report", "verify", "analyze"}:
        if record is None:
            return []
        words = [program, command, record]
    elif program == "leakdrill" and command == "compare":
        if record is None:
            return []
        shutil.copytree(folder / record, folder / "earlier", dirs_exist_ok=True)
        words = [program, command, "earlier", record]
    elif command == "run" and set(rest) & {"--subset", "--all"}:
        words = [program, "run", "--help"]  # its scenarios are read by a test of their own
    elif command in {"serve", "export", "backtest", "mutate", "envelope"}:
        words = [program, command, "--help"]  # one has no end, one nobody to tell, two want rules of the user's own
    elif command in {"run", "gate"}:
        words = [program, "check", rest[0]]
    elif command == "matrix":
        words = [program, "matrix", *rest, "--leak", "none"]
        assert "no cell" in _complaint(folder, words, programs)
        return words
    run(folder, *words, bin_folder=programs)
    return words


def _complaint(folder: Path, words: list[str], programs: Path) -> str:
    environment = os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    ran = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 3, ran.stdout + ran.stderr
    return ran.stderr


def test_a_shell_completes_commands_options_and_values(programs: Path, tmp_path: Path) -> None:
    script = run(tmp_path, "leakdrill", "completion", "bash", bin_folder=programs)
    line = 'COMP_WORDS=(leakdrill run --su); COMP_CWORD=2; _leakdrill_completion leakdrill; echo "${COMPREPLY[@]}"'
    assert run(tmp_path, "bash", "-c", script + line, bin_folder=programs).split() == ["--subset"]
    for shell in ("zsh", "fish"):
        assert "_LEAKDRILL_COMPLETE" in run(tmp_path, "leakdrill", "completion", shell, bin_folder=programs)
