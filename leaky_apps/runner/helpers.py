"""The helper that each build has beside it, such as a compiler's server, and that should end with it."""

from __future__ import annotations

import contextlib
import subprocess
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND: Final = ("sleep", "3600")


class Helpers:
    """Starts a helper for each build.

    Attributes:
        end_with_build: whether the helper is ended when its build has ended.
    """

    def __init__(self) -> None:
        self.end_with_build = True
        self._left: list[subprocess.Popen[bytes]] = []

    @contextlib.contextmanager
    def beside_a_build(self) -> Iterator[None]:
        """A helper for the time of one build."""
        helper = subprocess.Popen(COMMAND, stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            yield
        finally:
            if self.end_with_build:
                helper.kill()
                helper.wait()
            else:
                self._left.append(helper)
            self._left = [one for one in self._left if one.poll() is None]  # those that somebody ended are waited for
