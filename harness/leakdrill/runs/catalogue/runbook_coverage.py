"""What the rehearsals of the catalogue's runbooks cover, by their bindings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.bindings import BoundFile
from leakdrill.runs.catalogue.catalogue import catalogue_root
from leakdrill.runs.catalogue.runbook import FOLDER

if TYPE_CHECKING:
    from pathlib import Path

_BINDINGS: Final = ".bind.yaml"
"""How the name of the bindings ends that lie beside a runbook: `NAME.bind.yaml` for `NAME.md`."""


def covered_by_runbooks(folder: Path | None = None) -> dict[str, list[str]]:
    """What the rehearsal of each runbook of the catalogue carries out: ids of instructions, by the runbook's name.

    Args:
        folder: where the runbooks and their bindings lie; default: the catalogue's.

    Raises:
        BadInput: when bindings cannot be used.
    """
    at = folder or catalogue_root() / FOLDER
    bound = [(path, BoundFile(path).bindings.covers) for path in sorted(at.glob(f"*{_BINDINGS}"))]
    return {f"{FOLDER}/{path.name.removesuffix(_BINDINGS)}": covers for path, covers in bound if covers}
