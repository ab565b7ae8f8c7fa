"""Children of tests take signals as a user's do.

A shell starts what is in the background with SIGINT ignored, `nohup` ignores SIGHUP, and a supervisor may ignore or
block others; children would inherit that, and a test that signals one would wait in vain. A handler is not inherited.
"""

import signal

_SENT = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)

for _number in _SENT:
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, signal.default_int_handler if _number == signal.SIGINT else lambda *_: None)
signal.pthread_sigmask(signal.SIG_UNBLOCK, _SENT)
