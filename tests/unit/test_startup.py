"""What a command loads: the quick ones stay quick, because nobody waits for SciPy in order to read a version."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from typing import Final

import pytest

LOADED: Final = """
import json, os, sys
from leakdrill.cli.main import exit_code
status, sys.stdout = os.dup(1), open(os.devnull, "w")
code = exit_code(sys.argv[1:])
files = [n for n, m in sys.modules.items() if n.startswith("leakdrill.") and not hasattr(m, "__path__")]
ours = {"/".join(n.split(".")[1:-1]) for n in files}
installed = [n for n, m in sys.modules.items() if "site-packages" in (getattr(m, "__file__", None) or "")]
tops = {n.partition(".")[0] for n in installed} - {"leakdrill", "_distutils_hack"}  # of a .pth file of setuptools
os.write(status, json.dumps([code, sorted(ours), sorted(tops)]).encode())
"""
TYPER: Final = {
    "annotated_doc", "annotated_types", "click", "pydantic", "pydantic_core", "shellingham", "typer",
    "typing_extensions", "typing_inspection",
}  # fmt: skip
"""Typer, and what it loads by itself."""
RICH: Final = {"markdown_it", "mdurl", "pygments", "rich"}
START: Final = {"", "cli", "machine"}
"""The folders that every command loads: the modules at the root, the command line, and how signals are taken."""
MAY_LOAD: Final = {
    ("version",): (START, TYPER),
    ("--help",): (START, TYPER),
    ("schema", "scenario"): (START | {"scenario"}, TYPER),
    ("schema", "history"): (START | {"scenario", "record"}, TYPER | {"orjson"}),
    ("schema", "verdicts"): (START | {"scenario", "record"}, TYPER | {"orjson"}),
    ("scenarios",): (START | {"reports", "runs/catalogue"}, TYPER | RICH | {"yaml", "_yaml"}),
}
"""For each command: the folders of ours, and the packages of others, that it may load."""


def loaded(*arguments: str) -> tuple[set[str], set[str]]:
    """Returns the folders of ours and the packages of others that a fresh interpreter loads for a command."""
    ran = subprocess.run([sys.executable, "-c", LOADED, *arguments], capture_output=True, check=True)
    code, ours, others = json.loads(ran.stdout)
    assert code == 0, ran.stderr
    return set(ours), set(others)


@pytest.mark.parametrize("arguments", MAY_LOAD, ids=" ".join)
def test_a_quick_command_loads_no_more_than_it_needs(arguments: tuple[str, ...]) -> None:
    ours, others = loaded(*arguments)
    may_load_ours, may_load_others = MAY_LOAD[arguments]
    assert ours <= may_load_ours
    assert others <= may_load_others


def test_a_command_that_needs_more_is_seen_to_load_it() -> None:
    ours, others = loaded("run", "--help")
    assert "runs/drill" in ours
    assert "rich" in others


@pytest.mark.parametrize("arguments", MAY_LOAD, ids=" ".join)
def test_a_quick_command_takes_little_processor_time(arguments: tuple[str, ...]) -> None:
    """0.3 s on a quiet machine; the limit leaves room for a busy one, and none for SciPy."""
    command = [sys.executable, "-m", "leakdrill", *arguments]
    assert min(processor_time_s(command) for _ in range(3)) < 0.9


def processor_time_s(command: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True, env={**os.environ, "NO_COLOR": "1"})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
