"""Says of each surviving mutant what it changes, and why it may live."""

from __future__ import annotations

import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_MARK: Final = "__mutmut_"


@dataclass(frozen=True, slots=True)
class Survivor:
    """A mutant that no test noticed: the function it is in, and the lines that it removes and adds."""

    function: str
    change: str

    @property
    def key(self) -> str:
        """How survivors.toml names it: by what it changes, because the numbers of mutants move."""
        return f"{self.function}: {self.change}"


def read_reasons(path: Path) -> dict[str, str]:
    """The reasons of `path`, by the survivor's key; none where there is no such file."""
    return tomllib.loads(path.read_text())["reasons"] if path.exists() else {}


def with_diffs(copy: Path, names: list[str]) -> list[Survivor]:
    """The survivors called `names`, with what each changes."""
    by_module: dict[str, list[str]] = {}
    for name in names:
        by_module.setdefault(name.rsplit(".", 1)[0], []).append(name)
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(lambda item: _of_module(copy, *item), by_module.items())
    return [survivor for survivors in found for survivor in survivors]


def _of_module(copy: Path, module: str, names: list[str]) -> list[Survivor]:
    source = (copy / "mutants" / "src" / f"{module.replace('.', '/')}.py").read_text()
    functions = _functions(source)
    return [_survivor(module, name.rsplit(".", 1)[1], functions) for name in names]


def _functions(source: str) -> dict[str, list[str]]:
    """The lines of every function that mutmut wrote, by its name."""
    functions: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in source.splitlines():
        if line.lstrip().startswith(("def ", "async def ")):
            name = line.split("def ", 1)[1].split("(", 1)[0]
            current = functions.setdefault(name, [])
        elif current is not None:
            current.append(line.strip())
    return functions


def _survivor(module: str, mangled: str, functions: dict[str, list[str]]) -> Survivor:
    base = mangled.split(_MARK, maxsplit=1)[0]
    before, after = functions.get(f"{base}{_MARK}orig", []), functions.get(mangled, [])
    removed = [line for line in before if line not in after]
    added = [line for line in after if line not in before]
    change = f"{' '.join(removed)} → {' '.join(added)}".replace("|", "\\|").replace("`", "'")
    return Survivor(
        f"{module.removeprefix('leakdrill.')}.{base.removeprefix('x_').replace('xǁ', '').replace('ǁ', '.')}", change
    )
