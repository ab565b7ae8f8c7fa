"""The folders of the package, and what each may import: a table, and one broken tree for each of its rules."""

from __future__ import annotations

import ast
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PACKAGE: Final = Path(__file__).parents[2] / "harness" / "leakdrill"

ROWS: Final = (
    (".",),
    ("scenario",),
    ("record",),
    ("record/events",),
    ("machine",),
    ("agent/inside", "agent/injected"),
    ("agent",),
    ("meters",),
    ("alerting",),
    ("envelope",),
    ("runbooks/base",),
    ("runbooks/shell/programs",),
    ("runbooks/shell",),
    ("runbooks",),
    ("runbooks/findings",),
    ("load/in_locust",),
    ("load",),
    ("targets/base",),
    ("targets/process", "targets/docker", "targets/existing"),
    ("targets/replicated",),
    ("targets/compose", "targets/kubernetes"),
    ("targets",),
    ("steps",),
    ("judging/evidence",),
    ("judging/checks",),
    ("judging/leak",),
    ("judging/recordings",),
    ("judging/watch",),
    ("judging/incidents",),
    ("judging",),
    ("judging/compare",),
    ("backtest",),
    ("mutation",),
    ("reports",),
    ("reports/page",),
    ("reports/index", "reports/picture"),
    ("runs",),
    ("runs/drill", "runs/gate", "runs/watch"),
    ("runs/catalogue", "runs/rehearsal"),
    ("first_scenario", "doctor", "pytest_plugin", "serving", "code_hosts"),
    ("exports",),
    ("cli",),
)
"""A folder may import those in the rows above its own; folders in one row import nothing of one another."""

PURE: Final = (".", "scenario", "record", "judging", "reports")
"""What judges and renders a stored run: these folders, and those in them, import nothing of ours but one another."""

RUNS_ELSEWHERE: Final = {
    "agent/inside": frozenset[str](),
    "agent/injected": frozenset[str](),
    "load/in_locust": frozenset({"gevent", "geventhttpclient", "locust", "requests"}),
}
"""What runs in the target or under gevent, and the packages that it may import beside the standard library."""


BY_NAME: Final = {
    "cli/commands.py": "a command's module is imported when the command is called",
    "cli/schema.py": "so is the module that knows the schema",
    "meters/nvml.py": "the module comes with an extra, and has no types",
    "runs/watchdog_undo.py": "what a dead drill left on an engine or in a cluster is imported when it is undone",
    "steps/step.py": "a step's file is found by the step's key",
}
"""Files that import a module by a name made at run time, with the reason; of others every import can be read."""


class Import(NamedTuple):
    """One import statement's module, and where it stands."""

    module: str
    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line} imports {self.module}"


