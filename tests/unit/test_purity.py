"""What judges a stored run and renders it reaches nothing that touches the world: every import is followed."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE: Final = Path(__file__).parents[2] / "harness" / "leakdrill"

WORLD: Final = frozenset(
    {
        "asyncio", "ctypes", "docker", "fcntl", "http", "httpx", "kubernetes", "locust", "multiprocessing",
        "prometheus_client", "psutil", "pynvml", "requests", "select", "socket", "ssl", "subprocess",
        "urllib", "uvicorn",
    }
)  # fmt: skip
"""Modules by which a process, a machine or a network is reached; files are read and written with pathlib alone."""

DIRECTLY: Final = WORLD | {"os", "random", "shutil", "signal", "tempfile", "threading", "time"}
"""What no file of the judging and rendering folders names itself; below them, a lock or a signal's name is no harm."""

EXCEPTIONS: Final = {
    ("reports/live.py", "time"): "the live view says how long a phase has taken",
    ("reports/step_summary.py", "os"): "the environment says which file the CI shows",
    ("reports/termination_message.py", "os"): "the environment says which file Kubernetes shows",
}
"""Files that name such a module all the same, with the reason."""


def imports(file: Path, package: Path) -> Iterator[str]:
    """Yields what a file imports when it is run: at its head or in a function, not for its types alone."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    types = {id(node) for test in ast.walk(tree) if _is_for_types(test) for node in ast.walk(test)}
    for node in ast.walk(tree):
        if id(node) in types:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if _file(inner, package) else node.module or ""


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _file(module: str, package: Path) -> Path | None:
    stem = package.parent.joinpath(*module.split("."))
    return next((path for path in (stem.with_suffix(".py"), stem / "__init__.py") if path.is_file()), None)


def ways_to_the_world(package: Path, folders: tuple[str, ...]) -> list[str]:
    """Returns each chain of imports from a file of `folders` to a module of `WORLD`."""
    found: list[str] = []
    known: set[Path] = set()
    waiting = [
        (file, str(file.relative_to(package))) for folder in folders for file in (package / folder).rglob("*.py")
    ]
    while waiting:
        file, chain = waiting.pop()
        if file in known:
            continue
        known.add(file)
        for module in imports(file, package):
            ours = _file(module, package)
            if ours is not None:
                waiting.append((ours, f"{chain} -> {module}"))
            elif module.partition(".")[0] in WORLD:
                found.append(f"{chain} -> {module}")
    return found


def test_judging_and_reports_reach_nothing_that_touches_the_world() -> None:
    assert not ways_to_the_world(PACKAGE, ("judging", "reports"))


def test_judging_and_reports_name_nothing_that_touches_the_world() -> None:
    files = [file for folder in ("judging", "reports") for file in (PACKAGE / folder).rglob("*.py")]
    named = {(str(file.relative_to(PACKAGE)), module) for file in files for module in imports(file, PACKAGE)}
    assert {(file, module) for file, module in named if module.partition(".")[0] in DIRECTLY} == set(EXCEPTIONS)


def test_a_way_over_two_files_is_named(tmp_path: Path) -> None:
    package = tmp_path / "leakdrill"
    for name, text in {
        "judging/checks/a.py": "def late():\n    from leakdrill.record import b",
        "record/b.py": "import leakdrill.machine.c",
        "machine/c.py": "import os\nimport psutil",
    }.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text, encoding="utf-8")
    (chain,) = ways_to_the_world(package, ("judging",))
    assert chain == "judging/checks/a.py -> leakdrill.record.b -> leakdrill.machine.c -> psutil"


def test_an_import_for_types_is_no_way(tmp_path: Path) -> None:
    file = tmp_path / "leakdrill" / "judging" / "a.py"
    file.parent.mkdir(parents=True)
    file.write_text("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import psutil\n", encoding="utf-8")
    assert not ways_to_the_world(tmp_path / "leakdrill", ("judging",))
