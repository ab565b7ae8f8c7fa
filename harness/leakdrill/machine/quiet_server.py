"""An HTTP server of ours whose clients may come and go as they please: no traceback of theirs is on the terminal."""

from __future__ import annotations

import sys
from typing import Any, ClassVar

from leakdrill.printable import printable
from leakdrill.screenful import screenful


class QuietServer:
    """For a server of `socketserver`: what goes wrong with a client is nothing, what goes wrong here is one line.

    `failed` says what did not happen then.
    """

    failed: ClassVar[str] = "a request could not be answered"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Tell of the error that is handled now; a client that went away, or is too slow, is no mistake of ours."""
        del request, client_address
        error = sys.exception()
        if not isinstance(error, ConnectionError | TimeoutError):
            sys.stderr.write(screenful(f"leakdrill: {self.failed}: {printable(repr(error))}") + "\n")
            sys.stderr.flush()