class Tree:
    """The modules of a package and what each imports: at its head, inside its functions and for its types alike."""

    def __init__(self, package: Path) -> None:
        self.package = package
        self.files = {self._name(path): path.relative_to(package) for path in sorted(package.rglob("*.py"))}
        self.imports = {name: list(self._imports(file)) for name, file in self.files.items()}

    def _name(self, path: Path) -> str:
        parts = path.relative_to(self.package.parent).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def _imports(self, file: Path) -> Iterator[Import]:
        own = {self.package.name, self._name(self.package / file.parent)}  # by these names a file reads its own data
        for node in ast.walk(ast.parse((self.package / file).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                modules = [self._imported(node.module or "", alias.name) for alias in node.names]
            elif isinstance(node, ast.Constant) and node.value in self.files and node.value not in own:
                modules = [node.value]
            else:
                continue
            yield from (Import(module, str(file), node.lineno) for module in dict.fromkeys(modules))

    def _imported(self, module: str, name: str) -> str:
        return f"{module}.{name}" if f"{module}.{name}" in self.files else module

    def folder(self, module: str) -> str:
        """Returns the folder of one of our modules; what starts a command by name is part of the command line."""
        file = self.files[module]
        return "cli" if str(file) == "__main__.py" else str(file.parent)

    def between_folders(self) -> Iterator[tuple[str, str, Import]]:
        """Yields every import of ours that leaves its folder: from where, to where, and the import."""
        for module, imports in self.imports.items():
            for one in imports:
                if one.module in self.files and self.folder(module) != self.folder(one.module):
                    yield self.folder(module), self.folder(one.module), one


def unknown_folders(tree: Tree) -> list[str]:
    """Returns the files whose folder has no row."""
    known = {folder for row in ROWS for folder in row}
    return [str(file) for module, file in tree.files.items() if tree.folder(module) not in known]


def imports_against_the_order(tree: Tree) -> list[str]:
    """Returns the imports of a folder that stands in the same row or below."""
    row = {folder: index for index, folders in enumerate(ROWS) for folder in folders}
    return [str(one) for importer, imported, one in tree.between_folders() if row[imported] >= row[importer]]


def impure_imports(tree: Tree) -> list[str]:
    """Returns the imports by which what judges or renders would reach what touches the world."""
    return [
        str(one)
        for importer, imported, one in tree.between_folders()
        if importer.split("/")[0] in PURE and imported.split("/")[0] not in PURE
    ]


def foreign_imports(tree: Tree) -> list[str]:
    """Returns the imports, in code that runs elsewhere, of what is not there."""
    wrong = []
    for module, imports in tree.imports.items():
        folder = tree.folder(module)
        if folder not in RUNS_ELSEWHERE:
            continue
        allowed = {*sys.stdlib_module_names, *RUNS_ELSEWHERE[folder]}
        for one in imports:
            ours = tree.folder(one.module) if one.module in tree.files else None
            if ours != folder and one.module.split(".")[0] not in allowed:
                wrong.append(str(one))
    return wrong


def imports_by_name(tree: Tree) -> list[str]:
    """Returns the files that import, or run, what no import statement names."""
    ways = {"import_module", "__import__", "exec", "eval"}
    return sorted(
        {
            str(file)
            for file in tree.files.values()
            for node in ast.walk(ast.parse((tree.package / file).read_text(encoding="utf-8")))
            if isinstance(node, ast.Call) and {getattr(node.func, "id", ""), getattr(node.func, "attr", "")} & ways
        }
    )


def circle(tree: Tree) -> list[str]:
    """Returns modules that import one another in a circle, the first one again at the end; empty when there is none."""
    graph = {
        module: {o.module for o in imports if o.module in tree.files} - {module}
        for module, imports in tree.imports.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as e:
        return list(e.args[1])
    return []


@pytest.fixture(scope="module")
def ours() -> Tree:
    return Tree(PACKAGE)


def test_every_file_stands_in_a_folder_of_the_table(ours: Tree) -> None:
    assert not unknown_folders(ours)


def test_a_folder_imports_only_those_above_it_in_the_table(ours: Tree) -> None:
    assert not imports_against_the_order(ours)


def test_what_judges_and_renders_imports_nothing_that_touches_the_world(ours: Tree) -> None:
    assert not impure_imports(ours)


def test_code_that_runs_elsewhere_imports_nothing_from_here(ours: Tree) -> None:
    assert not foreign_imports(ours)


def test_no_file_imports_itself_by_way_of_others(ours: Tree) -> None:
    assert not circle(ours)


def test_only_files_with_a_reason_import_by_name(ours: Tree) -> None:
    assert imports_by_name(ours) == sorted(BY_NAME)


def test_each_folder_has_one_row() -> None:
    folders = [folder for row in ROWS for folder in row]
    assert len(folders) == len(set(folders))


def made_up(tmp_path: Path, files: Mapping[str, str]) -> Tree:
    package = tmp_path / "leakdrill"
    for name, text in files.items():
        file = package / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return Tree(package)


@pytest.mark.parametrize(
    "text",
    [
        "import leakdrill.cli.main",
        "from leakdrill.cli.main import main",
        "from leakdrill.cli import main",
        "def late():\n    from leakdrill.cli.main import main",
        "from leakdrill.cli.main import *",
        "from importlib import import_module\nimport_module('leakdrill.cli.main')",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from leakdrill.cli.main import main",
    ],
)
def test_an_import_against_the_order_is_named_wherever_it_stands(tmp_path: Path, text: str) -> None:
    tree = made_up(tmp_path, {"scenario/load.py": text, "cli/__init__.py": "", "cli/main.py": "import leakdrill.wait"})
    (named,) = imports_against_the_order(tree)
    assert named.startswith("scenario/load.py:")


@pytest.mark.parametrize(
    "text", ["importlib.import_module(name)", "import_module(name)", "__import__(name)", "exec(name)"]
)
def test_an_import_by_name_is_named(tmp_path: Path, text: str) -> None:
    assert imports_by_name(made_up(tmp_path, {"record/a.py": text})) == ["record/a.py"]


def test_folders_of_one_row_import_nothing_of_one_another(tmp_path: Path) -> None:
    files = {"targets/process/a.py": "import leakdrill.targets.docker.b", "targets/docker/b.py": ""}
    assert imports_against_the_order(made_up(tmp_path, files))


def test_a_judge_that_imports_a_meter_is_named(tmp_path: Path) -> None:
    tree = made_up(tmp_path, {"judging/checks/a.py": "import leakdrill.meters.gpu", "meters/gpu.py": ""})
    assert not imports_against_the_order(tree)
    assert impure_imports(tree) == ["judging/checks/a.py:1 imports leakdrill.meters.gpu"]


@pytest.mark.parametrize("text", ["import leakdrill.units", "import psutil", "def late():\n    import leakdrill.units"])
def test_code_that_runs_elsewhere_and_imports_from_here_is_named(tmp_path: Path, text: str) -> None:
    files = {"agent/inside/handler.py": f"import os\nimport leakdrill.agent.inside.listener\n{text}", "units.py": ""}
    assert len(foreign_imports(made_up(tmp_path, {**files, "agent/inside/listener.py": ""}))) == 1


def test_a_circle_of_files_is_named_though_one_import_is_for_types_only(tmp_path: Path) -> None:
    files = {
        "record/a.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from leakdrill.record.b import B",
        "record/b.py": "def late():\n    import leakdrill.record.a",
    }
    assert set(circle(made_up(tmp_path, files))) == {"leakdrill.record.a", "leakdrill.record.b"}


def test_a_file_in_a_folder_without_a_row_is_named(tmp_path: Path) -> None:
    assert unknown_folders(made_up(tmp_path, {"util/strings.py": "", "units.py": ""})) == ["util/strings.py"]
