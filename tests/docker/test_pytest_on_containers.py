"""The pytest fixtures on containers that testcontainers started: the page's own example, and what a user gets wrong."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "tasks" / "pytest.md").read_text(encoding="utf-8")


def fences(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def suite(tmp_path):
    """Runs pytest on a test file beside the page's scenario, as a user's suite."""
    (tmp_path / "scenarios").symlink_to(ROOT / "scenarios")
    (scenario,) = fences("yaml")
    (tmp_path / "gateway.yaml").write_text(scenario)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")

    def run(text: str, *options: str) -> str:
        (tmp_path / "test_gateway.py").write_text(text)
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rA", *options],
            cwd=tmp_path,
            env={**os.environ, "TESTCONTAINERS_RYUK_DISABLED": "true"},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout + done.stderr

    return run


def example() -> str:
    (text,) = [text for text in fences("python") if "testcontainers" in text]
    return text


@pytest.mark.long
def test_the_example_of_the_page_passes_and_its_agent_answers(suite):
    out = suite(example())
    assert "2 passed" in out, out
    assert "no agent was asked" not in out


def test_what_a_user_gets_wrong_is_told_in_a_line(suite):
    tests = """
def test_a_step_that_changes_it(drill, gateway, tmp_path):
    path = Path(__file__).with_name("restarting.yaml")
    path.write_text(Path(__file__).with_name("gateway.yaml").read_text() + "  - {name: again, restart: {}}\\n")
    drill(path, container=gateway)


def test_nothing_that_runs(drill):
    drill("gateway.yaml", container=DockerContainer("leakdrill-samples"))


def test_no_load(leak_gate, gateway):
    leak_gate(gateway)


def test_never_called(drill, gateway):
    pass
"""
    out = suite("from pathlib import Path\n" + example().partition("def test_the_gateway")[0] + tests)
    assert "4 failed" in out, out
    assert re.search(r"the step restart restarts a service that runs already; expected --allow \w+, found nothing", out)
    assert "the DockerContainer has not been started" in out
    assert 'expected leak_gate.service("shop.yaml", container=…)' in out
    assert "drill: nothing was measured: the test never called drill(…)" in out
