"""A copy of the repository in which the judging code is written once more for each of its mutants."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

MUTATED: Final = (
    "harness/leakdrill/judging/**/*.py",
    "harness/leakdrill/record/history.py",
    "harness/leakdrill/record/verdict.py",
)
"""The code that decides."""

MUTANTS: Final = "mutants.json"
"""Where the copy keeps its list of mutants."""

_MUTMUTS_SWITCH: Final = "from mutmut.mutation.trampoline import"
_OURS: Final = "from mutant_switch import"
_MARK: Final = "__mutmut_"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One small change of one function.

    Attributes:
        module: in which it is, dotted.
        function: which function, as Python qualifies its name.
        name: what mutmut calls the mutant.
        source: a hash of the function as it is written.
        change: the lines that it removes and adds.
        lines: the first and the last line of the statement that it changes; the function's first line is 0.
    """

    module: str
    function: str
    name: str
    source: str
    change: str
    lines: tuple[int, int]

    @property
    def place(self) -> str:
        """The function, with its module."""
        return f"{self.module}.{self.function}"

    @property
    def key(self) -> str:
        """What this mutant is called while its function stays as it is."""
        return f"{self.module}.{self.name}"

    @property
    def says(self) -> str:
        """What it does, for a person."""
        return f"{self.place.removeprefix('leakdrill.')}: {self.change}"


def make_copy(root: Path, copy: Path) -> list[Mutant]:
    """Make `copy` hold what git tracks in `root`, with mutated judging code; returns all mutants."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root, check=True, capture_output=True,
    ).stdout.decode().split("\0")  # fmt: skip
    wanted = {name for name in listed if name and (root / name).is_file()}
    mutated = {str(path.relative_to(root)) for pattern in MUTATED for path in root.glob(pattern)} & wanted
    for name in wanted - mutated:
        _copy_changed(root / name, copy / name)
    for path in list(copy.rglob("*.py")):
        if str(path.relative_to(copy)) not in wanted:
            path.unlink()
    mutants = [one for name in sorted(mutated) for one in _mutate(root / name, copy / name, Path(name))]
    (copy / MUTANTS).write_text(json.dumps([asdict(one) for one in mutants]))
    return mutants


def read_mutants(copy: Path) -> list[Mutant]:
    """The mutants of a copy that was made before."""
    return [_read(one) for one in json.loads((copy / MUTANTS).read_text())]


def _read(one: dict[str, Any]) -> Mutant:
    return Mutant(**one | {"lines": tuple(one["lines"])})


def _copy_changed(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists() or target.read_bytes() != source.read_bytes():
        shutil.copyfile(source, target)


def _mutate(source: Path, target: Path, name: Path) -> list[Mutant]:
    """Write the module `source` with its mutants to `target`, unless that was done before."""
    kept = target.with_suffix(".mutants.json")
    text = source.read_text()
    if kept.exists() and (known := json.loads(kept.read_text()))["text"] == text:
        return [_read(one) for one in known["mutants"]]
    mutants, code = mutate(text, ".".join(name.with_suffix("").parts[1:]))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(code)
    kept.write_text(json.dumps({"text": text, "mutants": [asdict(one) for one in mutants]}))
    return mutants


def mutate(text: str, module: str) -> tuple[list[Mutant], str]:
    """The mutants of the source `text`, and the source that holds them all."""
    from mutmut.mutation.file_mutation import mutate_file_contents  # noqa: PLC0415 - only `make mutants` has it

    made = mutate_file_contents(f"{module}.py", text)
    lines, statements = made.code.splitlines(), statements_of(made.code)
    mutants = []
    for name in made.mutant_names:
        mangled = name.split(_MARK, maxsplit=1)[0]
        spans = [made.line_span_by_function_name[one] for one in (f"{mangled}{_MARK}orig", name)]
        original, mutant = (
            [line.strip().replace(one, function_of(mangled)) for line in lines[span.start - 1 : span.end]]
            for one, span in zip((f"{mangled}{_MARK}orig", name), spans, strict=True)
        )
        same = next((n for n, pair in enumerate(zip(original, mutant, strict=False)) if pair[0] != pair[1]), 0)
        start = spans[0].start + next(n for n, line in enumerate(original) if line.startswith(("def ", "async def ")))
        statement = statements.get(spans[0].start + same, (start, spans[0].end))
        mutants.append(
            Mutant(
                module,
                function_of(mangled),
                name,
                made.hash_by_function_name[mangled],
                change(original, mutant),
                (statement[0] - start, statement[1] - start),
            )
        )
    return mutants, made.code.replace(_MUTMUTS_SWITCH, _OURS)


def statements_of(code: str) -> dict[int, tuple[int, int]]:
    """For each line of a statement in a function the first and last line of it; of a compound one, of its head."""
    found: dict[int, tuple[int, int]] = {}
    for node in ast.walk(ast.parse(code)):
        if not isinstance(node, ast.stmt) or isinstance(node, ast.FunctionDef | ast.ClassDef):
            continue
        body = getattr(node, "body", None)
        last = body[0].lineno - 1 if body else node.end_lineno or node.lineno
        for line in range(node.lineno, max(node.lineno, last) + 1):
            found[line] = (node.lineno, max(node.lineno, last))
    return found


def function_of(mangled: str) -> str:
    """The qualified name of the function that mutmut calls `mangled`."""
    return mangled.removeprefix("x_") if mangled.startswith("x_") else mangled.removeprefix("xǁ").replace("ǁ", ".")


def change(before: list[str], after: list[str]) -> str:
    """The lines that differ, as `removed → added`."""
    removed = [line for line in before if line not in after]
    added = [line for line in after if line not in before]
    return f"{' '.join(removed)} → {' '.join(added)}"


def environment(copy: Path) -> dict[str, str]:
    """What a process needs to run the tests of `copy` on its code."""
    paths = [copy / "harness", copy, copy / "tests" / "mutants", copy / "tests" / "unit", copy / "tests" / "sabotage"]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths)), "PYTHONHASHSEED": "0"}
