"""The scenarios that Leakdrill brings along, found by name: `gateway/unbounded-cache`."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from leakdrill.errors import BadInput
from leakdrill.files import is_file, is_folder
from leakdrill.yaml_file import read_yaml

_NO_SCENARIOS = ("coverage.yaml", "matrix.yaml")
_OTHER_FOLDERS = ("rules", "runbooks")


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One scenario of the catalogue, as `leakdrill scenarios` lists it."""

    name: str
    summary: str
    rehearses: str
    path: Path


def files_root() -> Path:
    """The folder above the catalogue: what its files name by `../..`, such as the Dockerfile of the sample services.

    In an installed wheel it is package data, in a checkout the checkout itself.
    """
    package = Path(str(files("leakdrill")))
    packaged = package / "catalogue_files"
    return packaged if is_folder(packaged) else package.parents[1]


def catalogue_root() -> Path:
    """The folder of the catalogue: inside an installed wheel, or of this checkout."""
    return files_root() / "scenarios"


def catalogue() -> list[CatalogueEntry]:
    """Every scenario of the catalogue, by name. Rules, coverage and matrix files are none."""
    return [entry for path in sorted(catalogue_root().glob("*/*.yaml")) if (entry := _entry(path))]


def catalogue_rules() -> list[Path]:
    """The rules files of the catalogue, by name."""
    paths = sorted((catalogue_root() / "rules").glob("*.yaml"))
    return [path for path in paths if path.stem != "routing" and not path.stem.endswith("_test")]


def find_scenario(name_or_file: str) -> Path:
    """The scenario file that `name_or_file` means: a path that exists, else a name of the catalogue.

    Raises:
        BadInput: when it is neither, with the nearest name.
    """
    path = Path(name_or_file)
    if is_file(path):
        return path
    named = catalogue_root() / f"{name_or_file}.yaml"
    if is_file(named):
        return named
    known = [entry.name for entry in catalogue()]
    close = difflib.get_close_matches(name_or_file, known, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]}?" if close else "`leakdrill scenarios` lists the catalogue"
    if is_folder(path):
        inside = path / "scenario.yaml"
        raise BadInput(
            f"{name_or_file}: is a folder; expected a scenario file",
            hint=f"leakdrill run {inside}" if is_file(inside) else hint,
        )
    raise BadInput(f"{name_or_file}: is neither a file nor a scenario of the catalogue", hint=hint)


def _entry(path: Path) -> CatalogueEntry | None:
    if path.name in _NO_SCENARIOS or path.parent.name in _OTHER_FOLDERS:
        return None
    data = read_yaml(path, expected="a scenario", scalars="yaml 1.2").data
    if not isinstance(data, dict) or not {"target", "twin_of"} & data.keys():
        return None
    return CatalogueEntry(
        name=str(data.get("name", path.stem)),
        summary=str(data.get("summary", "")),
        rehearses=str(data.get("rehearses", "")),
        path=path,
    )
