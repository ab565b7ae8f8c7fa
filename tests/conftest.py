"""For every test: children get the signals that end a run, also where a shell made the tests ignore some.

A shell starts what is in the background with SIGINT ignored, and `nohup` ignores SIGHUP; children would inherit that.
A handler is not inherited: with one in its place they begin with the default action.
"""

from __future__ import annotations

import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda *_: None)
