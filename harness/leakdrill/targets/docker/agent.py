"""The agent for a container: its code, and the folder of its sockets, mounted where the service's Pythons look.

A container has another user, another view of the files and other process numbers; the kernel is the same one, so a
socket in a shared folder reaches across.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from leakdrill.agent.environment import AGENT_VARIABLE, INJECTED, INSIDE
from leakdrill.errors import EnvironmentProblem

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOUNTED: Final = "/.leakdrill"


class AgentMount:
    """A copy of the agent's code in `private`, readable for any user of a container, and a folder for sockets.

    Both may be entered by anybody, because nobody knows who serves inside; `private` itself only by its owner.

    Args:
        private: made here; the caller removes it.

    Raises:
        EnvironmentProblem: when it cannot be made.
    """

    def __init__(self, private: Path) -> None:
        self._code, self.sockets = private / "agent", private / "sockets"
        try:
            private.mkdir(mode=0o700, parents=True, exist_ok=True)
            private.chmod(0o700)
            for folder in (INJECTED, INSIDE):
                shutil.copytree(folder, self._code / folder.name, ignore=shutil.ignore_patterns("__pycache__"))
            self.sockets.mkdir()
            self.sockets.chmod(0o777)
            for path in (self._code, *self._code.rglob("*")):
                path.chmod(0o755 if path.is_dir() else 0o644)
        except OSError as e:
            raise EnvironmentProblem(f"the agent's folder {private} cannot be made: {e.strerror}") from e

    def volumes(self) -> dict[str, dict[str, str]]:
        """What the engine is to mount."""
        return {
            str(self._code): {"bind": f"{_MOUNTED}/{self._code.name}", "mode": "ro"},
            str(self.sockets): {"bind": f"{_MOUNTED}/{self.sockets.name}", "mode": "rw"},
        }

    def environment(self, base_env: Mapping[str, Any]) -> dict[str, str]:
        """What brings the agent into every Python inside, in front of the `PYTHONPATH` of `base_env`."""
        code = f"{_MOUNTED}/{self._code.name}/{INJECTED.name}"
        path = ":".join(filter(None, [code, base_env.get("PYTHONPATH")]))
        return {"PYTHONPATH": path, AGENT_VARIABLE: f"{_MOUNTED}/{self.sockets.name}"}


def sockets_of(attrs: Mapping[str, Any]) -> Path | None:
    """The folder of sockets on this machine of a container that was started with the agent; None for others."""
    inside = f"{_MOUNTED}/sockets"
    found = next((mount["Source"] for mount in attrs.get("Mounts") or [] if mount.get("Destination") == inside), None)
    return Path(found) if found else None


def pid_inside(pid: int) -> int:
    """The number that process `pid` of this machine has in its own container; `pid` where it is gone or in none."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return pid
    numbers = next((line.split()[1:] for line in lines if line.startswith("NSpid:")), [])
    return int(numbers[-1]) if numbers else pid
