"""Sets the clock of the harness by a minute once a file is there: for nobody else, and no real clock."""

import os
import sys
import time

FILE = os.environ.get("CLOCK_IS_SET_BY", "")
if FILE and "leakdrill" in sys.orig_argv and "run" in sys.orig_argv:
    real = time.time
    time.time = lambda: real() + (60 if os.path.exists(FILE) else 0)  # noqa: PTH110 - it is asked very often
