"""Every pytest run of everybody who has Leakdrill installed loads its plugin, which must load almost nothing else."""

from __future__ import annotations

import subprocess
import sys
from typing import Final

MAY_LOAD: Final = {"leakdrill", "leakdrill.pytest_plugin", "leakdrill.pytest_plugin.plugin"}
"""The modules that it may load besides those that pytest has loaded by then."""

PROGRAM: Final = "import sys, pytest; before = set(sys.modules); import {}; print(*sorted(set(sys.modules) - before))"


def loaded_by(module: str) -> set[str]:
    """Returns the modules that importing `module` loads after pytest."""
    command = [sys.executable, "-c", PROGRAM.format(module)]
    return set(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())


def test_the_plugin_loads_nothing_but_itself_at_the_start_of_pytest() -> None:
    assert loaded_by("leakdrill.pytest_plugin.plugin") == MAY_LOAD


def test_a_heavy_import_would_be_named() -> None:
    """The gate that the plugin calls needs NumPy: imported at the start, it would be in the list."""
    assert {"numpy", "leakdrill.pytest_plugin.gate"} <= loaded_by("leakdrill.pytest_plugin.gate")
