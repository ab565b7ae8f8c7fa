"""`python -m leakdrill` is `leakdrill`."""

import os
import sys

if sys.path[0] == os.getcwd() and not sys.flags.safe_path:  # noqa: PTH109 - pathlib would be looked for there, too
    del sys.path[0]  # put there by `-m`: a `json.py` of the user's would take the place of the standard library's

from leakdrill.cli.main import main

if __name__ == "__main__":
    main()
