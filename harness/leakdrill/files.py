"""Whether a file is there, asked of a path that a person wrote: one that no file can have is no error of ours."""

from __future__ import annotations

import os.path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def is_file(path: Path) -> bool:
    """Returns whether `path` is a file; not where its name is too long, or its folder may not be looked into."""
    return os.path.isfile(path)  # noqa: PTH113 - Path.is_file raises for both


def exists(path: Path) -> bool:
    """Returns whether something is at `path`; not where its name is too long, or its folder may not be looked into."""
    return os.path.exists(path)  # noqa: PTH110 - Path.exists raises for both
