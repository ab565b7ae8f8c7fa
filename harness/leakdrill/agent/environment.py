"""The environment that brings the agent into every Python process of a target."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from leakdrill.errors import EnvironmentProblem

if TYPE_CHECKING:
    from collections.abc import Mapping

AGENT_VARIABLE: Final = "LEAKDRILL_AGENT"
"""The folder of the sockets; without it the injected file only yields to the user's own."""

INJECTED: Final = Path(__file__).resolve().parent / "injected"
"""Holds `sitecustomize.py` and nothing else, so that no other import of the target can find anything here."""

INSIDE: Final = INJECTED.with_name("inside")
"""The code that responds in the target, beside it."""


def agent_environment(folder: Path, base_env: Mapping[str, str]) -> dict[str, str]:
    """Returns `base_env` with the agent in it, which listens on sockets in `folder`.

    `folder` is made if it is missing, and is its owner's alone: whoever reaches a socket may query the agent.

    Raises:
        EnvironmentProblem: when the folder cannot be made.
    """
    folder = folder.resolve()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise EnvironmentProblem(f"the agent's folder {folder} cannot be made: {error.strerror}") from error
    path = [str(INJECTED), *filter(None, [base_env.get("PYTHONPATH")])]
    return {**base_env, "PYTHONPATH": os.pathsep.join(path), AGENT_VARIABLE: str(folder)}
