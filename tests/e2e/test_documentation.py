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
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def fences(language):
    return [
        (page.name, body)
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


@pytest.mark.parametrize(("page", "body"), [p for p in fences("yaml") if "\ntarget:" in p[1]], ids=lambda p: p[:20])
def test_a_scenario_of_the_pages_can_be_read(page, body, tmp_path):
    docs = tmp_path / "docs"
    docs.mkdir()
    (tmp_path / "scenarios").symlink_to(ROOT / "scenarios")
    (tmp_path / "docker-compose.yml").symlink_to(ROOT / "docker-compose.yml")
    path = docs / f"{page}.yaml"
    path.write_text(body, encoding="utf-8")
    assert read_scenario(path).name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page):
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not missing


def test_the_tour_of_the_architecture_names_every_file():
    tour = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    files = [path for folder in ("harness", "leaky_apps") for path in (ROOT / folder).rglob("*.py")]
    dull = ("__init__.py", "__main__.py")
    assert not [
        str(p.relative_to(ROOT))
        for p in files
        if p.name not in dull and f"`{p.name}`" not in tour and p.name not in tour
    ]
