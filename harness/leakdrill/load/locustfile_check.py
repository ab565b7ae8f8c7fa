"""What of a locustfile cannot be loaded, found without running it: that it is no Python, or imports what is not here.

Whether the rest can be loaded is known only when Locust does it, which takes a second of processor time.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Final

from leakdrill.files import read_file
from leakdrill.units import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.scenario.load import Load

_PATH: Final = "PYTHONPATH"
_MOST_BYTES: Final = 4 * 2**20


def why_not_loadable(load: Load) -> str:
    """Returns why Locust cannot load the locustfile of `load`; empty where nothing speaks against it.

    Nothing is said where another interpreter loads it, or one that looks for modules elsewhere.
    """
    if load.python is not None or load.locustfile.is_dir() or _PATH in load.env:
        return ""
    path = load.locustfile
    try:
        source = read_file(path, most_bytes=_MOST_BYTES)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source, str(path))
    except OSError as e:
        return f"{path}: cannot be read: {e.strerror}"
    except (SyntaxError, ValueError) as e:
        line = f":{e.lineno}" if isinstance(e, SyntaxError) and e.lineno else ""
        return f"{path}{line}: is no Python that this interpreter reads: {e.msg if isinstance(e, SyntaxError) else e}"
    folders = [path.parent, load.cwd or Path.cwd()]
    missing = [(line, name) for line, name in _imported(tree) if not _is_there(name, folders)]
    if not missing:
        return ""
    at, name = missing[0]
    return (
        f"{path}:{at}: imports {quoted(name)}, which is not installed beside Leakdrill; `load.python` names an "
        "interpreter that has it, `load.cwd` a folder with modules of yours"
    )


def _imported(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """The packages that the file imports whenever it is loaded, with their lines."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.partition(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module.partition(".")[0]


def _is_there(name: str, folders: list[Path]) -> bool:
    if name in sys.builtin_module_names or any(
        (folder / f"{name}.py").exists() or (folder / name).is_dir() for folder in folders
    ):
        return True
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return True  # a module that is being loaded, or one that has made itself up
