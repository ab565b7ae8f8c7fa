"""Sets the clock of the harness by a minute, 13 seconds after it began: for nobody else, and no real clock."""

import sys
import time

if "leakdrill" in sys.orig_argv and "run" in sys.orig_argv:
    began = time.monotonic()
    real = time.time

    def jumping() -> float:
        """The time, a minute ahead from the thirteenth second on."""
        return real() + (60 if time.monotonic() - began > 13 else 0)

    time.time = jumping
