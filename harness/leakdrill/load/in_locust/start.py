"""`PYTHON start.py ARGS`: runs `main`, in whatever interpreter has Locust, with nothing of ours on its path.

The interpreter may be the user's own (`load.python`), with other versions of our packages, and the folder in which it
runs may have a `locust/` or a `leakdrill/` in it. So this package alone is made known, by its place.
"""

from __future__ import annotations

import importlib.util
import runpy
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2]


def _know_leakdrill() -> None:
    spec = importlib.util.spec_from_file_location(
        "leakdrill", PACKAGE / "__init__.py", submodule_search_locations=[str(PACKAGE)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"{PACKAGE}: is no package")
    module = sys.modules["leakdrill"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


if __name__ == "__main__":
    sys.path.remove(str(Path(__file__).parent))  # where Python puts a script's folder, whose modules have plain names
    _know_leakdrill()
    runpy.run_module("leakdrill.load.in_locust.main", run_name="__main__", alter_sys=True)
