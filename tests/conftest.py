"""For every test: children hear Ctrl-C, also where a shell in the background made the tests ignore SIGINT."""

from __future__ import annotations

import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
