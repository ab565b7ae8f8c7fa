"""What the pages tell a reader to type works as written."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from leakdrill.scenario.reader import read_scenario

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def fences(language):
    return [
        (str(page.relative_to(ROOT)), body)
        for page in PAGES
        for lang, body in FENCE.findall(page.read_text(encoding="utf-8"))
        if lang == language
    ]


def commands():
    return [
        pytest.param(line.removeprefix("$ "), id=f"{page}: {line.removeprefix('$ ')[:60]}")
        for page, body in fences("console")
        for line in body.splitlines()
        if line.startswith("$ ")
    ]


@pytest.mark.parametrize("command", commands())
def test_a_command_of_the_pages_works(command, main_drill):
    program, *arguments = shlex.split(command)
    assert program == "leakdrill"
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        [sys.executable, "-m", "leakdrill", *arguments],
        cwd=main_drill.runs.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("page", "body"), [p for p in fences("yaml") if "\ntarget:" in p[1]], ids=lambda p: p[:30])
def test_a_scenario_of_the_pages_can_be_read(page, body, tmp_path):
    for name in ("scenarios", "docker-compose.yml", "Dockerfile"):
        (tmp_path / name).symlink_to(ROOT / name)
    path = tmp_path / f"{Path(page).stem}.yaml"
    path.write_text(body, encoding="utf-8")
    assert read_scenario(path).name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page):
    links = re.findall(r"\]\(([^)#\s]*)(#[^)]*)?\)", page.read_text(encoding="utf-8"))
    local = [(page.parent / path if path else page, anchor) for path, anchor in links if "://" not in path]
    assert not [str(path) for path, _ in local if not path.exists()]
    assert not [f"{path}{anchor}" for path, anchor in local if anchor and anchor[1:] not in anchors(path)]


def anchors(page):
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_index_lists_every_page():
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    pages = [str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md") if page.name != "README.md"]
    assert not [page for page in pages if f"]({page})" not in index]


@pytest.mark.parametrize("page", sorted(DOCS.glob("tasks/*.md")), ids=lambda page: page.stem)
def test_a_page_about_a_task_has_a_command_that_this_file_runs(page):
    assert str(page.relative_to(ROOT)) in {name for name, _ in fences("console")}


def test_the_tour_of_the_architecture_names_every_folder_and_no_other():
    tour = (DOCS / "background" / "architecture.md").read_text(encoding="utf-8")
    package = ROOT / "harness" / "leakdrill"
    named = {name.rstrip("/") for name in re.findall(r"`([\w/]+/)`", tour)}
    assert not [name for name in sorted(named) if not ((ROOT / name).is_dir() or (package / name).is_dir())]
    folders = {str(path.parent.relative_to(package)) for path in package.rglob("*.py") if path.name != "__init__.py"}
    top_level = {path.relative_to(ROOT).parts[0] for path in ROOT.glob("[a-z]*/**/*.py")} - {"harness", "runs"}
    assert not sorted((folders - {"."} | top_level) - named)
