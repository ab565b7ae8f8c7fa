"""The recipes of docs/tasks/ci.md: they parse, they say the same thing, and their lines run as written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

PAGE = Path(__file__).parents[2] / "docs" / "tasks" / "ci.md"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
GITHUB, GITLAB, SHELL = (body for _, body in FENCE.findall(PAGE.read_text(encoding="utf-8")))
SETUP = ("sudo ", "apt-get ", "python3 -m pip", "python3 -m venv", ".leakdrill/bin/python -m pip")


def github_lines():
    job = yaml.safe_load(GITHUB)["jobs"]["memory"]
    return [line for step in job["steps"] for line in step.get("run", "").splitlines()]


def gitlab_lines():
    """A job's lines in the order in which GitLab runs them, job after job."""
    jobs = yaml.safe_load(GITLAB)
    base = jobs.pop(".leakdrill")
    merged = [{**(base if job.get("extends") else {}), **job} for job in jobs.values()]
    parts = ("before_script", "script", "after_script")
    return [line for job in merged for part in parts for line in job.get(part, [])]


def plain(line):
    """The command without where its record lies, and without what happens when it fails."""
    return re.sub(r" --runs \S+| \|\| .*|runs/\S+/latest|(?<=reports)/\w+", "", line)


def test_github_actions_reads_the_workflow():
    """The keys that a workflow needs stand there; every step does one thing."""
    workflow = yaml.safe_load(GITHUB)
    assert workflow[True] == ["pull_request"]  # YAML 1.1 takes `on` for yes, GitHub for a word
    steps = workflow["jobs"]["memory"]["steps"]
    assert all(("uses" in step) != ("run" in step) for step in steps)


def test_gitlab_finds_its_reports():
    """JUnit and metrics are kept whatever the job's outcome, under the names that `leakdrill report` gives them."""
    artifacts = yaml.safe_load(GITLAB)[".leakdrill"]["artifacts"]
    assert artifacts["when"] == "always"
    assert artifacts["reports"] == {"junit": "reports/report.xml", "metrics": "reports/metrics.txt"}


def test_the_recipes_do_the_same():
    """What the shell's recipe proves by running holds for the other two."""
    wanted = {plain(line) for line in SHELL.splitlines() if line.startswith("leakdrill ")}
    for lines in (github_lines(), gitlab_lines()):
        assert {plain(line) for line in lines if not line.startswith(SETUP)} == wanted


@pytest.mark.long
@pytest.mark.timeout(400)
def test_the_shell_recipe_runs_as_written(tmp_path):
    """Drill, gate and watch on a new scenario, and every report; only the installation is ours."""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
    }

    def do(*command):
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    made = do("leakdrill", "init", "my-drill", "--command", "{python} -m leaky_apps.gateway --port {port}")
    assert made.returncode == 0, made.stderr
    (tmp_path / "Makefile").write_text("build:\n\t@echo built\n\t@sleep 0.3\n")
    script = "\n".join(line for line in SHELL.splitlines() if not line.startswith((*SETUP, "PATH=")))
    done = do("sh", "-c", script)
    assert "built" in done.stdout, done.stdout + done.stderr
    for kind in ("drill", "gate"):
        names = {path.name for path in (tmp_path / "reports" / kind).iterdir()}
        assert {"report.xml", "report.md", "report.json", "metrics.txt"} <= names
    assert (tmp_path / "summary.md").read_text().count("## leakdrill: my-drill") == 2
    assert done.returncode == 0, done.stdout + done.stderr
