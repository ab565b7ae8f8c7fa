"""`PYTHON start.py ARGS`: runs `main`, in whatever interpreter has Locust, with nothing of ours on its path.

The interpreter may be the user's own (`load.python`), with other versions of our packages, and the folder in which it
runs may have a `locust/` or a `leakdrill/` in it. So this package alone is made known, by its place; and the folders of
`PYTHONPATH`, which are for the locustfile, come behind the interpreter's own until Locust is imported.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
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


def _import_locust() -> None:
    """Import Locust from the interpreter's own packages, where it has it there."""
    named = [folder for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) if folder]
    given = [os.path.abspath(folder) for folder in named]  # noqa: PTH100 - as `site` does, and without following links
    whole = list(sys.path)
    sys.path[:] = [folder for folder in whole if folder not in given] + [folder for folder in whole if folder in given]
    with contextlib.suppress(ImportError):  # `main` says so, as Python does
        import locust.main  # noqa: F401, PLC0415 - gevent takes its place in the standard library here, as in `main`
    sys.path[:] = whole


if __name__ == "__main__":
    sys.path.remove(str(Path(__file__).parent))  # where Python puts a script's folder, whose modules have plain names
    _know_leakdrill()
    _import_locust()
    runpy.run_module("leakdrill.load.in_locust.main", run_name="__main__", alter_sys=True)
